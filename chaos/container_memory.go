package chaos

func containerMemory() Spec {
	return Spec{
		Name: "container.memory", Place: OnContainer, Roles: containerRoles, Least: leastInForce,
		Does: "Lets the container of a role use no more than so much memory: beyond it the kernel kills the role. A limit below what is in use may be refused.",
		Params: []Param{
			{Name: "memory", Unit: UnitSize, Min: float64(6 * mebibyte), Max: float64(64 * gibibyte), Required: true, Doc: "of all that the container holds, files in memory among it"},
		},
		Met: "times that the engine said that the limit held", Clear: "times that the role answered without it",
		Models: "A limit that fits the average and not the peak, a leak, a cache without a bound.",
		Source: "proxy-smart PR 1040: a server at 512 MB was killed twice a day, and the sessions that were lost with it read as OAuth errors; keycloak#45241: tokens that were cached until their exp used up the memory",
		New:    func(p Params) Fault { return steer{verb: VerbMemory, on: float64(p.Memory)} },
	}
}
