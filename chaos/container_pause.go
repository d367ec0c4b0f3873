package chaos

import "time"

func containerPause() Spec {
	return Spec{
		Name: "container.pause", Place: OnContainer, Roles: containerRoles, Least: leastInForce,
		Does: "Freezes the container of a role: its connections stay open, nothing answers, and what it had begun goes on when it thaws.",
		Met:  "times that the engine said paused and the role did not answer", Clear: "times that the role answered while its container ran",
		Models: "A stall of a whole process: a long collection of garbage, a virtual machine that is moved, a disk that blocks, a debugger.",
		Source: "tikv#10011: a read checked its lease, was paused, and was served stale; nats.go#1972: after a docker pause a consumer was gone and no client noticed",
		New:    func(Params) Fault { return steer{verb: VerbPause, on: 1} },
	}
}

// containerRoles are the roles whose containers faults act on.
var containerRoles = []string{RoleGateway, RoleOrigin, RoleRegistry, RoleCDN, RoleAuthority}

const (
	// leastInForce is the least time that a fault of containers takes: an engine needs
	// up to half a second to carry a call out.
	leastInForce = time.Second
	// leastDown is the least time for a container that is killed and started again.
	leastDown = 2 * time.Second
)
