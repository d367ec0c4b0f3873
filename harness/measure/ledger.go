package measure

import (
	"maps"
	"slices"
)

// place is where a request was decided, and in which phase.
type place struct {
	gateway, phase string
}

// decisions is what was decided, and how much of it wrongly.
type decisions struct {
	tally  tally
	safety Safety
}

func (d *decisions) merge(from decisions) {
	d.tally.merge(from.tally)
	d.safety.merge(from.safety)
}

// ledger is what was decided at each place.
type ledger map[place]decisions

func (l ledger) add(at place, d decisions) {
	sum := l[at]
	sum.merge(d)
	l[at] = sum
}

// sum is what was decided at a gateway in a phase; an empty name is all of them.
func (l ledger) sum(gateway, phase string) decisions {
	var sum decisions
	for at, d := range l {
		if (gateway == "" || gateway == at.gateway) && (phase == "" || phase == at.phase) {
			sum.merge(d)
		}
	}
	return sum
}

// rows are the declared gateways, then any other that was seen.
func (l ledger) rows(declared []string) []string {
	others := map[string]bool{}
	for at := range l {
		if !slices.Contains(declared, at.gateway) {
			others[at.gateway] = true
		}
	}
	return append(slices.Clone(declared), slices.Sorted(maps.Keys(others))...)
}

// gateways splits a phase, or the whole run, by enforcement point.
func (l ledger) gateways(declared []string, phase string) []Gateway {
	var out []Gateway
	for _, gateway := range l.rows(declared) {
		d := l.sum(gateway, phase)
		out = append(out, Gateway{Gateway: gateway, Requests: d.tally.requests(), Safety: d.safety})
	}
	return out
}

// pattern is the part of a report that needs no more than a history: what was
// decided, time-to-revoke, and both for each gateway and phase. elapsed cuts off
// the phases of a run that ended early.
func (l ledger) pattern(meta *PatternMeta, phases []PhaseMeta, elapsed int64, c *checked) Pattern {
	out := newPattern(meta)
	all := l.sum("", "")
	out.Requests, out.Safety = all.tally.requests(), all.safety
	out.Gateways, out.Revoke = l.gateways(meta.Gateways, ""), c.revoke
	for _, at := range phases {
		phase := Phase{Phase: at.Phase, From: *milliseconds(min(at.From, elapsed)), To: *milliseconds(min(at.To, elapsed))}
		l.fill(&phase, meta, c)
		out.Phases = append(out.Phases, phase)
	}
	return out
}

// fill fills in one phase.
func (l ledger) fill(out *Phase, meta *PatternMeta, c *checked) {
	d := l.sum("", out.Phase)
	out.Requests, out.Safety = d.tally.requests(), d.safety
	out.Gateways = l.gateways(meta.Gateways, out.Phase)
	for i := range out.Gateways {
		out.Gateways[i].Worst = c.worst[place{out.Gateways[i].Gateway, out.Phase}]
	}
	var pairs []Interval
	for i := range c.revoke.Gateways {
		pairs = append(pairs, within(c.revoke.Gateways[i].Intervals, out.Phase)...)
	}
	fleet := within(c.revoke.Fleet, out.Phase)
	out.Revocations = countRevoked(fleet, pairs)
	if len(fleet) > 0 {
		lower, upper := summarize(spans(fleet, false))
		out.RevokeLower, out.Revoke = &lower, &upper
	}
}
