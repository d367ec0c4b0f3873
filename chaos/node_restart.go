package chaos

func nodeRestart() Spec {
	return Spec{
		Name: "node.restart", Place: OnNode, Roles: []string{RoleGateway, RoleOrigin, RoleRegistry},
		Does: "Ends a node and starts it again, once, with empty memory: it cuts off what it was answering. There is nothing to undo.",
		Once: true,
		Met:  "restarts", Clear: "requests that the node served since",
		Models: "A crash, an eviction by the scheduler, a rolling update.",
		Source: "svelte-langgraph#284: a removed key was trusted until a restart; thunderid PR 3839: what a deny list knows must not be lost",
		New:    func(Params) Fault { return steer{verb: VerbRestart, on: 1, once: true} },
	}
}
