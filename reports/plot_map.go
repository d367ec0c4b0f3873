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

// spot is a pattern on the map: a box of what is known, in ms.
type spot struct {
	name                     string
	left, right, bottom, top float64
	open                     bool // the life is longer than top
}

// spotsOf places the patterns of which both the p95 of a check and the p95 of
// a revoked token's life are known, and names the others.
func spotsOf(r *measure.Report) (spots []spot, missing []string) {
	s := speedOf(r)
	for i := range r.Patterns {
		p := &r.Patterns[i]
		x, f := s.p95(p), fleetOf(p)
		if x == nil || *x < shortest || f.upper95 == nil && f.above95 == nil {
			missing = append(missing, p.Pattern)
			continue
		}
		noise := largest(s.of(p).P95Noise)
		sp := spot{name: squeezed(p.Pattern, 22) + s.mark(p), left: max(*x-noise, *x/10), right: *x + noise}
		if f.upper95 != nil {
			sp.bottom, sp.top = min(largest(f.lower95), *f.upper95), *f.upper95
		} else {
			sp.bottom, sp.top, sp.open = *f.above95, *f.above95, true
		}
		spots = append(spots, sp)
	}
	return spots, missing
}

// plotMap is the log-log map of check p95 against the life of a revoked token;
// nil if nothing can be placed.
func plotMap(r *measure.Report) *chart {
	spots, missing := spotsOf(r)
	if len(spots) == 0 {
		return nil
	}
	x, y := mapAxes(r, spots)
	p := newPanel(x, y, draws(func(c draw.Canvas, p *plot.Plot) {
		drawLimits(r, c, p)
		drawSpots(spots, c, p)
	}))
	p.X.Padding, p.Y.Padding = 6, 6
	var said []string
	for _, s := range spots {
		life := span(&s.bottom, &s.top, nil)
		if s.open {
			life = span(nil, nil, &s.top)
		}
		said = append(said, fmt.Sprintf("%s: %s to %s, %s", s.name, millis(s.left, down), millis(s.right, up), life))
	}
	c := render(chart{
		Title: speedOf(r).name + " p95 against the life of a revoked token", Desc: strings.Join(said, "; ") + ".", Missing: list(missing),
	}, 640, 350,
		func(c draw.Canvas) { p.draw(draw.Crop(c, 2, -110, 2, -4)) })
	return &c
}

func mapAxes(r *measure.Report, spots []spot) (x, y axis) {
	left, right, bottom, top := math.Inf(1), 0.0, math.Inf(1), 0.0
	for _, s := range spots {
		left, right = min(left, s.left), max(right, s.right)
		bottom, top = min(bottom, max(s.top/2, 0.1)), max(top, s.top)
	}
	for _, g := range mapLimits(r) {
		if g.vertical {
			right = max(right, g.at)
		} else {
			top = max(top, g.at)
		}
	}
	x = logAxis(speedOf(r).name+" p95", left, right*1.05)
	y = logAxis("life of a revoked token, p95", bottom, top*1.3)
	x.ticks[0].Label = strings.TrimPrefix(x.ticks[0].Label, "≤ ")
	return x, y
}

// mapLimit is a limit that a gate sets on one axis of the map, in ms.
type mapLimit struct {
	at       float64
	vertical bool
	text     string
}

func mapLimits(r *measure.Report) []mapLimit {
	var limits []mapLimit
	seen := map[string]bool{}
	for _, g := range gatesOf(r) {
		_, op, _ := split(g.Expr)
		if !strings.HasPrefix(op, "<") || g.Limit <= 0 || seen[g.Expr] {
			continue
		}
		seen[g.Expr] = true
		switch g.Metric {
		case "latency." + speedOf(r).name + ".p95":
			limits = append(limits, mapLimit{g.Limit, true, "limit " + g.limit()})
		case "revoke.fleet_upper.p95", "revoke.fleet_lower.p95", "revoke.upper.p95":
			limits = append(limits, mapLimit{g.Limit, false, short("limit "+g.limit()+limitScope(g), 22)})
		}
	}
	return limits
}

// limitScope says for which pattern a gate was written, "" for all.
func limitScope(g placed) string {
	if metric, _, _ := split(g.Expr); strings.Contains(metric, "{") {
		return " (" + g.Pattern + ")"
	}
	return ""
}

