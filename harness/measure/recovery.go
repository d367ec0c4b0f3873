package measure

import (
	"fmt"
	"math"
)

const (
	// recoveryRequests is how many requests, and how many answers to good tokens, a
	// window takes before it is judged.
	recoveryRequests = 20
	// recoveryFactor and recoverySlack bound the level: p95 may be twice what it was
	// before, or so much more; under that a busy machine is all there is to see.
	recoveryFactor = 2.0
	recoverySlack  = 50 // ms
)

// recovery fills in how long a pattern took to recover.
//
// The level before is that of the steps of the timeline that lie between the end
// of the latency phase and the begin of the first fault: the p95 of response
// latency and the share of unavailable requests. The steps that begin after the
// end of the last fault are joined, one after the other, to windows of at least 20
// requests and 20 answers to good tokens. A window is over the level if its p95 is
// more than twice the p95 before and more than 50 ms above it, or if more of it is
// unavailable than the share before, rounded up to a whole request; for that it
// need not be full. Recovery is the time from the end of the last fault to the
// begin of the first window from which on, to the end of the run, none is over the
// level. It is not known without 20 requests before, nor without a full window
// after the last one over the level.
func (p *patternRecord) recovery(out *Pattern, phases []PhaseMeta, broken []Fault) {
	if len(broken) == 0 {
		return
	}
	first, last := math.Inf(1), 0.0
	for _, f := range broken {
		first, last = min(first, f.From), max(last, f.From, f.To)
	}
	var begin int64
	for _, at := range phases {
		if at.Phase == LatencyPhase {
			begin = at.To
		}
	}
	healed := int64(last * 1e6)
	before := p.timeline.between(begin, int64(first*1e6))
	level, ok := before.level()
	if !ok {
		out.RecoveryWhy = fmt.Sprintf("%s before the first fault, it takes %d to tell the level", plural(before.requests(), "request"), recoveryRequests)
		return
	}
	out.Recovery, out.RecoveryAbove, out.RecoveryWhy = level.since(p.timeline.windows(healed, level), healed)
}

// window is some steps of a timeline, all gateways together.
type window struct {
	from, to int64
	tally    tally
	response histogram
}

func (w *window) requests() int { return w.tally.requests().Sent }

// add joins the step i of a timeline.
func (w *window) add(t *timeline, i int) {
	for _, lane := range t.lanes {
		if i < len(lane.steps) {
			w.tally.merge(lane.steps[i])
		}
	}
	if i < len(t.response) {
		w.response.merge(t.response[i])
	}
	w.to = int64(i+1) * t.step
}

// steps is how many steps have been counted.
func (t *timeline) steps() int {
	n := len(t.response)
	for _, lane := range t.lanes {
		n = max(n, len(lane.steps))
	}
	return n
}

// after is the first step that begins at an instant or later.
func (t *timeline) after(instant int64) int { return int((max(0, instant) + t.step - 1) / t.step) }

// between joins the steps that lie wholly within a stretch of time.
func (t *timeline) between(from, to int64) window {
	w := window{from: from}
	for i := t.after(from); int64(i+1)*t.step <= to && i < t.steps(); i++ {
		w.add(t, i)
	}
	return w
}

// level is what is normal: p95 in ms, and the share of unavailable requests.
type level struct {
	p95, share float64
}

func (w *window) level() (level, bool) {
	p95 := w.response.quantile(0.95)
	if w.requests() < recoveryRequests || w.response.count() < recoveryRequests || p95 == nil {
		return level{}, false
	}
	return level{*p95, float64(w.tally.unavailable) / float64(w.requests())}, true
}

// full says whether a window is enough to judge by.
func (w *window) full() bool {
	return w.requests() >= recoveryRequests && w.response.count() >= recoveryRequests
}

// over says whether a window is over the level.
func (l level) over(w *window) bool {
	if float64(w.tally.unavailable) > math.Ceil(l.share*float64(w.requests())) {
		return true
	}
	p95 := w.response.quantile(0.95)
	return w.full() && p95 != nil && *p95 > max(recoveryFactor*l.p95, l.p95+recoverySlack)
}

// windows joins the steps after an instant to windows; the last may not be full.
func (t *timeline) windows(from int64, l level) []window {
	var out []window
	w := window{from: int64(t.after(from)) * t.step}
	for i := t.after(from); i < t.steps(); i++ {
		w.add(t, i)
		if w.full() || w.requests() >= recoveryRequests && l.over(&w) {
			out = append(out, w)
			w = window{from: w.to}
		}
	}
	if w.requests() > 0 {
		out = append(out, w)
	}
	return out
}

// since finds from when on no window is over the level.
func (l level) since(windows []window, healed int64) (ms, above *float64, why string) {
	calm, over := -1, -1 // the first full window after the last one over the level, and that one
	for i := range windows {
		switch w := &windows[i]; {
		case l.over(w):
			calm, over = -1, i
		case calm < 0 && w.full():
			calm = i
		}
	}
	watched := 0.0
	if n := len(windows); n > 0 {
		watched = float64(windows[n-1].to-healed) / 1e6
	}
	switch {
	case calm >= 0:
		return milliseconds(windows[over+1].from - healed), nil, ""
	case over >= 0:
		return nil, milliseconds(max(0, windows[over].from-healed)), "not back by the end of the run, " + formatMS(watched) + " after the last fault"
	}
	return nil, nil, fmt.Sprintf("too few requests after the last fault, it takes %d answers to good tokens", recoveryRequests)
}
