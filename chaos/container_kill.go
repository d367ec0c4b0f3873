package chaos

func containerKill() Spec {
	return Spec{
		Name: "container.kill", Place: OnContainer, Least: leastDown,
		Roles: []string{RoleGateway, RoleOrigin, RoleRegistry, RoleCDN}, // the tokens of the authority are in its memory
		Does:  "Kills the container of a role and starts it again at the end, with its files and an empty memory.",
		Met:   "times that the engine said that it was not running", Clear: "times that the role answered after its start",
		Models: "A node that is lost, an eviction, a process that ran out of memory, and the time until something starts it again.",
		Source: "nats-server#6025: after a rolling update clients could publish and got nothing until they were restarted; Kong#11351: tokens were gone after a restart",
		New:    func(Params) Fault { return steer{verb: VerbKill, on: 1} },
	}
}
