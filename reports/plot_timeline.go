package reports

import (
	"fmt"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/tokendrill/tokendrill/harness/measure"
)

const (
	laneHeight = 26
	// maxBins is how many steps a timeline draws; more are put together.
	maxBins = 180
)

// timeline is one pattern's timeline in at most maxBins bins.
type timeline struct {
	bin    float64 // ms
	lanes  []measure.Lane
	p95    []float64 // the worst of the bin; NaN without
	calls  []float64 // per second
	faults []measure.Fault
	back   *float64  // when all was as before the faults, ms
	ticks  []float64 // when tokens were revoked, ms
}

func timelineOf(r *measure.Report, p *measure.Pattern) timeline {
	t := p.Timeline
	n := max(len(t.ResponseP95), len(t.AuthorityCalls))
	for _, l := range t.Lanes {
		n = max(n, len(l.Accepted))
	}
	by := max(1, (n+maxBins-1)/maxBins)
	out := timeline{bin: t.Step * float64(by), faults: faultsOf(r, p.Pattern), back: backAt(r, p)}
	for _, l := range t.Lanes {
		out.lanes = append(out.lanes, measure.Lane{
			Gateway: l.Gateway, Accepted: bins(l.Accepted, by), Rejected: bins(l.Rejected, by),
			Unavailable: bins(l.Unavailable, by), Stale: bins(l.Stale, by),
		})
	}
	for i, v := range t.ResponseP95 {
		if i%by == 0 {
			out.p95 = append(out.p95, math.NaN())
		}
		if last := &out.p95[len(out.p95)-1]; v != nil && !(*last > *v) {
			*last = *v
		}
	}
	for _, sum := range bins(t.AuthorityCalls, by) {
		out.calls = append(out.calls, float64(sum)/out.bin*1000)
	}
	for _, iv := range p.Revoke.Fleet {
		out.ticks = append(out.ticks, iv.At)
	}
	return out
}

// backAt is when a pattern was as before the faults, nil if that is not known.
func backAt(r *measure.Report, p *measure.Pattern) *float64 {
	if p.Recovery == nil || len(r.Faults) == 0 {
		return nil
	}
	last := 0.0
	for _, f := range r.Faults {
		last = max(last, f.To)
	}
	last += *p.Recovery
	return &last
}

// bins adds up each run of by values.
func bins[N int | int64](values []N, by int) []N {
	var out []N
	for i, v := range values {
		if i%by == 0 {
			out = append(out, 0)
		}
		out[len(out)-1] += v
	}
	return out
}

// plotTimelines draws what happened when, for each pattern on shared axes.
func plotTimelines(r *measure.Report) []chart {
	var all []timeline
	var names []string
	end, slowest, busiest := 0.0, 0.0, 0.0
	for i := range r.Patterns {
		t := timelineOf(r, &r.Patterns[i])
		if t.bin < shortest || len(t.lanes) == 0 {
			continue
		}
		all, names = append(all, t), append(names, r.Patterns[i].Pattern)
		end = max(end, t.bin*float64(max(len(t.lanes[0].Accepted), len(t.p95), len(t.calls))))
		for _, v := range t.p95 {
			if v > slowest {
				slowest = v
			}
		}
		for _, v := range t.calls {
			busiest = max(busiest, v)
		}
	}
	x := niceAxis("seconds since the start", end/1000, 6)
	var charts []chart
	for i, t := range all {
		charts = append(charts, t.plot(names[i], x, slowest, busiest))
	}
	return charts
}

// strand is one row of a timeline's drawing.
type strand struct {
	y        axis
	plotters []plot.Plotter
	height   vg.Length
}

func (t timeline) plot(name string, x axis, slowest, busiest float64) chart {
	lanes := axis{max: float64(len(t.lanes))}
	for i, l := range t.lanes {
		lanes.ticks = append(lanes.ticks, plot.Tick{Value: float64(len(t.lanes)-i) - 0.5, Label: squeezed(l.Gateway, 14)})
	}
	upper := x.unlabelled()
	shaded := func(what draws) []plot.Plotter {
		return []plot.Plotter{draws(t.drawFaults), what, draws(t.drawRecovery)}
	}
	kept := []strand{{lanes, append(shaded(t.drawLanes), draws(t.drawRevokes)), vg.Length(24 + laneHeight*len(t.lanes))}}
	if slowest > 0 { // steps of few requests have no p95
		kept = append(kept, strand{niceAxis("response p95, ms", slowest*1.05, 3), shaded(t.drawP95), 88})
	}
	if t.calls != nil {
		kept = append(kept, strand{niceAxis("authority calls per second", busiest*1.05, 3), shaded(t.drawCalls), 88})
	}
	var panels []panel
	var heights []vg.Length
	for i, s := range kept {
		along := upper
		if i == len(kept)-1 { // the words of the axis stand below the last one
			along, s.height = x, s.height+24
		}
		panels, heights = append(panels, newPanel(along, s.y, s.plotters...)), append(heights, s.height)
	}
	panels[0].Y.Tick.Width = 0
	if n := len(t.named()); n > 0 {
		panels = append([]panel{t.bandPanel(upper)}, panels...)
		heights = append([]vg.Length{vg.Length(8 + bandHeight*n)}, heights...)
	}
	height := vg.Length(8)
	for _, h := range heights {
		height += h
	}
	c := chart{Name: name, Title: name + ": what happened when", Desc: t.describe()}
	return render(c, 460, height, func(c draw.Canvas) { rows(draw.Crop(c, 2, -12, 2, -6), panels, heights) })
}

