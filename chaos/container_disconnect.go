package chaos

func containerDisconnect() Spec {
	return Spec{
		Name: "container.disconnect", Place: OnContainer, Roles: containerRoles, Least: leastInForce,
		Does: "Takes the container of a role off the network of the roles. Callers from outside still reach it; it reaches nobody, and its name is unknown.",
		Met:  "times that the engine said disconnected and the role reached nobody", Clear: "times that the role reached its peers while it was connected",
		Models: "A partition of one node: a network policy, a broken overlay, a name that does not resolve.",
		Source: "istio#58101: keys were dropped when connections to the authority failed; nats-server#2912: a store that did not come back after a network breakdown",
		New:    func(Params) Fault { return steer{verb: VerbDisconnect, on: 1} },
	}
}
