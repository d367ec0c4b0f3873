package measure

import (
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// The series of every request. A check is filed under hit, miss or untold, as
// the gateway said; the series "check" of a report is the sum of the three.
const (
	seriesLag = iota
	seriesService
	seriesResponse
	seriesHit
	seriesMiss
	seriesUntold
	seriesCount
)

const (
	// lowest and highest bound what a histogram tells apart, in ns.
	lowest  = int64(time.Microsecond)
	highest = int64(60 * time.Second)
	digits  = 3
)

// histogram counts durations in ns, 1 µs to 60 s, to three digits. The zero
// value is empty and ready.
type histogram struct {
	packed *hdr.PackedHistogram
	// over counts values above the range: they are recorded as its top.
	over int64
}

// record adds one duration. A negative one counts as zero: a request sent a
// moment early is not late.
func (h *histogram) record(ns int64) {
	if h.packed == nil {
		h.packed = hdr.NewPacked(lowest, highest, digits)
	}
	if ns > highest {
		h.over++
		ns = highest
	}
	// Within the range there is nothing left to fail.
	_ = h.packed.RecordValue(max(0, ns))
}

// merge adds the counts of another histogram.
func (h *histogram) merge(from histogram) {
	if from.packed == nil {
		return
	}
	h.over += from.over
	if h.packed == nil {
		h.packed = from.packed.Clone()
		return
	}
	h.packed.Merge(from.packed)
}

func (h *histogram) count() int64 {
	if h.packed == nil {
		return 0
	}
	return h.packed.TotalCount()
}

// quantile returns a quantile in milliseconds, or null if there are under
// 1/(1-q) values: such a quantile would be the maximum by another name.
func (h *histogram) quantile(q float64) *float64 {
	if n := h.count(); n == 0 || float64(n) < supports(q) {
		return nil
	}
	return milliseconds(h.packed.ValueAtPercentile(q * 100))
}

// dist summarizes the histogram.
func (h *histogram) dist() Dist {
	d := Dist{Count: h.count(), P50: h.quantile(0.5), P95: h.quantile(0.95), P99: h.quantile(0.99)}
	if d.Count > 0 {
		d.Max = milliseconds(h.packed.Max())
	}
	return d
}

// curve is the latency by percentile, in the buckets that have values.
func (h *histogram) curve(name string) Curve {
	c := Curve{Series: name, Points: [][2]float64{}}
	total := float64(h.count())
	if total == 0 {
		return c
	}
	var seen int64
	last := -1.0
	h.packed.ForEachBucket(func(value, count int64) bool {
		seen += count
		// Points nearer than 1/200 of the rest of the tail cannot be told apart on a plot.
		at := 100 * float64(seen) / total
		if at-last >= (100-at)/200 {
			c.Points = append(c.Points, [2]float64{at, float64(value) / 1e6})
			last = at
		}
		return true
	})
	return c
}

// Summarize is the distribution of a few samples, such as the floor of a stage.
func Summarize(samples []time.Duration) Dist {
	var h histogram
	for _, s := range samples {
		h.record(int64(s))
	}
	return h.dist()
}

// milliseconds is a duration in ns as a figure of the report.
func milliseconds(ns int64) *float64 {
	ms := float64(ns) / 1e6
	return &ms
}
