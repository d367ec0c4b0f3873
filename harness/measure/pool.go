package measure

import (
	"maps"
	"slices"

	"github.com/tokendrill/tokendrill/fixtures/token"
)

// pool is the requests of one class in a phase: all together, and slice by slice.
type pool struct {
	total  cell
	slices map[int]*cell
}

func (p *patternRecord) pool(phase string, class token.Class) *pool {
	out := &pool{slices: map[int]*cell{}}
	for key, c := range p.cells {
		if key.phase != phase || key.class != class {
			continue
		}
		out.total.mergeSeries(c)
		if key.slice < 0 {
			continue
		}
		if out.slices[key.slice] == nil {
			out.slices[key.slice] = &cell{}
		}
		out.slices[key.slice].mergeSeries(c)
	}
	return out
}

// mergeSeries adds the histograms of another cell.
func (c *cell) mergeSeries(from *cell) {
	for s := range from.series {
		c.series[s].merge(from.series[s])
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

// dist summarizes some series, with the p95 of each slice that supports one.
func (s *pool) dist(series ...int) Dist {
	h := s.total.sum(series...)
	d := h.dist()
	for _, i := range slices.Sorted(maps.Keys(s.slices)) {
		h := s.slices[i].sum(series...)
		if p95 := h.quantile(0.95); p95 != nil {
			d.P95Slices = append(d.P95Slices, *p95)
		}
	}
	d.P95Noise = noise(d.P95Slices)
	return d
}

// above is how much longer one series took here than in another pool, by its p50
// and p95: see Latency.CheckDerived.
func (s *pool) above(other *pool, series int) Dist {
	with, without := &s.total.series[series], &other.total.series[series]
	d := Dist{Count: min(with.count(), without.count()), P50: excess(with, without, 0.5), P95: excess(with, without, 0.95)}
	for _, q := range []*float64{d.P50, d.P95} {
		if q != nil {
			*q = max(0, *q)
		}
	}
	for _, i := range slices.Sorted(maps.Keys(s.slices)) {
		if other.slices[i] == nil {
			continue
		}
		if by := excess(&s.slices[i].series[series], &other.slices[i].series[series], 0.95); by != nil {
			d.P95Slices = append(d.P95Slices, *by)
		}
	}
	d.P95Noise = noise(d.P95Slices)
	return d
}

// excess is by how much one quantile is above the same of another histogram, in
// milliseconds; null if one of them does not support it.
func excess(with, without *histogram, q float64) *float64 {
	a, b := with.quantile(q), without.quantile(q)
	if a == nil || b == nil {
		return nil
	}
	by := *a - *b
	return &by
}
