package measure

import (
	"fmt"
	"slices"
	"time"
)

// Guard watches the stop conditions of a run. It is for one goroutine, which may
// be another one than those that call Observe. Its memory does not grow with the
// run.
type Guard struct {
	recorder *Recorder
	watches  []*watch
}

// Guard starts to watch stop conditions, before the first request is sent. A
// condition that names a pattern or gateway that the run does not have is an error.
func (r *Recorder) Guard(stops []StopExpr) (*Guard, error) {
	g := &Guard{recorder: r}
	for _, s := range stops {
		if err := s.limit.names(r.meta.have(s.limit)); err != nil {
			return nil, fmt.Errorf("stop condition %w", err)
		}
		for _, p := range r.meta.Patterns {
			if s.Applies(p.Pattern) && (s.Gateway == "" || slices.Contains(p.Gateways, s.Gateway)) {
				g.watches = append(g.watches, newWatch(s, p.Pattern, len(r.meta.Patterns) > 1))
			}
		}
	}
	return g, nil
}

// Check evaluates the conditions at an instant of the run, which must not go
// back. It returns why the run must stop, such as "unavailable_rate 0.83 > 0.5
// for 5 s at 00:31", or "" if no condition is met. Call it every 100 ms or so.
func (g *Guard) Check(now time.Duration) string {
	for _, w := range g.watches {
		v, ok := w.figure(now, g.recorder.patterns[w.pattern].soFar(w.stop.Gateway))
		if ok && w.stop.limit.holds(v) {
			return w.stop.reason(w.where, v, now)
		}
	}
	return ""
}

// since is what has been decided after an earlier count.
func (d decisions) since(before decisions) decisions {
	return decisions{
		tally{d.tally.accepted - before.tally.accepted, d.tally.rejected - before.tally.rejected, d.tally.unavailable - before.tally.unavailable},
		Safety{d.safety.FalseAccepts - before.safety.FalseAccepts, d.safety.StaleAccepts - before.safety.StaleAccepts, d.safety.FalseRejects - before.safety.FalseRejects},
	}
}

// watch is one condition on one pattern.
type watch struct {
	stop    StopExpr
	pattern string
	where   string // what the reason begins with, to tell patterns and gateways apart
	// past are earlier counts, in order of time, at least grain apart; the first is
	// the latest from before the window.
	past []reading
}

// reading is what was known at an instant of the run.
type reading struct {
	at time.Duration
	decisions
}

func newWatch(s StopExpr, pattern string, several bool) *watch {
	w := &watch{stop: s, pattern: pattern, past: []reading{{}}}
	switch {
	case s.Gateway != "":
		w.where = pattern + "/" + s.Gateway
	case several:
		w.where = pattern
	}
	return w
}

const (
	// grains is how many readings a window is made of, at most.
	grains = 64
	// leastRequests is what a share takes before it can stop a run.
	leastRequests = 20
)

// figure is the value of the condition's metric in its window; false as long as
// the window is not all observed, or holds too little.
func (w *watch) figure(now time.Duration, d decisions) (float64, bool) {
	window := w.stop.window()
	if window == 0 {
		return w.stop.Metric.live(d, now), true
	}
	for len(w.past) > 1 && w.past[1].at <= now-window {
		w.past = w.past[1:]
	}
	base := w.past[0]
	if now-w.past[len(w.past)-1].at >= window/grains {
		w.past = append(w.past, reading{now, d})
	}
	in := d.since(base.decisions)
	if base.at > now-window || w.stop.Metric.Unit == "share" && in.tally.requests().Sent < leastRequests {
		return 0, false
	}
	return w.stop.Metric.live(in, now-base.at), true
}

// soFar is what is known of a gateway, or of all of them together.
func (p *patternRecord) soFar(gateway string) decisions {
	p.mu.Lock()
	defer p.mu.Unlock()
	var sum decisions
	for name, d := range p.live {
		if gateway == "" || gateway == name {
			sum.merge(*d)
		}
	}
	return sum
}
