package chaos

func containerCPU() Spec {
	return Spec{
		Name: "container.cpu", Place: OnContainer, Roles: containerRoles, Least: leastInForce,
		Does: "Lets the container of a role use no more than so many CPUs: what it does in bursts waits for the next tenth of a second.",
		Params: []Param{
			{Name: "cpus", Unit: UnitNumber, Min: 0.01, Max: 64, Required: true, Doc: "CPUs, such as 0.05 for a twentieth of one"},
		},
		Met: "times that the engine said that the limit held", Clear: "times that the role answered without it",
		Models: "A limit that was set too low, a neighbour that is loud, a node that is full.",
		Source: "kubernetes#67577: throttling far below the limit; keycloak#52639: a CPU limit on an authorization server makes its answers late",
		New:    func(p Params) Fault { return steer{verb: VerbCPU, on: p.CPUs} },
	}
}
