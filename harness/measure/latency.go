package measure

import (
	"cmp"
	"slices"

	"github.com/tokendrill/tokendrill/fixtures/token"
)

// latency summarizes the requests of a phase that should be, and were, accepted,
// beside those of its control path.
func (p *patternRecord) latency(phase string) Latency {
	valid, bare := p.pool(phase, token.Valid), p.pool(phase, token.Bare)
	l := Latency{
		Response: valid.dist(seriesResponse),
		Service:  valid.dist(seriesService),
		Lag:      valid.dist(seriesLag),
		Check:    valid.dist(seriesHit, seriesMiss, seriesUntold),
		Hit:      valid.dist(seriesHit),
		Miss:     valid.dist(seriesMiss),
		Bare:     bare.dist(seriesResponse),
	}
	if l.Check.Count == 0 && l.Response.Count > 0 && l.Bare.Count > 0 {
		l.Check, l.CheckDerived = valid.above(bare, seriesResponse), true
	}
	return l
}

// curves are the plots of the latency phase.
func (p *patternRecord) curves() []Curve {
	valid, bare := p.pool(LatencyPhase, token.Valid), p.pool(LatencyPhase, token.Bare)
	var out []Curve
	for _, s := range []struct {
		name   string
		of     *pool
		series int
	}{
		{"response", valid, seriesResponse},
		{"check hit", valid, seriesHit},
		{"check miss", valid, seriesMiss},
		{"check", valid, seriesUntold},
		{"bare", bare, seriesResponse},
		{"lag", valid, seriesLag},
	} {
		if h := s.of.total.sum(s.series); h.count() > 0 {
			out = append(out, h.curve(s.name))
		}
	}
	return out
}

// leastSlices is how many slices a 95 % interval of their median takes: with
// six, the median lies outside of [min, max] with probability 2 * 0.5^6.
const leastSlices = 6

// medianInterval is the 95 % interval of the median by order statistics: the
// narrowest pair of equally deep ones that covers it. False with under six values.
func medianInterval(values []float64) (low, high float64, ok bool) {
	n := len(values)
	if n < leastSlices {
		return 0, 0, false
	}
	sorted := slices.Sorted(slices.Values(values))
	depth := 0
	for depth+1 < n/2 && 2*atMost(depth+1, n, 0.5) <= alpha {
		depth++
	}
	return sorted[depth], sorted[n-1-depth], true
}

// noise is half the width of that interval.
func noise(p95 []float64) *float64 {
	low, high, ok := medianInterval(p95)
	if !ok {
		return nil
	}
	half := (high - low) / 2
	return &half
}

// ties groups the patterns whose check p95 cannot be told apart: those where
// the interval of the median difference of the paired slices includes zero. In a
// group every pair is tied.
func ties(patterns []Pattern) [][]string {
	var ordered []*Pattern
	for i := range patterns {
		if d := &patterns[i].Latency.Check; d.P95 != nil && len(d.P95Slices) >= leastSlices {
			ordered = append(ordered, &patterns[i])
		}
	}
	slices.SortStableFunc(ordered, func(a, b *Pattern) int {
		return cmp.Compare(*a.Latency.Check.P95, *b.Latency.Check.P95)
	})
	var out [][]string
	for from := 0; from < len(ordered); {
		to := from + 1
		for to < len(ordered) && tiedToAll(ordered[to], ordered[from:to]) {
			to++
		}
		if to-from > 1 {
			var names []string
			for _, p := range ordered[from:to] {
				names = append(names, p.Pattern)
			}
			out = append(out, names)
		}
		from = to
	}
	return out
}

func tiedToAll(p *Pattern, group []*Pattern) bool {
	return !slices.ContainsFunc(group, func(other *Pattern) bool {
		return !tied(p.Latency.Check.P95Slices, other.Latency.Check.P95Slices)
	})
}

// tied compares two patterns slice by slice: drift hits both slices of a round
// alike. Slices that cannot be paired cannot tell the patterns apart.
func tied(a, b []float64) bool {
	if len(a) != len(b) {
		return true
	}
	var differences []float64
	for i := range a {
		differences = append(differences, a[i]-b[i])
	}
	low, high, ok := medianInterval(differences)
	return !ok || low <= 0 && 0 <= high
}
