package reports

import (
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
)

// blank is the label of a tick that has a grid line but no words.
const blank = " "

// unlabelled is the same axis without words, for all but the lowest of rows.
func (a axis) unlabelled() axis {
	a.label, a.ticks = "", slices.Clone(a.ticks)
	for i := range a.ticks {
		if a.ticks[i].Label != "" {
			a.ticks[i].Label = blank
		}
	}
	return a
}

// axis is a range with ticks; the zero scale is linear.
type axis struct {
	label    string
	min, max float64
	ticks    []plot.Tick
	scale    plot.Normalizer
}

func (a axis) set(to *plot.Axis) {
	to.Min, to.Max = a.min, a.max
	to.Padding = 0
	to.LineStyle = line(soft, 0.75)
	to.Tick.Marker = plot.ConstantTicks(a.ticks)
	to.Tick.Label = label(11, soft)
	if len(a.ticks) > 0 && a.ticks[0].Label == blank {
		to.Tick.Label.Font.Size = 1
	}
	to.Tick.LineStyle = line(soft, 0.75)
	to.Tick.Length = 3
	if a.scale != nil {
		to.Scale = a.scale
	}
}

// logScale is logarithmic; what lies below the axis stands at its start, what
// lies above it at its end.
type logScale struct{}

func (logScale) Normalize(lo, hi, x float64) float64 {
	return math.Log(min(max(x, lo), hi)/lo) / math.Log(hi/lo)
}

const (
	// shortest is where an axis of durations can begin, in ms: a nanosecond.
	shortest = 1e-6
	// longest is where any axis ends, in ms some thirty thousand years: the labels of
	// more leave no room for a drawing.
	longest = 1e15
)

// logAxis is a logarithmic axis of durations in ms that holds lo to hi; its
// first tick stands for everything below as well.
func logAxis(name string, lo, hi float64) axis {
	lo = min(max(lo, shortest), longest)
	hi = min(max(hi, lo), longest)
	first, last := math.Floor(math.Log10(lo)), math.Ceil(math.Log10(hi))
	if last <= first {
		last = first + 1
	}
	a := axis{label: name, min: math.Pow(10, first), max: math.Pow(10, last), scale: logScale{}}
	every := math.Ceil((last - first) / 6)
	for e := first; e <= last; e++ {
		t := plot.Tick{Value: math.Pow(10, e)}
		if math.Mod(e-first, every) == 0 {
			t.Label = tickLabel(t.Value)
		}
		a.ticks = append(a.ticks, t)
	}
	a.ticks[0].Label = "≤ " + a.ticks[0].Label
	return a
}

// tickLabel is a round duration given in ms.
func tickLabel(ms float64) string {
	switch {
	case ms >= 1000:
		return group(strconv.FormatFloat(ms/1000, 'f', -1, 64)) + " s"
	case ms >= 1:
		return strconv.FormatFloat(ms, 'f', -1, 64) + " ms"
	}
	return strconv.FormatFloat(math.Round(ms*1e6)/1e3, 'f', -1, 64) + " µs"
}

// leastRange is the least that a linear axis holds: its ticks are rounded to a
// tenth of that.
const leastRange = 1e-5

// niceAxis is a linear axis from 0 to at least hi, with about n round ticks.
func niceAxis(name string, hi float64, n int) axis {
	if hi <= 0 {
		hi = 1
	}
	hi = min(max(hi, leastRange), longest) // else the step may be zero, or the ticks have no end
	step := math.Pow(10, math.Floor(math.Log10(hi/float64(n))))
	for _, f := range []float64{2, 2.5, 2} { // 1, 2, 5, 10
		if hi/step > float64(n) {
			step *= f
		}
	}
	a := axis{label: name, max: hi}
	for k := 0.0; k*step <= hi*1.0001; k++ {
		v := math.Round(k*step*1e6) / 1e6
		a.ticks = append(a.ticks, plot.Tick{Value: v, Label: group(strconv.FormatFloat(v, 'f', -1, 64))})
	}
	return a
}
