package reports

import (
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/tokendrill/tokendrill/harness/measure"
)

const (
	// bandHeight is the height of a row of fault names.
	bandHeight = 15
	// maxBands is how many rows of names a timeline has; the page lists all faults.
	maxBands = 6
)

// faultsOf are the faults that concern a pattern: all but those whose name says
// that they act on another one ("link.cut gateway-authority at cache/gw-1").
func faultsOf(r *measure.Report, pattern string) []measure.Fault {
	var out []measure.Fault
	for _, f := range r.Faults {
		_, at, _ := strings.Cut(f.Name, " at ")
		only, _, _ := strings.Cut(at, "/")
		other := func(p measure.Pattern) bool { return p.Pattern == only && only != pattern }
		if !slices.ContainsFunc(r.Patterns, other) {
			out = append(out, f)
		}
	}
	return out
}

// named are the faults that have a row for their name.
func (t timeline) named() []measure.Fault { return t.faults[:min(len(t.faults), maxBands)] }

// bandPanel names the faults above the lanes, each in a row of its own.
func (t timeline) bandPanel(x axis) panel {
	named := t.named()
	p := newPanel(x, axis{max: float64(len(named))}, draws(func(c draw.Canvas, p *plot.Plot) {
		t.drawFaults(c, p)
		for i, f := range named {
			t.drawName(c, p, f, c.Y(p.Y.Norm(float64(len(named)-i)-0.5)))
		}
	}))
	p.Y.Tick.Width, p.Y.Width = 0, 0
	return p
}

// drawName writes a fault's name from where it begins or, if that is too far to
// the right, so that it ends within the drawing.
func (t timeline) drawName(c draw.Canvas, p *plot.Plot, f measure.Fault, y vg.Length) {
	style := label(10, ink)
	name := short(f.Name, 64)
	left, right := t.x(f.From, c, p), t.x(f.To, c, p)
	c.SetColor(soft)
	c.Fill(box(left, y-bandHeight/2+1, left+2, y+bandHeight/2-1))
	c.Fill(box(right-2, y-bandHeight/2+1, right, y+bandHeight/2-1))
	x := max(min(left+5, c.Max.X-style.Width(name)), c.Min.X)
	c.FillText(style, vg.Point{X: x, Y: y}, name)
}

// drawFaults shades when faults were in place; one that met nothing has an outline only.
func (t timeline) drawFaults(c draw.Canvas, p *plot.Plot) {
	for _, f := range t.faults {
		area := box(t.x(f.From, c, p), c.Min.Y, t.x(f.To, c, p), c.Max.Y)
		if f.Landed && (f.Met > 0 || f.Unknown == "") {
			c.SetColor(fault)
			c.Fill(area)
			continue
		}
		c.SetLineStyle(line(soft, 0.75, 3, 3))
		c.Stroke(area)
	}
}

// drawRecovery marks when the pattern was as before the faults.
func (t timeline) drawRecovery(c draw.Canvas, p *plot.Plot) {
	if t.back == nil {
		return
	}
	x := t.x(*t.back, c, p)
	c.StrokeLines(line(green, 1.25, 4, 2), []vg.Point{{X: x, Y: c.Min.Y}, {X: x, Y: c.Max.Y}})
}
