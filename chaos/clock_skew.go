package chaos

func clockSkew() Spec {
	return Spec{
		Name: "clock.skew", Place: OnNode, Roles: []string{RoleGateway, RoleOrigin, RoleAuthority},
		Does: "Sets a node's wall clock off. Its timers go on as before: the clock is wrong, not fast.",
		Params: []Param{
			{Name: "offset", Unit: UnitDuration, Min: -86400, Max: 86400, Required: true, Doc: "ahead if positive"},
		},
		Met: "times that the node read a clock that was off", Clear: "times that it read one that was right",
		Models: "A node without NTP, a virtual machine that was paused, a container on a bad host.",
		Source: "firecrawl PR 3973: with a slow clock an entry outlived its token; chaos-mesh#2979: nobody could tell whether a skew had taken hold",
		New:    func(p Params) Fault { return steer{verb: VerbClock, on: p.Offset.Seconds(), off: 0} },
	}
}
