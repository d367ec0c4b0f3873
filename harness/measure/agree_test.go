package measure

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/fixtures/token"
)

// randomTrack is a short history of one token at one gateway with verdicts at
// random around a switch: some are right, some are not. No start equals an end.
func randomTrack(rng *rand.Rand) []Event {
	starts := rng.Perm(400)
	pair := func() (start, end int64) {
		start, starts = int64(starts[0])*10, starts[1:]
		return start, start + int64(1+rng.IntN(60))*10 + 5
	}
	a := int64(120 + rng.IntN(60))
	call := revoked("k", 0, 0)
	call.Start, call.End = a*10+1, (a+int64(rng.IntN(20)))*10+2
	if rng.IntN(8) == 0 {
		call.Status = 0
	}
	if rng.IntN(4) == 0 {
		call.ExpiresMin = call.Start + int64(rng.IntN(2000))
		call.ExpiresMax = call.ExpiresMin + int64(rng.IntN(500))
	}
	events := []Event{call}
	switched, noise := call.Start+int64(rng.IntN(1200)), rng.IntN(3)*rng.IntN(8)
	for range 2 + rng.IntN(9) {
		start, end := pair()
		e := request("k", 0, 0, token.Accept)
		e.Start, e.End = start, end
		if at := e.Start + rng.Int64N(e.End-e.Start); at >= switched != (rng.IntN(100) < noise) {
			e.Verdict, e.Reason = token.Reject, token.InvalidToken
		}
		if rng.IntN(12) == 0 {
			e.Verdict, e.Reason = token.Unavailable, ""
		}
		if rng.IntN(20) == 0 && e.Verdict == token.Reject {
			e.Reason = token.InsufficientScope
		}
		if rng.IntN(3) == 0 {
			e.Grace = rng.Int64N(1500)
		}
		if rng.IntN(3) == 0 {
			e.Cause = CauseJustExpired
		}
		events = append(events, e)
	}
	for range rng.IntN(14) {
		start, end := pair()
		e := twin("k", 0, 0)
		e.Start, e.End = start, end
		if rng.IntN(12) == 0 {
			e.Verdict, e.Reason = token.Reject, token.InvalidToken
		}
		events = append(events, e)
	}
	rng.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
	return events
}

func randomMeta() Meta {
	meta := testMeta()
	p := &meta.Patterns[0]
	p.Bound, p.Quiet, p.ControlGap = 600*time.Nanosecond, 500*time.Nanosecond, 900*time.Nanosecond
	return meta
}

// definition judges one track by the words of DESIGN sections 3 and 4, pair by
// pair and without sharing a line with the checker.
type definition struct {
	meta               PatternMeta
	call               Event
	requests, controls []Event
}

func define(meta PatternMeta, events []Event) definition {
	d := definition{meta: meta}
	for _, e := range events {
		switch {
		case e.Kind == KindRevoke:
			d.call = e
		case e.Class == token.Control:
			d.controls = append(d.controls, e)
		default:
			d.requests = append(d.requests, e)
		}
	}
	return d
}

func accepted(e Event) bool { return e.Verdict == token.Accept }
func some(events []Event, is func(Event) bool) bool {
	for _, e := range events {
		if is(e) {
			return true
		}
	}
	return false
}

// shows: an invalid_token reject, ended after sent and before it could be expiry.
func (d definition) shows(r Event) bool {
	return r.Verdict == token.Reject && r.Reason == token.InvalidToken && r.End > d.call.Start &&
		(d.call.ExpiresMin == 0 || r.End < d.call.ExpiresMin)
}

func (d definition) lasting(r Event) bool {
	return d.shows(r) && !some(d.requests, func(a Event) bool { return accepted(a) && a.Start > r.End })
}

// upper is the request that sets U; of two that end together, the one that was sent first.
func (d definition) upper() (Event, bool) {
	for _, r := range d.requests {
		if d.lasting(r) && !some(d.requests, func(o Event) bool {
			return d.lasting(o) && (o.End < r.End || o.End == r.End && o.Start < r.Start)
		}) {
			return r, true
		}
	}
	return Event{}, false
}

func (d definition) supported(u Event) bool {
	gap := int64(d.meta.ControlGap)
	before := func(c Event) bool {
		return accepted(c) && c.Start <= u.Start && c.End <= u.End && u.Start-c.End <= gap
	}
	after := func(c Event) bool {
		return accepted(c) && c.Start >= u.Start && c.End >= u.End && c.Start-u.End <= gap
	}
	return some(d.controls, func(b Event) bool {
		return before(b) && some(d.controls, func(a Event) bool {
			return after(a) && !some(d.controls, func(r Event) bool {
				return r.Verdict == token.Reject && r.Start > b.Start && r.End < a.End
			})
		})
	})
}