func (t timeline) describe() string {
	said := fmt.Sprintf("Steps of %s. ", setting(t.bin))
	for _, l := range t.lanes {
		said += fmt.Sprintf("%s: %s let in, %s of them of revoked tokens, %s refused, %s without an answer. ", l.Gateway,
			count(total(l.Accepted)), count(total(l.Stale)), count(total(l.Rejected)), count(total(l.Unavailable)))
	}
	for _, f := range t.faults {
		said += fmt.Sprintf("%s from %s to %s. ", f.Name, setting(f.From), setting(f.To))
	}
	if t.back != nil {
		said += fmt.Sprintf("As before from %s. ", setting(*t.back))
	}
	return said + fmt.Sprintf("%s.", plural(len(t.ticks), "revocation"))
}

func total(values []int) int {
	n := 0
	for _, v := range values {
		n += v
	}
	return n
}

// x is the place of an instant given in ms, within the drawing.
func (t timeline) x(ms float64, c draw.Canvas, p *plot.Plot) vg.Length {
	return min(max(c.X(p.X.Norm(ms/1000)), c.Min.X), c.Max.X)
}

// drawLanes stacks, for each gateway and step, stale accepts, other accepts,
// rejects and requests without an answer; the fullest step fills the lane.
func (t timeline) drawLanes(c draw.Canvas, p *plot.Plot) {
	most := 1
	for _, l := range t.lanes {
		for i := range l.Accepted {
			most = max(most, l.Accepted[i]+at(l.Rejected, i)+at(l.Unavailable, i))
		}
	}
	var parts [4]vg.Path
	for k, l := range t.lanes {
		floor := c.Y(p.Y.Norm(float64(len(t.lanes) - 1 - k)))
		for i, accepted := range l.Accepted {
			left, right := t.x(float64(i)*t.bin, c, p), t.x(float64(i+1)*t.bin, c, p)
			bottom := floor
			old := min(at(l.Stale, i), accepted)
			for part, n := range [4]int{old, accepted - old, at(l.Rejected, i), at(l.Unavailable, i)} {
				top := bottom + vg.Length(n)/vg.Length(most)*(laneHeight-4)
				if n > 0 {
					parts[part] = append(parts[part], box(left, bottom, right, top)...)
				}
				bottom = top
			}
		}
	}
	for part, colour := range [4]role{stale, accepts, rejects, outage} {
		c.SetColor(colour)
		if len(parts[part]) > 0 {
			c.Fill(parts[part])
		}
	}
}

// at is a value of a series that may be shorter than the others.
func at(values []int, i int) int {
	if i < len(values) {
		return values[i]
	}
	return 0
}

func box(left, bottom, right, top vg.Length) vg.Path {
	return vg.Rectangle{Min: vg.Point{X: left, Y: bottom}, Max: vg.Point{X: right, Y: top}}.Path()
}

// drawRevokes marks above the lanes when tokens were revoked.
func (t timeline) drawRevokes(c draw.Canvas, p *plot.Plot) {
	var path vg.Path
	for _, ms := range t.ticks {
		x := t.x(ms, c, p)
		path.Move(vg.Point{X: x, Y: c.Max.Y + 1})
		path.Line(vg.Point{X: x, Y: c.Max.Y + 6})
	}
	c.SetLineStyle(line(ink, 0.75))
	c.Stroke(path)
}

func (t timeline) drawP95(c draw.Canvas, p *plot.Plot) {
	var part []vg.Point
	for i, v := range t.p95 {
		if math.IsNaN(v) {
			c.StrokeLines(line(ink, 1.25), part)
			part = nil
			continue
		}
		part = append(part, vg.Point{X: t.x((float64(i)+0.5)*t.bin, c, p), Y: c.Y(p.Y.Norm(v))})
	}
	c.StrokeLines(line(ink, 1.25), part)
}

func (t timeline) drawCalls(c draw.Canvas, p *plot.Plot) {
	var path vg.Path
	for i, v := range t.calls {
		if v > 0 {
			path = append(path, box(t.x(float64(i)*t.bin, c, p), c.Min.Y, t.x(float64(i+1)*t.bin, c, p), c.Y(p.Y.Norm(v)))...)
		}
	}
	if len(path) > 0 {
		c.SetColor(purple)
		c.Fill(path)
	}
}
