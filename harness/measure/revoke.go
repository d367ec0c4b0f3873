package measure

// summarize fills in the figures of time-to-revoke from the intervals of each
// token over the fleet and at each gateway.
func (c *checker) summarize(fleet []Interval, at map[string][]Interval, worst map[place]*sightingOf) {
	r := &c.out.revoke
	r.Fleet = fleet
	if r.Fleet == nil {
		r.Fleet = []Interval{}
	}
	r.Tokens, r.Excluded = len(fleet), c.excluded
	for _, i := range fleet {
		if i.Ack == nil {
			r.NoAck++
		}
	}
	if len(fleet) == 0 {
		r.Watched = 0
	}
	var all []Interval
	r.Gateways = []GatewayRevoke{}
	for _, gateway := range c.gateways {
		r.Gateways = append(r.Gateways, gatewayRevoke(gateway, at[gateway], worst[place{gateway, ""}]))
		for _, i := range at[gateway] {
			i.Gateway = gateway
			all = append(all, i)
		}
	}
	for at, s := range worst {
		c.out.worst[at] = s.witness()
	}
	r.Lower, r.Upper = summarize(spans(all, true))
	samples, moments := spans(fleet, false)
	r.Moments = moments
	r.FleetLower, r.FleetUpper = summarize(samples, moments)
	r.AckLower, r.AckUpper = summarize(spans(fromAck(fleet), false))
}

// gatewayRevoke summarizes the intervals at one gateway.
func gatewayRevoke(gateway string, intervals []Interval, worst *sightingOf) GatewayRevoke {
	g := GatewayRevoke{Gateway: gateway, Intervals: intervals}
	if intervals == nil {
		g.Intervals = []Interval{}
	}
	for _, i := range intervals {
		switch i.State {
		case Unprimed:
			continue
		case Censored, Expired:
			g.Censored++
		case Unknown:
			g.Unknown++
		}
		g.Tokens++
		if i.Resurrected {
			g.Resurrections++
		}
	}
	g.Lower, g.Upper = summarize(spans(intervals, false))
	if worst != nil {
		g.Worst = worst.witness()
	}
	return g
}
