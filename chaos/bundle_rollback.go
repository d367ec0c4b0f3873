package chaos

func bundleRollback() Spec {
	return Spec{
		Name: "bundle.rollback", Place: OnLink, Links: []string{"gateway-cdn", "cdn-authority"},
		Does: "Lets a new key bundle come through once and then serves the older one that it saw before it.",
		Params: []Param{
			paramShare("answers"), paramPath("/bundle"),
		},
		Met: "newer bundles that were replaced by the older one", Clear: "bundles that came as they were",
		Models: "An attacker who has a key that was retired, and a deployment that was rolled back. Needs a change of keys while it is in place.",
		Source: "Azure AD, 15 March 2021: the metadata was rolled back while newer and older copies were in caches; The Update Framework, rollback attack",
		New: func(p Params) Fault {
			return tamper{scope: p.scopeAt("/bundle"), concerns: plainAnswer, whole: true, begin: backAgain}
		},
	}
}

// backAgain serves the first document again once another has come through.
func backAgain() func(string, *answer) bool {
	var first *document
	newer := false
	return func(_ string, a *answer) bool {
		switch {
		case first == nil:
			first = keep(a)
			return false
		case !newer:
			newer = !first.same(a)
			return false
		}
		return first.instead(a)
	}
}
