package reports

import (
	"slices"

	"github.com/tokendrill/tokendrill/harness/measure"
)

// Names of the phases around a fault.
const (
	before = "before"
	during = "during"
	after  = "after"
)

// broke reports whether something was broken on purpose, or was to be.
func broke(r *measure.Report) bool {
	return len(r.Faults) > 0 || slices.ContainsFunc(r.Patterns, func(p measure.Pattern) bool { return phaseOf(&p, during) != nil })
}

// phaseOf is the phase of that name, nil without.
func phaseOf(p *measure.Pattern, name string) *measure.Phase {
	i := slices.IndexFunc(p.Phases, func(ph measure.Phase) bool { return ph.Phase == name })
	if i < 0 {
		return nil
	}
	return &p.Phases[i]
}

// unanswered is the share of requests of a phase without an answer, nil if unknown.
func unanswered(p *measure.Pattern, phase string) *float64 {
	ph := phaseOf(p, phase)
	if ph == nil || ph.Requests.Sent == 0 {
		return nil
	}
	return ph.Requests.UnavailableRate
}

// responseP95 is the response p95 of a phase if its sample supports it.
func responseP95(p *measure.Pattern, phase string) *float64 {
	ph := phaseOf(p, phase)
	if ph == nil {
		return nil
	}
	d := &ph.Latency.Response
	return supported(d.P95, 0.95, int(d.Count))
}

// worstLived is the longest life of the tokens revoked in a phase: how many
// moments there were, and in ms what is known of the worst of them.
type worstLived struct {
	moments, censored   int
	lower, upper, above *float64
}

// livedIn is the zero worstLived if there was no such phase, or no revocation in it.
func livedIn(p *measure.Pattern, phase string) worstLived {
	if ph := phaseOf(p, phase); ph != nil {
		return lifeOf(ph)
	}
	return worstLived{}
}

func lifeOf(ph *measure.Phase) worstLived {
	if ph.Revoke == nil || ph.Revocations.Moments == 0 {
		return worstLived{}
	}
	out := worstLived{moments: ph.Revocations.Moments, censored: ph.Revocations.Censored, upper: ph.Revoke.Max}
	if ph.RevokeLower != nil {
		out.lower = ph.RevokeLower.Max
	}
	if ph.Revoke.Above != nil {
		out.above = ph.Revoke.Above.Max
	}
	return out
}

// momentsIn returns the least and the largest number of moments in a phase over
// the patterns that had any.
func momentsIn(r *measure.Report, phase string) (least, most int) {
	for i := range r.Patterns {
		p := &r.Patterns[i]
		n := livedIn(p, phase).moments
		most = max(most, n)
		if n > 0 && (least == 0 || n < least) {
			least = n
		}
	}
	return least, most
}

// recovered says how long after the last fault a pattern was as before it.
func recovered(p *measure.Pattern) string {
	switch {
	case p.Recovery != nil && *p.Recovery == 0:
		return "at once"
	case p.Recovery != nil:
		return millis(*p.Recovery, up)
	case p.RecoveryAbove != nil:
		return "> " + millis(*p.RecoveryAbove, down)
	}
	return none
}
