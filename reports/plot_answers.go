package reports

import (
	"fmt"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/tokendrill/tokendrill/harness/measure"
)

// barHeight is the height of a bar of the answers with the gap above it.
const barHeight = 17

// answers is what one pattern made of the requests of one phase, as shares of one.
type answers struct {
	pattern, phase string
	// shares are: let in late or wrongly, let in, refused, no answer.
	shares [4]float64
	gap    bool // the first of its pattern
}

// answersOf are the answers around the faults, pattern by pattern.
func answersOf(r *measure.Report) []answers {
	var all []answers
	for i := range r.Patterns {
		p := &r.Patterns[i]
		first := true
		for _, name := range []string{before, during, after} {
			ph := phaseOf(p, name)
			if ph == nil || ph.Requests.Sent <= 0 {
				continue
			}
			req := ph.Requests
			late := min(ph.Safety.StaleAccepts+ph.Safety.FalseAccepts, req.Accepted)
			all = append(all, answers{p.Pattern, name, shares(late, req.Accepted-late, req.Rejected, req.Unavailable), first})
			first = false
		}
	}
	return all
}

// shares divides counts by their sum.
func shares(counts ...int) (out [4]float64) {
	sum := 0.0
	for _, n := range counts {
		sum += float64(n)
	}
	for i, n := range counts {
		if sum > 0 {
			out[i] = float64(n) / sum
		}
	}
	return out
}

// plotAnswers draws how requests were answered before, during and after; nil if
// there were no such phases.
func plotAnswers(r *measure.Report) *chart {
	all := answersOf(r)
	if len(all) == 0 {
		return nil
	}
	x := niceAxis("% of the requests of the phase", 100, 5)
	y, desc := axis{max: 0.25}, ""
	for i := len(all) - 1; i >= 0; i-- { // from the bottom
		a := &all[i]
		name := a.phase
		if a.gap {
			name = squeezed(a.pattern, 20) + "   " + a.phase
		}
		y.ticks = append(y.ticks, plot.Tick{Value: y.max + 0.5, Label: name})
		if y.max++; a.gap {
			y.max += 0.5
		}
	}
	for _, a := range all {
		desc += fmt.Sprintf("%s %s: %s no answer, %s let in late or wrongly. ", a.pattern, a.phase, percent(a.shares[3]), percent(a.shares[0]))
	}
	p := newPanel(x, y, draws(func(c draw.Canvas, p *plot.Plot) { drawAnswers(c, p, all, y) }))
	p.Y.Tick.Width = 0
	c := render(chart{Name: "Answers", Title: "answers before, during and after", Desc: desc}, 480, vg.Length(y.max)*barHeight+40,
		func(c draw.Canvas) { p.draw(draw.Crop(c, 2, -12, 2, -6)) })
	return &c
}

func drawAnswers(c draw.Canvas, p *plot.Plot, all []answers, y axis) {
	var parts [4]vg.Path
	for i, a := range all {
		mid := c.Y(p.Y.Norm(y.ticks[len(all)-1-i].Value))
		from := 0.0
		for k, share := range a.shares {
			if share > 0 {
				parts[k] = append(parts[k], box(c.X(p.X.Norm(from)), mid-barHeight/2+2, c.X(p.X.Norm(from+100*share)), mid+barHeight/2-2)...)
			}
			from += 100 * share
		}
	}
	for k, colour := range [4]role{stale, accepts, rejects, outage} {
		if len(parts[k]) > 0 {
			c.SetColor(colour)
			c.Fill(parts[k])
		}
	}
}
