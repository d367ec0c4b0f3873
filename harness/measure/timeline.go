package measure

import (
	"slices"
	"time"

	"github.com/tokendrill/tokendrill/fixtures/token"
)

const (
	// firstStep is the step of a timeline that has not been coarsened.
	firstStep = int64(100 * time.Millisecond)
	// mostSteps bounds a timeline; when it is full, pairs of steps become one.
	mostSteps = 512
)

// timeline counts what happened when. Its memory is bounded: the step doubles
// as the run grows.
type timeline struct {
	step     int64
	lanes    map[string]*laneCounts
	response []histogram
}

// laneCounts is one gateway's row.
type laneCounts struct {
	steps []tally
}

func newTimeline() *timeline {
	return &timeline{step: firstStep, lanes: map[string]*laneCounts{}}
}

// at returns the step that an instant falls into, coarsening until it exists.
func (t *timeline) at(instant int64) int {
	for instant/t.step >= mostSteps {
		t.coarsen()
	}
	return int(max(0, instant) / t.step)
}

// observe counts a request where it ended.
func (t *timeline) observe(gateway string, end int64, v token.Verdict) {
	i := t.at(end)
	lane := t.lanes[gateway]
	if lane == nil {
		lane = &laneCounts{}
		t.lanes[gateway] = lane
	}
	lane.steps = extend(lane.steps, i)
	lane.steps[i].add(v)
}

// respond records a response latency where the request ended.
func (t *timeline) respond(end, ns int64) {
	i := t.at(end)
	t.response = extend(t.response, i)
	t.response[i].record(ns)
}

// coarsen doubles the step.
func (t *timeline) coarsen() {
	t.step *= 2
	for _, lane := range t.lanes {
		lane.steps = fold(lane.steps, (*tally).merge)
	}
	t.response = fold(t.response, (*histogram).merge)
}

// extend makes a slice long enough for an index.
func extend[T any](s []T, index int) []T {
	for len(s) <= index {
		var zero T
		s = append(s, zero)
	}
	return s
}

// fold merges each pair of steps into one.
func fold[T any](steps []T, merge func(*T, T)) []T {
	for i := range steps {
		if i%2 == 0 {
			steps[i/2] = steps[i]
		} else {
			merge(&steps[i/2], steps[i])
		}
	}
	return slices.Clip(steps[:(len(steps)+1)/2])
}

// report renders the timeline over gateways, with the accepts of revoked tokens
// and the readings of the counter of authority calls laid over it.
func (t *timeline) report(gateways []string, elapsed int64, alive []Event, calls []Reading) Timeline {
	last := t.at(max(0, elapsed-1))
	steps := last + 1
	steps = max(steps, len(t.response))
	for _, lane := range t.lanes {
		steps = max(steps, len(lane.steps))
	}
	out := Timeline{Step: float64(t.step) / 1e6, Lanes: []Lane{}, ResponseP95: make([]Number, steps)}
	for _, gateway := range t.rows(gateways) {
		out.Lanes = append(out.Lanes, t.lane(gateway, steps, alive))
	}
	for i := range t.response {
		out.ResponseP95[i] = t.response[i].quantile(0.95)
	}
	if len(calls) > 0 {
		out.AuthorityCalls = make([]int64, steps)
	}
	var before int64
	for _, r := range calls {
		i := min(int(max(0, r.At-1)/t.step), steps-1)
		out.AuthorityCalls[i] += r.Count - before
		before = r.Count
	}
	return out
}

// rows are the declared gateways, then any other that was seen.
func (t *timeline) rows(declared []string) []string {
	var others []string
	for gateway := range t.lanes {
		if !slices.Contains(declared, gateway) {
			others = append(others, gateway)
		}
	}
	slices.Sort(others)
	return append(slices.Clone(declared), others...)
}

func (t *timeline) lane(gateway string, steps int, alive []Event) Lane {
	l := Lane{Gateway: gateway, Accepted: make([]int, steps), Rejected: make([]int, steps), Unavailable: make([]int, steps), Stale: make([]int, steps)}
	if counts := t.lanes[gateway]; counts != nil {
		for i, s := range counts.steps {
			l.Accepted[i], l.Rejected[i], l.Unavailable[i] = s.accepted, s.rejected, s.unavailable
		}
	}
	for _, e := range alive {
		if e.Gateway == gateway {
			l.Stale[min(int(max(0, e.End)/t.step), steps-1)]++
		}
	}
	return l
}
