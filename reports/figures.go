package reports

import (
	"fmt"
	"slices"

	"github.com/tokendrill/tokendrill/harness/measure"
)

// noNetwork is what Environment.Network says when links add nothing.
const noNetwork = "none added"

// sum adds one figure over the patterns.
func sum(r *measure.Report, of func(*measure.Pattern) int) int {
	total := 0
	for i := range r.Patterns {
		total += of(&r.Patterns[i])
	}
	return total
}

// decisions counts the answers that were a decision about a token.
func decisions(p *measure.Pattern) int { return p.Requests.Accepted + p.Requests.Rejected }

// speed is the series that answers "fast?": what gateways say about their
// checks or, where none says anything, the response at the client.
type speed struct {
	name string
	of   func(*measure.Pattern) *measure.Dist
}

func speedOf(r *measure.Report) speed {
	for i := range r.Patterns {
		if r.Patterns[i].Latency.Check.Count > 0 {
			return speed{"check", func(p *measure.Pattern) *measure.Dist { return &p.Latency.Check }}
		}
	}
	if slices.ContainsFunc(r.Patterns, func(p measure.Pattern) bool { return p.Latency.Response.Count > 0 }) {
		return speed{"response", func(p *measure.Pattern) *measure.Dist { return &p.Latency.Response }}
	}
	return speed{"check", func(p *measure.Pattern) *measure.Dist { return &p.Latency.Check }}
}

// p95 is the supported p95 of a pattern, nil without.
func (s speed) p95(p *measure.Pattern) *float64 {
	d := s.of(p)
	return supported(d.P95, 0.95, int(d.Count))
}

// speedMeasured reports whether any pattern has a latency.
func speedMeasured(r *measure.Report) bool {
	s := speedOf(r)
	return slices.ContainsFunc(r.Patterns, func(p measure.Pattern) bool { return s.of(&p).Count > 0 })
}

func (s speed) unit(r *measure.Report) unit {
	m := 0.0
	for i := range r.Patterns {
		d := s.of(&r.Patterns[i])
		m = max(m, largest(d.P50, d.P95, d.P95Noise))
	}
	return unitFor(m)
}

// heading names the series, its unit and the least sample behind its figures.
func (s speed) heading(r *measure.Report, u unit) string {
	least := int64(0)
	for i := range r.Patterns {
		if n := s.of(&r.Patterns[i]).Count; n > 0 && (least == 0 || n < least) {
			least = n
		}
	}
	if least == 0 {
		return s.name + ", " + u.short
	}
	return fmt.Sprintf("%s, %s; n≥%s", s.name, u.short, compact(least))
}

// tieMarks tell groups of patterns apart whose p95 cannot be told apart.
var tieMarks = [...]string{"=", "≈"}

// tieMark is the mark of the first group that the pattern is in, "" without.
func tieMark(r *measure.Report, pattern string) string {
	for i, group := range r.Ties {
		if i < len(tieMarks) && slices.Contains(group, pattern) {
			return tieMarks[i]
		}
	}
	return ""
}

// fleet holds the figures of the life of a revoked token that the number of
// moments supports, in milliseconds; nil is not known.
type fleet struct {
	moments                      int
	lower50, upper50, above50    *float64
	lower95, upper95, above95    *float64
	lowerMax, upperMax, aboveMax *float64
}

func fleetOf(p *measure.Pattern) fleet {
	f := fleet{moments: p.Revoke.Moments}
	lo, hi := &p.Revoke.FleetLower, &p.Revoke.FleetUpper
	above := measure.Above{}
	if hi.Above != nil {
		above = *hi.Above
	}
	if supports(0.50, f.moments) {
		f.lower50, f.upper50, f.above50 = lo.P50, hi.P50, above.P50
	}
	if supports(0.95, f.moments) {
		f.lower95, f.upper95, f.above95 = lo.P95, hi.P95, above.P95
	}
	if f.moments > 0 {
		f.lowerMax, f.upperMax, f.aboveMax = lo.Max, hi.Max, above.Max
	}
	return f
}

// lifeUnit is the unit for the lives of revoked tokens of a whole report.
func lifeUnit(r *measure.Report) unit {
	m := 0.0
	for i := range r.Patterns {
		f := fleetOf(&r.Patterns[i])
		m = max(m, largest(f.lowerMax, f.upperMax, f.aboveMax, f.upper95, f.above95))
	}
	return lifeUnitFor(m)
}

// lifeUnitFor is the unit for lives up to so many ms.
func lifeUnitFor(m float64) unit {
	if m > 10 && m < 60e3 {
		return units[1] // people think of revocation in seconds
	}
	return unitFor(m)
}

// moments returns the least and the largest number of revocation moments of
// the patterns that had any.
func moments(r *measure.Report) (least, most int) {
	for i := range r.Patterns {
		n := r.Patterns[i].Revoke.Moments
		most = max(most, n)
		if n > 0 && (least == 0 || n < least) {
			least = n
		}
	}
	return least, most
}

// rangeOf is "of 64", "of 59-64", or nothing without a moment.
func rangeOf(least, most int) string {
	switch {
	case most == 0:
		return ""
	case least == most:
		return "of " + compact(most)
	default:
		return fmt.Sprintf("of %s-%s", compact(least), compact(most))
	}
}
