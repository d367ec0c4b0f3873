package chaos

func cacheFlush() Spec {
	return Spec{
		Name: "cache.flush", Place: OnNode, Roles: []string{RoleGateway, RoleCDN},
		Does: "Empties a node's caches, once: everything in use is asked for again at the same time. There is nothing to undo.",
		Once: true,
		Met:  "caches that were emptied", Clear: "requests that the node served since",
		Models: "A deployment, an eviction, an operator who clears a cache: the stampede after it.",
		Source: "Facebook, 23 September 2010: every client that saw a bad value deleted its cached copy and asked the database; HealthClaw#675 and indigo-dc#156 on what reaches the authority without a cache",
		New:    func(Params) Fault { return steer{verb: VerbFlush, on: 1, once: true} },
	}
}
