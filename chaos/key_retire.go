package chaos

func keyRetire() Spec {
	return Spec{
		Name: "key.retire", Place: OnNode, Roles: []string{RoleAuthority},
		Does: "Takes the signing key out of what the authority publishes while it still signs with it.",
		Met:  "documents published without the signing key", Clear: "documents published with it",
		Models: "A key that is retired too early, by hand or by automation.",
		Source: "Azure AD, 15 March 2021: automation removed a key that was marked to be kept, and sign-ins failed worldwide",
		New:    func(Params) Fault { return steer{verb: VerbDropKey, on: 1} },
	}
}
