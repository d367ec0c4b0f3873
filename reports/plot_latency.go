package reports

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/tokendrill/tokendrill/harness/measure"
)

// seriesStyle is how a latency series is drawn, told apart without colour by
// its dashes.
type seriesStyle struct {
	series, name string
	line         draw.LineStyle
}

func seriesStyles() []seriesStyle {
	return []seriesStyle{
		{"response", "response", line(ink, 1.5)},
		{"check miss", "miss", line(stale, 1.75, 6, 3)},
		{"check hit", "hit", line(accepts, 1.75)},
		{"check", "check", line(purple, 1.75, 9, 3)},
		{"bare", "control", line(soft, 1.5, 1, 3)},
		{"lag", "lag", line(green, 1.5, 2, 2)},
	}
}

// drawable keeps what can be drawn on logarithmic axes.
func drawable(c measure.Curve) [][2]float64 {
	var points [][2]float64
	for _, pt := range c.Points {
		if pt[0] >= 0 && pt[0] < 100 && pt[1] > 0 && !math.IsInf(pt[1], 0) {
			points = append(points, pt)
		}
	}
	return points
}

// nines maps a percentile to the HDR axis: 0 to 0, 90 to 1, 99 to 2, 99.9 to 3.
func nines(percentile float64) float64 { return -math.Log10(1 - percentile/100) }

// plotLatencies draws latency by percentile for each pattern, on shared axes.
func plotLatencies(r *measure.Report) []chart {
	lo, hi, most := math.Inf(1), 0.0, 1.0
	for i := range r.Patterns {
		for _, c := range r.Patterns[i].Latency.Curves {
			for _, pt := range drawable(c) {
				lo, hi, most = min(lo, pt[1]), max(hi, pt[1]), max(most, nines(pt[0]))
			}
		}
	}
	if hi == 0 {
		return nil
	}
	x := axis{label: "percentile", max: most, ticks: []plot.Tick{{Value: 0, Label: "0"}}}
	for k := 1.0; k <= most; k++ {
		x.ticks = append(x.ticks, plot.Tick{Value: k, Label: fmt.Sprintf("%.6g", 100-math.Pow(10, 2-k))})
	}
	y := logAxis("latency", max(lo, 1e-4), hi)
	y.ticks[0].Label = strings.TrimPrefix(y.ticks[0].Label, "≤ ")
	var charts []chart
	for i := range r.Patterns {
		if p := &r.Patterns[i]; len(p.Latency.Curves) > 0 {
			charts = append(charts, plotLatency(p, x, y))
		}
	}
	return charts
}

func plotLatency(p *measure.Pattern, x, y axis) chart {
	var curves []curveLine
	var said []string
	for _, s := range seriesStyles() {
		for _, c := range p.Latency.Curves {
			points := drawable(c)
			if c.Series != s.series || len(points) == 0 {
				continue
			}
			curves = append(curves, curveLine{s, points})
			last := points[len(points)-1]
			said = append(said, fmt.Sprintf("%s %s at the median to %s at percentile %.5g",
				s.name, millis(valueAt(points, 50), nearest), millis(last[1], nearest), last[0]))
		}
	}
	pl := newPanel(x, y, draws(func(c draw.Canvas, pl *plot.Plot) { drawCurves(curves, c, pl) }))
	return render(chart{
		Name: p.Pattern, Title: p.Pattern + ": latency by percentile", Desc: strings.Join(said, "; ") + ".",
	}, 460, 260, func(c draw.Canvas) { pl.draw(draw.Crop(c, 2, -50, 2, -2)) })
}

// curveLine is a series that can be drawn.
type curveLine struct {
	seriesStyle
	points [][2]float64
}

// valueAt is the first value at or above a percentile.
func valueAt(points [][2]float64, percentile float64) float64 {
	for _, pt := range points {
		if pt[0] >= percentile {
			return pt[1]
		}
	}
	return points[len(points)-1][1]
}

// drawCurves draws the lines, each with its name at its right end; names too
// close to each other move apart.
func drawCurves(curves []curveLine, c draw.Canvas, p *plot.Plot) {
	ends := make([]vg.Point, len(curves))
	for i, l := range curves {
		var at []vg.Point
		for _, pt := range l.points {
			at = append(at, vg.Point{X: c.X(p.X.Norm(nines(pt[0]))), Y: c.Y(p.Y.Norm(pt[1]))})
		}
		c.StrokeLines(l.line, at)
		ends[i] = at[len(at)-1]
	}
	order := make([]int, len(curves))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(ends[a].Y, ends[b].Y) })
	lowest := vg.Length(0)
	for _, i := range order {
		y := max(ends[i].Y, lowest)
		c.FillText(label(10, ink), vg.Point{X: ends[i].X + 4, Y: y}, curves[i].name)
		lowest = y + 11
	}
}
