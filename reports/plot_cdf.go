package reports

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/tokendrill/tokendrill/harness/measure"
)

// strip is the height of a gateway's row of intervals.
const strip = 26

// ends returns the interval as the figures use it: only an exact one has an
// upper end, that of the others is infinite. Not ok are those that do not count.
func ends(iv measure.Interval) (lower, upper float64, ok bool) {
	lower, upper = largest(iv.Lower), math.Inf(1)
	if iv.State == measure.Exact && iv.Upper != nil {
		upper = *iv.Upper
	}
	return lower, upper, iv.State != measure.Unprimed && (iv.Lower != nil || iv.Upper != nil)
}

// lifeAxis is the axis of lives that all patterns share.
func lifeAxis(r *measure.Report) axis {
	lo, hi := math.Inf(1), 0.0
	for i := range r.Patterns {
		for _, iv := range r.Patterns[i].Revoke.Fleet {
			lower, upper, ok := ends(iv)
			if !ok {
				continue
			}
			hi = max(hi, lower)
			if !math.IsInf(upper, 1) {
				lo, hi = min(lo, upper), max(hi, upper)
			}
		}
	}
	lo = min(max(lo, 1), 10)
	a := logAxis("time since the revoke was sent", lo, max(hi*1.05, 100))
	if a.max > hi*4 { // do not waste half a decade
		a.max = max(hi*2, 50)
		a.ticks = slices.DeleteFunc(a.ticks, func(t plot.Tick) bool { return t.Value > a.max })
	}
	return a
}

// plotLives draws, for each pattern with revocations, the share of tokens
// refused by every gateway as a band, and a strip of intervals per gateway.
func plotLives(r *measure.Report) []chart {
	x := lifeAxis(r)
	var charts []chart
	for i := range r.Patterns {
		if p := &r.Patterns[i]; slices.ContainsFunc(p.Revoke.Fleet, counts) {
			charts = append(charts, plotLife(p, x))
		}
	}
	return charts
}

func counts(iv measure.Interval) bool {
	_, _, ok := ends(iv)
	return ok
}

func plotLife(p *measure.Pattern, x axis) chart {
	share := axis{label: "share of tokens refused at every gateway", max: 1, ticks: []plot.Tick{
		{Value: 0, Label: "0 %"}, {Value: 0.5, Label: "50 %"}, {Value: 0.95, Label: "95 %"}, {Value: 1},
	}}
	upper := x
	if len(p.Revoke.Gateways) > 0 {
		upper = x.unlabelled()
	}
	top := newPanel(upper, share, draws(func(c draw.Canvas, pl *plot.Plot) { drawBand(p.Revoke.Fleet, c, pl) }))

	gws := p.Revoke.Gateways
	lanes := axis{min: -0.5, max: float64(len(gws)) - 0.5}
	for i, gw := range gws {
		lanes.ticks = append(lanes.ticks, plot.Tick{Value: float64(len(gws) - 1 - i), Label: squeezed(gw.Gateway, 14)})
	}
	panels, heights := []panel{top}, []vg.Length{170}
	if len(gws) > 0 {
		bottom := newPanel(x, lanes, draws(func(c draw.Canvas, pl *plot.Plot) { drawStrips(gws, c, pl) }))
		bottom.Y.Tick.Width = 0
		panels, heights = append(panels, bottom), append(heights, vg.Length(40+strip*len(gws)))
	}
	total := vg.Length(8)
	for _, h := range heights {
		total += h
	}
	f := fleetOf(p)
	n, open := 0, 0
	for _, iv := range p.Revoke.Fleet {
		if _, upper, ok := ends(iv); ok {
			n++
			if math.IsInf(upper, 1) {
				open++
			}
		}
	}
	return render(chart{
		Name:  p.Pattern,
		Title: p.Pattern + ": how long revoked tokens lived",
		Desc: fmt.Sprintf("%s. Half refused everywhere by %s, 95 %% by %s, all by %s; %d without a known end.", plural(n, "token"),
			span(f.lower50, f.upper50, f.above50), span(f.lower95, f.upper95, f.above95), span(f.lowerMax, f.upperMax, f.aboveMax), open),
	}, 460, total, func(c draw.Canvas) { rows(draw.Crop(c, 2, -16, 2, -6), panels, heights) })
}

// drawBand fills the area between the earliest and the latest that the share
// of refused tokens may have risen. An arrow stands for each token of which no
// end is known.
func drawBand(fleet []measure.Interval, c draw.Canvas, p *plot.Plot) {
	var early, late, open []float64
	n := 0
	for _, iv := range fleet {
		lower, upper, ok := ends(iv)
		if !ok {
			continue
		}
		n++
		early = append(early, lower)
		if math.IsInf(upper, 1) {
			open = append(open, lower)
		} else {
			late = append(late, upper)
		}
	}
	first, last := steps(early, n, c, p), steps(late, n, c, p)
	back := slices.Clone(last)
	slices.Reverse(back)
	c.FillPolygon(band, append(slices.Clone(first), back...))
	c.StrokeLines(line(accepts, 1), first)
	c.StrokeLines(line(accepts, 1.75), last)

	slices.Sort(open)
	var arrows vg.Path
	for i, at := range open {
		y := c.Y(p.Y.Norm(1 - float64(len(open)-1-i)/float64(n)))
		arrowPath(&arrows, vg.Point{X: c.X(p.X.Norm(at)), Y: y}, 14, 0)
	}
	c.SetLineStyle(line(wrong, 1.25))
	c.Stroke(arrows)
}

// steps are the corners of the share of n tokens that is reached at each value.
func steps(values []float64, n int, c draw.Canvas, p *plot.Plot) []vg.Point {
	slices.Sort(values)
	at := func(x float64, k int) vg.Point {
		return vg.Point{X: min(c.X(p.X.Norm(x)), c.Max.X), Y: c.Y(float64(k) / float64(n))}
	}
	points := []vg.Point{{X: c.Min.X, Y: c.Min.Y}}
	for k, v := range values {
		points = append(points, at(v, k), at(v, k+1))
	}
	return append(points, vg.Point{X: c.Max.X, Y: points[len(points)-1].Y})
}

// drawStrips draws a bar from the lower to the upper end of each interval.
func drawStrips(gws []measure.GatewayRevoke, c draw.Canvas, p *plot.Plot) {
	var bars, arrows vg.Path
	for i, gw := range gws {
		middle := c.Y(p.Y.Norm(float64(len(gws) - 1 - i)))
		for k, iv := range gw.Intervals {
			lower, upper, ok := ends(iv)
			if !ok {
				continue
			}
			at := vg.Point{X: c.X(p.X.Norm(lower)), Y: middle + vg.Length((k*5)%11-5)*(strip-8)/11}
			if math.IsInf(upper, 1) {
				arrowPath(&arrows, at, 14, 0)
				continue
			}
			bars.Move(at)
			bars.Line(vg.Point{X: max(c.X(p.X.Norm(upper)), at.X+2), Y: at.Y})
		}
	}
	c.SetLineStyle(line(accepts, 1.25))
	c.Stroke(bars)
	c.SetLineStyle(line(wrong, 1.25))
	c.Stroke(arrows)
}
