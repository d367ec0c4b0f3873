package measure

import (
	"cmp"
	"maps"
	"math"
	"slices"
)

// latency summarizes the requests of a phase that should be, and were, accepted.
func (p *patternRecord) latency(phase string) Latency {
	bySlice := map[int]*cell{}
	var total cell
	for key, c := range p.cells {
		if !latencyCell(key, phase) {
			continue
		}
		for s := range c.series {
			total.series[s].merge(c.series[s])
		}
		if key.slice < 0 {
			continue
		}
		if bySlice[key.slice] == nil {
			bySlice[key.slice] = &cell{}
		}
		for s := range c.series {
			bySlice[key.slice].series[s].merge(c.series[s])
		}
	}
	var slicesInOrder []*cell
	for _, s := range slices.Sorted(maps.Keys(bySlice)) {
		slicesInOrder = append(slicesInOrder, bySlice[s])
	}
	return Latency{
		Response: distOf(&total, slicesInOrder, seriesResponse),
		Service:  distOf(&total, slicesInOrder, seriesService),
		Lag:      distOf(&total, slicesInOrder, seriesLag),
		Check:    distOf(&total, slicesInOrder, seriesHit, seriesMiss, seriesUntold),
		Hit:      distOf(&total, slicesInOrder, seriesHit),
		Miss:     distOf(&total, slicesInOrder, seriesMiss),
	}
}

// sum merges some series of a cell.
func (c *cell) sum(series ...int) histogram {
	var h histogram
	for _, s := range series {
		h.merge(c.series[s])
	}
	return h
}

// distOf summarizes some series, with the p95 of each slice that supports one.
func distOf(total *cell, bySlice []*cell, series ...int) Dist {
	h := total.sum(series...)
	d := h.dist()
	for _, c := range bySlice {
		h := c.sum(series...)
		if p95 := h.quantile(0.95); p95 != nil {
			d.P95Slices = append(d.P95Slices, *p95)
		}
	}
	d.P95Noise = noise(d.P95Slices)
	return d
}

// curves are the plots of the latency phase.
func (p *patternRecord) curves() []Curve {
	var total cell
	for key, c := range p.cells {
		if latencyCell(key, LatencyPhase) {
			for s := range c.series {
				total.series[s].merge(c.series[s])
			}
		}
	}
	var out []Curve
	for _, s := range []struct {
		name   string
		series []int
	}{
		{"response", []int{seriesResponse}},
		{"check hit", []int{seriesHit}},
		{"check miss", []int{seriesMiss}},
		{"check", []int{seriesUntold}},
		{"lag", []int{seriesLag}},
	} {
		if h := total.sum(s.series...); h.count() > 0 {
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
// the interval of the median log ratio of the paired slices includes zero. In a
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
	var ratios []float64
	for i := range a {
		ratios = append(ratios, math.Log(a[i]/b[i]))
	}
	low, high, ok := medianInterval(ratios)
	return !ok || low <= 0 && 0 <= high
}
