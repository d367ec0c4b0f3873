package chaos

func keysMissing() Spec {
	return Spec{
		Name: "keys.missing", Place: OnLink, Links: []string{"gateway-cdn", "cdn-authority"},
		Does: "Answers with a key set (RFC 7517) that has no keys in it.",
		Params: []Param{
			paramShare("answers"), paramPath("/jwks"),
		},
		Met: "key sets that were emptied", Clear: "key sets that came as they were",
		Models: "A broken deployment of the authority, and a proxy that makes up an answer.",
		Source: "istio#37456 and PR 25934: a made-up key set replaced the real one, and every token was refused for 20 minutes",
		New: func(p Params) Fault {
			return tamper{scope: p.scopeAt("/jwks"), concerns: plainAnswer, whole: true, begin: withoutKeys}
		},
	}
}

func withoutKeys() func(string, *answer) bool {
	return func(_ string, a *answer) bool {
		a.replace([]byte(`{"keys":[]}`), a.Header.Get("Content-Type"))
		return true
	}
}
