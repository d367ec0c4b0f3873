package reports

import (
	"bytes"
	"fmt"
	"html"
	"html/template"
	"image/color"
	"regexp"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// role is a colour of the page by what it is for. The style sheet gives each a
// value for light and for dark, so a plot follows the page.
type role uint8

const (
	ink role = iota + 1
	soft
	grid
	accepts
	band
	stale
	green
	purple
	wrong
	fault
	rejects
	outage
	limit
)

// roleNames are the custom properties of the style sheet, by role.
var roleNames = [...]string{
	ink: "ink", soft: "soft", grid: "grid", accepts: "accepts", band: "band", stale: "stale", green: "green",
	purple: "purple", wrong: "wrong", fault: "fault", rejects: "rejects", outage: "outage", limit: "limit",
}

// RGBA makes a role a colour that the SVG writer passes through and that
// render recognizes.
func (c role) RGBA() (r, g, b, a uint32) {
	return color.RGBA{B: uint8(c) * 16, A: 255}.RGBA()
}

// chart is one drawing with its words for those who do not see it.
type chart struct {
	// Name is the heading above, such as a pattern's; Title and Desc are read aloud.
	Name, Title, Desc string
	SVG               template.HTML
	// Missing names the patterns that could not be drawn.
	Missing string
}

var (
	svgOpen  = regexp.MustCompile(`(?s)^.*?<svg [^>]*>`)
	roleHex  = regexp.MustCompile(`(fill|stroke):#0000([0-9A-F]{2})`)
	textFont = regexp.MustCompile(`(?s)<text ([^>]*?)\n\tstyle="font-family:[^;"]*;font-variant:[^;"]*;font-weight:[^;"]*;font-style:[^;"]*;font-size:([0-9.]+)px;?([^"]*)">([^<]*)</text>`)
)

// render draws an inline SVG of width by height CSS pixels.
func render(c chart, width, height vg.Length, paint func(draw.Canvas)) chart {
	canvas := vgsvg.New(width, height)
	paint(draw.New(canvas))
	var b bytes.Buffer
	_, _ = canvas.WriteTo(&b) // a bytes.Buffer does not fail
	open := fmt.Sprintf(`<svg viewBox="0 0 %g %g" role="img"><title>%s</title><desc>%s</desc>`,
		float64(width), float64(height), html.EscapeString(clean(c.Title)), html.EscapeString(clean(c.Desc)))
	svg := svgOpen.ReplaceAllLiteralString(b.String(), open)
	svg = roleHex.ReplaceAllStringFunc(svg, func(s string) string {
		property, hex, _ := strings.Cut(s, ":#0000")
		n, _ := strconv.ParseUint(hex, 16, 8)
		i := min(int(n+8)/16, len(roleNames)-1)
		return property + ":var(--" + roleNames[i] + ")"
	})
	c.SVG = template.HTML(fitText(svg)) // #nosec G203 -- vgsvg and the lines above escape all text
	return c
}

// fitText gives each label the width it was laid out with: a viewer without the
// fonts of the plot library stretches its own rather than overlap.
func fitText(svg string) string {
	return textFont.ReplaceAllStringFunc(svg, func(s string) string {
		m := textFont.FindStringSubmatch(s)
		if m[4] == blank {
			return ""
		}
		size, _ := strconv.ParseFloat(m[2], 64)
		width := label(vg.Length(size), ink).Width(html.UnescapeString(m[4]))
		return fmt.Sprintf(`<text %s font-size="%s" textLength="%.1f" lengthAdjust="spacingAndGlyphs" style="%s">%s</text>`,
			m[1], m[2], width.Points(), m[3], m[4])
	})
}

// label is the style of a piece of text.
func label(size vg.Length, c role) draw.TextStyle {
	return draw.TextStyle{
		Color: c, Font: font.From(font.Font{Typeface: "Liberation", Variant: "Sans"}, size),
		Handler: plot.DefaultTextHandler, YAlign: draw.YCenter,
	}
}

// line is the style of a stroke.
func line(c role, width vg.Length, dashes ...vg.Length) draw.LineStyle {
	return draw.LineStyle{Color: c, Width: width, Dashes: dashes}
}

// draws lets a function be a plotter.
type draws func(c draw.Canvas, p *plot.Plot)

func (f draws) Plot(c draw.Canvas, p *plot.Plot) { f(c, p) }

// panel is a plot with the words of its axes, which stand level: those of the
// y axis above it, those of the x axis below its end.
type panel struct {
	*plot.Plot
	x, y string
}

// newPanel is an empty plot in the style of the page, with a grid at its labelled ticks.
func newPanel(x, y axis, plotters ...plot.Plotter) panel {
	p := plot.New()
	p.BackgroundColor = nil
	x.set(&p.X)
	y.set(&p.Y)
	p.X.Tick.Label.XAlign, p.X.Tick.Label.YAlign = draw.XCenter, draw.YTop
	p.Y.Tick.Label.XAlign = draw.XRight
	p.Add(draws(gridLines))
	p.Add(plotters...)
	return panel{p, x.label, y.label}
}

// words is the height of a line of an axis' words.
const words = 16

// inner is what the words leave of a drawing for the plot.
func (p panel) inner(c draw.Canvas) draw.Canvas {
	if p.y != "" {
		c = draw.Crop(c, 0, 0, 0, -words)
	}
	if p.x != "" {
		c = draw.Crop(c, 0, 0, words, 0)
	}
	return c
}

func (p panel) draw(c draw.Canvas) {
	inner := p.inner(c)
	p.Draw(inner)
	area := p.DataCanvas(inner)
	c.FillText(label(11, soft), vg.Point{X: area.Min.X, Y: c.Max.Y - words/2 + 2}, p.y)
	sty := label(11, soft)
	sty.XAlign = draw.XRight
	c.FillText(sty, vg.Point{X: area.Max.X, Y: c.Min.Y + words/2}, p.x)
}

func gridLines(c draw.Canvas, p *plot.Plot) {
	var path vg.Path
	for _, t := range p.X.Tick.Marker.Ticks(p.X.Min, p.X.Max) {
		if x := c.X(p.X.Norm(t.Value)); t.Label != "" && c.ContainsX(x) {
			path.Move(vg.Point{X: x, Y: c.Min.Y})
			path.Line(vg.Point{X: x, Y: c.Max.Y})
		}
	}
	for _, t := range p.Y.Tick.Marker.Ticks(p.Y.Min, p.Y.Max) {
		if y := c.Y(p.Y.Norm(t.Value)); t.Label != "" && c.ContainsY(y) {
			path.Move(vg.Point{X: c.Min.X, Y: y})
			path.Line(vg.Point{X: c.Max.X, Y: y})
		}
	}
	c.SetLineStyle(line(grid, 0.75))
	c.Stroke(path)
}

// rows draws panels one below the other, their data areas flush left and right.
func rows(c draw.Canvas, panels []panel, heights []vg.Length) {
	left, right := c.Min.X, c.Max.X
	for _, p := range panels {
		area := p.DataCanvas(p.inner(c))
		left, right = max(left, area.Min.X), min(right, area.Max.X)
	}
	top := c.Max.Y
	for i, p := range panels {
		part := draw.Crop(c, 0, 0, 0, 0)
		part.Max.Y, part.Min.Y = top, top-heights[i]
		area := p.DataCanvas(p.inner(part))
		p.draw(draw.Crop(part, left-area.Min.X, right-area.Max.X, 0, 0))
		top -= heights[i]
	}
}
