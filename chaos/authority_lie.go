package chaos

func authorityLie() Spec {
	return Spec{
		Name: "authority.lie", Place: OnNode, Roles: []string{RoleAuthority},
		Does: "The authority's database is gone and nobody has noticed: introspection says active:false, signed, and a revocation that is not stored gets a 200.",
		Met:  "answers that were lies", Clear: "answers that were not",
		Models: "An authority that mistakes an error of its store for a token that it does not know.",
		Source: "fosite v0.49.0 and hydra: a storage failure becomes active:false; fosite CVE-2020-15223 and hydra#311: 200 for a revocation that failed",
		New:    func(Params) Fault { return steer{verb: VerbLie, on: 1} },
	}
}
