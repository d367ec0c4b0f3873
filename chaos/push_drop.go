package chaos

func pushDrop() Spec {
	return pushSpec(Spec{
		Name: "push.drop",
		Does: "Loses pushes of the registry on their way to a gateway. A subscriber that counts finds the gap at the next one and asks again; while all are lost, only the silence shows it.",
		Met:  "pushes that were lost", Clear: "pushes that arrived",
		Models: "A subscriber that misses messages: an overflowing buffer, a broken route, a stream that is paused.",
		Source: "openalgo#1414: invalidations after a new login were lost; mcp-context-forge PR 3309: replicas never heard of revocations; thunderid PR 3839: a deny list whose updates fail",
		New:    func(p Params) Fault { return pushing{p.Share, orderDrop, dropped} },
	})
}

func dropped(*rule) func(*conn, parcel, bool) ([]parcel, bool) {
	return func(_ *conn, d parcel, struck bool) ([]parcel, bool) {
		if struck {
			return nil, true
		}
		return []parcel{d}, false
	}
}
