package chaos

func pushDelay() Spec {
	return pushSpec(Spec{
		Name: "push.delay",
		Does: "Delivers pushes of the registry later, in their order; everything else on the connection is on time, so that it does not look broken.",
		Params: []Param{
			{Name: "delay", Unit: UnitDelay, Min: 0.001, Max: 60, Required: true, Doc: "how late, drawn anew for each push"},
		},
		Met: "pushes that were late", Clear: "pushes that were not",
		Models: "A registry under load, and a consumer that is behind.",
		Source: "Microsoft's continuous access evaluation: near real time, with up to 15 minutes observed; AWS IAM: 3 to 4 s until a deleted key is refused everywhere",
		New:    func(p Params) Fault { return pushing{p.Share, orderLate, p.Delay.late} },
	})
}

func (delay Delay) late(u *rule) func(*conn, parcel, bool) ([]parcel, bool) {
	return func(_ *conn, d parcel, struck bool) ([]parcel, bool) {
		if struck {
			d.holds, d.late = append(d.holds[:len(d.holds):len(d.holds)], u.hold(delay)), true
		}
		return []parcel{d}, struck
	}
}
