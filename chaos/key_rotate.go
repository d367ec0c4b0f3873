package chaos

func keyRotate() Spec {
	return Spec{
		Name: "key.rotate", Place: OnNode, Roles: []string{RoleAuthority},
		Does: "The authority signs with a new key from now on, once; the old one stays published. There is nothing to undo.",
		Once: true,
		Met:  "rotations", Clear: "requests that the authority has answered since",
		Models: "A rotation that was not announced.",
		Source: "mcp-oauth#452: keys were kept for an hour and not fetched for an unknown kid, and every audience was down; istio#49044, oidcc#543, micronaut-security#2289",
		New:    func(Params) Fault { return steer{verb: VerbRotate, on: 1, once: true} },
	}
}
