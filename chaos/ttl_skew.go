package chaos

func ttlSkew() Spec {
	return Spec{
		Name: "ttl.skew", Place: OnNode, Roles: []string{RoleGateway},
		Does: "Multiplies the TTL of what a node caches, so that it disagrees with its peers. Changing the TTL empties the cache.",
		Params: []Param{
			{Name: "factor", Unit: UnitNumber, Min: 0.01, Max: 1000, Required: true, Doc: "over 1 keeps for longer"},
		},
		Met: "requests served with the TTL off", Clear: "requests served with it right",
		Models: "A fleet whose nodes run different versions or settings.",
		Source: "Apigee discussion 9204: a revoked token was accepted or refused by which node answered; Bindu PR 509: the TTL that was set was never read",
		New:    func(p Params) Fault { return steer{verb: VerbTTL, on: p.Factor, off: 1} },
	}
}