// drawLimits draws a dashed line for each limit, with its words right of the
// map or, for an upright line, above.
func drawLimits(r *measure.Report, c draw.Canvas, p *plot.Plot) {
	sty := label(11, limit)
	var level []mapLimit
	for _, l := range mapLimits(r) {
		if !l.vertical {
			level = append(level, l)
			continue
		}
		x := c.X(p.X.Norm(l.at))
		c.StrokeLine2(line(limit, 1.25, 5, 3), x, c.Min.Y, x, c.Max.Y)
		sty.XAlign = draw.XRight
		c.FillText(sty, vg.Point{X: c.Max.X, Y: c.Max.Y + words/2 + 2}, l.text)
	}
	sty.XAlign = draw.XLeft
	slices.SortFunc(level, func(a, b mapLimit) int { return cmp.Compare(a.at, b.at) })
	lowest := vg.Length(0)
	for _, l := range level {
		y := c.Y(p.Y.Norm(l.at))
		c.StrokeLine2(line(limit, 1.25, 5, 3), c.Min.X, y, c.Max.X, y)
		at := max(y, lowest)
		c.FillText(sty, vg.Point{X: c.Max.X + 5, Y: at}, l.text)
		lowest = at + 12
	}
}

// drawSpots draws each box with its name above it; the names come last, so that
// no box covers one.
func drawSpots(spots []spot, c draw.Canvas, p *plot.Plot) {
	boxes := make([]vg.Rectangle, len(spots))
	for i, s := range spots {
		box := widen(vg.Rectangle{
			Min: vg.Point{X: c.X(p.X.Norm(s.left)), Y: c.Y(p.Y.Norm(s.bottom))},
			Max: vg.Point{X: c.X(p.X.Norm(s.right)), Y: c.Y(p.Y.Norm(s.top))},
		}, 5)
		c.SetColor(band)
		c.Fill(box.Path())
		c.SetLineStyle(line(accepts, 1.5))
		c.Stroke(box.Path())
		if s.open {
			arrow(c, line(accepts, 1.5), vg.Point{X: (box.Min.X + box.Max.X) / 2, Y: box.Max.Y}, 0, arrowLength)
		}
		boxes[i] = box
	}
	var taken []vg.Rectangle
	for i, s := range spots {
		taken = append(taken, nameSpot(s, boxes[i], taken, c))
	}
}

// arrowLength is how far the arrow of an open box reaches above it.
const arrowLength = 22

// nameSpot writes a name above the left edge of its box, moved up until it
// overlaps no other name, with a line down to the box. It returns the place it took.
func nameSpot(s spot, box vg.Rectangle, taken []vg.Rectangle, c draw.Canvas) vg.Rectangle {
	sty := label(12, ink)
	width := sty.Width(s.name)
	at := vg.Point{X: min(box.Min.X, c.Max.X-width), Y: box.Max.Y + 10}
	if s.open {
		at.Y += arrowLength
	}
	place := func() vg.Rectangle {
		return vg.Rectangle{Min: vg.Point{X: at.X, Y: at.Y - 7}, Max: vg.Point{X: at.X + width, Y: at.Y + 7}}
	}
	for moved := true; moved; {
		moved = false
		for _, t := range taken {
			if q := place(); q.Min.X < t.Max.X && t.Min.X < q.Max.X && q.Min.Y < t.Max.Y && t.Min.Y < q.Max.Y {
				at.Y, moved = t.Max.Y+7.1, true
			}
		}
	}
	x := max(at.X, box.Min.X) + 2
	c.StrokeLine2(line(accepts, 0.75), x, box.Max.Y, x, at.Y-6)
	c.FillText(sty, at, s.name)
	return place()
}

// widen makes a box at least size wide and high.
func widen(b vg.Rectangle, size vg.Length) vg.Rectangle {
	if d := size - (b.Max.X - b.Min.X); d > 0 {
		b.Min.X, b.Max.X = b.Min.X-d/2, b.Max.X+d/2
	}
	if d := size - (b.Max.Y - b.Min.Y); d > 0 {
		b.Min.Y, b.Max.Y = b.Min.Y-d/2, b.Max.Y+d/2
	}
	return b
}

// arrow draws an arrow from a point by dx to the right and dy up; one of them is zero.
func arrow(c draw.Canvas, sty draw.LineStyle, from vg.Point, dx, dy vg.Length) {
	var path vg.Path
	arrowPath(&path, from, dx, dy)
	c.SetLineStyle(sty)
	c.Stroke(path)
}

func arrowPath(path *vg.Path, from vg.Point, dx, dy vg.Length) {
	const head = 3
	tip := vg.Point{X: from.X + dx, Y: from.Y + dy}
	back, side := vg.Point{X: -head, Y: head}, vg.Point{X: -head, Y: -head}
	if dy != 0 {
		back, side = vg.Point{X: -head, Y: -head}, vg.Point{X: head, Y: -head}
	}
	path.Move(from)
	path.Line(tip)
	path.Move(tip.Add(back))
	path.Line(tip)
	path.Line(tip.Add(side))
}
