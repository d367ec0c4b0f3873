package measure

import "slices"

// bounds are the time-to-revoke figures that come in quantiles.
var bounds = []struct {
	name, doc string
	labels    []string
}{
	{"lower", "lower bound of time-to-revoke at each gateway", bothLabels},
	{"upper", "upper bound of time-to-revoke at each gateway", bothLabels},
	{"fleet_lower", "lower bound of time-to-revoke over all gateways", phaseLabel},
	{"fleet_upper", "upper bound of time-to-revoke over all gateways", phaseLabel},
	{"ack_lower", "lower bound of time-to-revoke over all gateways, from the ack", phaseLabel},
	{"ack_upper", "upper bound of time-to-revoke over all gateways, from the ack", phaseLabel},
}

func revokeMetrics() []Metric {
	var out []Metric
	for _, b := range bounds {
		for _, q := range quantiles {
			out = append(out, Metric{
				Name: "revoke." + b.name + "." + q.name, Unit: "ms", Labels: b.labels,
				Doc: q.name + " of the " + b.doc, family: revoke, quantile: q.q,
				value: func(s scope) (*float64, int) {
					figures, moments := s.quantiles(b.name)
					return [...]*float64{figures.P50, figures.P95, figures.P99, figures.Max}[slices.Index(quantiles, q)], moments
				},
			})
		}
	}
	return out
}

// quantiles computes one figure of time-to-revoke in a scope, by the rules of
// the report.
func (s scope) quantiles(bound string) (Quantiles, int) {
	perGateway := bound == "lower" || bound == "upper"
	var intervals []Interval
	for _, group := range s.intervals(bound) {
		intervals = append(intervals, group...)
	}
	samples, moments := spans(intervals, perGateway)
	lower, upper := summarize(samples, moments)
	if bound == "lower" || bound == "fleet_lower" || bound == "ack_lower" {
		return lower, moments
	}
	return upper, moments
}

// intervals are the samples of a figure: one group over the fleet or, for the
// figures at each gateway, one group per gateway.
func (s scope) intervals(bound string) [][]Interval {
	r := &s.pattern.Revoke
	var groups [][]Interval
	switch bound {
	case "fleet_lower", "fleet_upper":
		groups = [][]Interval{r.Fleet}
	case "ack_lower", "ack_upper":
		groups = [][]Interval{fromAck(r.Fleet)}
	default:
		for i := range r.Gateways {
			if s.gateway == "" || s.gateway == r.Gateways[i].Gateway {
				groups = append(groups, named(r.Gateways[i].Intervals, r.Gateways[i].Gateway))
			}
		}
	}
	if s.phase == nil {
		return groups
	}
	for i := range groups {
		groups[i] = within(groups[i], s.phase.Phase)
	}
	return groups
}

// named returns copies of intervals that say at which gateway they were taken.
func named(intervals []Interval, gateway string) []Interval {
	out := slices.Clone(intervals)
	for i := range out {
		out[i].Gateway = gateway
	}
	return out
}

// counts counts the tokens of a scope, out of so many pairs of token and gateway.
// With a gateway, tokens and moments are those that were in use there.
func (s scope) counts() (c RevokeCounts, all int) {
	var pairs []Interval
	for _, group := range s.intervals("upper") {
		pairs = append(pairs, group...)
	}
	if s.gateway == "" {
		return countRevoked(s.intervals("fleet_upper")[0], pairs), len(pairs)
	}
	return countRevoked(pairs, pairs), len(pairs)
}

// countRevoked counts the intervals of tokens, and those at each gateway.
func countRevoked(tokens, pairs []Interval) RevokeCounts {
	var c RevokeCounts
	_, c.Moments = spans(tokens, false)
	for _, i := range tokens {
		if i.State != Unprimed {
			c.Tokens++
		}
	}
	for _, i := range pairs {
		switch i.State {
		case Censored, Expired:
			c.Censored++
		case Unknown:
			c.Unknown++
		case Unstable:
			c.Unstable++
		case Unprimed:
			c.Unprimed++
		}
		if i.Resurrected && i.State != Unprimed {
			c.Resurrections++
		}
	}
	return c
}

func revokeCounts() []Metric {
	at := func(name, doc string, value func(RevokeCounts) int) Metric {
		return count("revoke."+name, doc, bothLabels, func(s scope) (int, int) {
			c, _ := s.counts()
			return value(c), c.Moments
		})
	}
	of := func(name, doc string, value func(*Revoke) int) Metric {
		return count("revoke."+name, doc, nil, func(s scope) (int, int) {
			return value(&s.pattern.Revoke), s.pattern.Revoke.Moments
		})
	}
	return []Metric{
		at("tokens", "tokens revoked and measured", func(c RevokeCounts) int { return c.Tokens }),
		at("moments", "moments at which tokens were revoked", func(c RevokeCounts) int { return c.Moments }),
		at("censored", "tokens at a gateway that were not refused by the end", func(c RevokeCounts) int { return c.Censored }),
		at("unknown", "tokens at a gateway whose control does not support the rejects", func(c RevokeCounts) int { return c.Unknown }),
		at("unstable", "tokens at a gateway not watched for the quiet period", func(c RevokeCounts) int { return c.Unstable }),
		count("revoke.unprimed", "tokens at a gateway where they were not in use before", bothLabels, func(s scope) (int, int) {
			c, all := s.counts()
			return c.Unprimed, all
		}),
		at("resurrections", "tokens at a gateway let in again after a reject", func(c RevokeCounts) int { return c.Resurrections }),
		of("in_flight", "requests begun before the ack and let in after it", func(r *Revoke) int { return r.InFlight }),
		of("excluded", "tokens whose revocation was refused or never tried", func(r *Revoke) int { return r.Excluded }),
		of("no_ack", "tokens whose revocation had no acknowledgement", func(r *Revoke) int { return r.NoAck }),
		{Name: "revoke.in_flight_overrun", Unit: "ms", Doc: "longest time after the ack of a request begun before it",
			value: func(s scope) (*float64, int) {
				v := s.pattern.Revoke.InFlightOverrun
				if v == nil {
					v = new(float64)
				}
				return v, s.pattern.Revoke.Moments
			}},
		{Name: "revoke.watched", Unit: "ms", Doc: "how long each token was watched after its revocation, at least",
			value: func(s scope) (*float64, int) { return &s.pattern.Revoke.Watched, s.pattern.Revoke.Moments }},
	}
}