func (d definition) state() State {
	u, refused := d.upper()
	decided := func(e Event) bool { return e.Verdict != token.Unavailable }
	expires := d.call.ExpiresMin
	switch {
	case !some(d.requests, func(a Event) bool { return accepted(a) && a.End <= d.call.Start }):
		return Unprimed
	case !refused && expires > 0 && some(d.requests, func(e Event) bool { return decided(e) && e.End >= expires }):
		return Expired
	case !refused:
		return Censored
	case !d.supported(u):
		return Unknown
	case expires > 0 && expires-u.End < int64(d.meta.Quiet),
		!some(d.requests, func(e Event) bool { return decided(e) && e.Start-u.End >= int64(d.meta.Quiet) }):
		return Unstable
	}
	return Exact
}

func (d definition) safety() (s Safety) {
	acked, bound, exp := d.call.Status == 200, int64(d.meta.Bound), d.call
	for _, e := range d.requests {
		resurrects := some(d.requests, func(r Event) bool { return d.shows(r) && r.End < e.Start })
		late := acked && e.Start > d.call.End+bound
		dead := exp.ExpiresMax > 0 && e.Start > exp.ExpiresMax
		excused := e.Cause == CauseJustExpired && e.Start <= exp.ExpiresMax+e.Grace
		switch {
		case accepted(e) && (resurrects || late || dead && !excused):
			s.FalseAccepts++
		case accepted(e) && acked && e.Start > d.call.End:
			s.StaleAccepts++
		case e.Verdict == token.Reject && e.Reason != token.InvalidToken,
			e.Verdict == token.Reject && e.End <= d.call.Start && (exp.ExpiresMin == 0 || e.End < exp.ExpiresMin):
			s.FalseRejects++
		}
	}
	for _, c := range d.controls {
		if c.Verdict == token.Reject {
			s.FalseRejects++
		}
	}
	return s
}

// A second checker, written from the definition, quadratic, agrees.
func TestTheDefinitionAgreesWithTheChecker(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 0))
	meta := randomMeta()
	states := map[State]int{}
	for range 5000 {
		events := randomTrack(rng)
		d := define(meta.Patterns[0], events)
		got := check(&meta.Patterns[0], events)
		require.Equal(t, d.safety(), got.safety.of("revoke"), "%+v", events)
		if len(d.requests) == 0 {
			continue
		}
		i := got.revoke.Gateways[0].Intervals[0]
		require.Equal(t, d.state(), i.State, "%+v", events)
		states[i.State]++
		if u, ok := d.upper(); ok && i.State == Exact {
			require.Equal(t, max(0, float64(u.End-d.call.Start)/1e6), *i.Upper)
		}
	}
	for _, s := range []State{Exact, Censored, Expired, Unknown, Unstable, Unprimed} {
		assert.Greater(t, states[s], 20, "the histories hold enough %s intervals", s)
	}
}

// register is a write-once register "revoked" as porcupine sees it. A revoke
// that takes effect within [sent, ack+bound] and reads that agree are
// linearizable exactly if no decision is wrong.
func register() porcupine.Model {
	return porcupine.Model{
		Init: func() any { return false },
		Step: func(state, input, output any) (bool, any) {
			if input == "revoke" {
				return true, true
			}
			return state.(bool) == (output.(token.Verdict) == token.Reject), state
		},
	}
}

// operations are what porcupine sees of a history, and the events that they stand for:
// expiry, other reasons and controls are not part of the register.
func operations(meta Meta, events []Event) (kept []Event, ops []porcupine.Operation) {
	for _, e := range events {
		if e.Class == token.Control || e.Reason == token.InsufficientScope {
			continue
		}
		e.ExpiresMin, e.ExpiresMax = 0, 0
		kept = append(kept, e)
		switch {
		case e.Kind == KindRevoke && e.Status == 200:
			ops = append(ops, porcupine.Operation{Input: "revoke", Call: e.Start, Return: e.End + int64(meta.Patterns[0].Bound)})
		case e.Kind == KindRevoke:
			ops = append(ops, porcupine.Operation{Input: "revoke", Call: e.Start, Return: 1 << 60})
		case e.Verdict != token.Unavailable:
			ops = append(ops, porcupine.Operation{Input: "read", Call: e.Start, Return: e.End, Output: e.Verdict})
		}
	}
	for i := range ops {
		ops[i].ClientId = i
	}
	return kept, ops
}

// porcupine confirms the verdict on safety on random histories.
func TestPorcupineAgreesWithTheChecker(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 0))
	meta := randomMeta()
	violating := 0
	const histories = 2000
	for range histories {
		kept, ops := operations(meta, randomTrack(rng))
		s := check(&meta.Patterns[0], kept).safety.of("revoke")
		wrong := s.FalseAccepts+s.FalseRejects > 0
		if wrong {
			violating++
		}
		require.Equal(t, porcupine.CheckOperations(register(), ops), !wrong, "%+v", kept)
	}
	assert.Greater(t, violating, histories/20)
	assert.Less(t, violating, histories*19/20)
}
