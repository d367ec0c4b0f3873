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

// A gateway is frozen from 10,000 to 16,000 ms: what was sent meanwhile, it decides at
// the thaw. The token is revoked from 10,500 to 10,510 ms; the bound is 2 s, and controls
// may be 1 s away.
func TestAPauseAndTheRequestsThatWereSentInIt(t *testing.T) {
	const thaw = 16_000
	accept := func(start, end int64) Event { return request("k", start, end, token.Accept) }
	reject := func(start, end int64) Event { return request("k", start, end, token.Reject) }
	none := func(start, end int64) Event { return request("k", start, end, token.Unavailable) }
	refused := func(start, end int64) Event {
		return edit(twin("k", start, end), func(e *Event) { e.Verdict, e.Reason = token.Reject, token.InvalidToken })
	}
	at := func(v float64) *float64 { return &v }
	primed, quiet := accept(9_900, 9_901), reject(19_000, 19_001)
	// Controls every half second; those of the pause come at the thaw.
	hanging := func(last int64) (out []Event) {
		for _, c := range controls("k") {
			if c.Start >= 10_000*ms && c.Start < thaw*ms {
				c.End = last*ms + c.Start/1000
			}
			out = append(out, c)
		}
		return out
	}
	timedOut := func() []Event {
		out := hanging(thaw)
		for i := range out {
			if out[i].End > out[i].Start+ms && out[i].Start < 14_500*ms {
				out[i].Verdict = token.Unavailable
			}
		}
		return out
	}
	dies := edit(revoked("k", 10_500, 10_510), func(e *Event) { e.ExpiresMin, e.ExpiresMax = 12_000*ms, 13_000*ms })
	for _, row := range []struct {
		says         string
		revoke       Event
		requests     []Event
		controls     []Event // nil: all of the pause accepted at the thaw, before the token is refused
		want         Safety
		causes       []string
		inFlight     int
		state        State
		lower, upper *float64
	}{
		{says: "an accept sent before the ack was in flight, and moves the lower bound only to where it was sent",
			requests: []Event{primed, accept(10_505, 16_001), reject(10_600, 16_010), quiet}, inFlight: 1, state: Exact, lower: at(5), upper: at(5_510)},
		{says: "an accept sent after the ack and within the bound is stale, not false",
			requests: []Event{primed, accept(12_510, 16_001), reject(14_000, 16_010), quiet}, want: Safety{StaleAccepts: 1}, state: Exact, lower: at(2_010), upper: at(5_510)},
		{says: "an accept sent later than the bound is false, though the pause hid it",
			requests: []Event{primed, accept(12_511, 16_001), reject(14_000, 16_010), quiet}, want: Safety{FalseAccepts: 1}, causes: []string{CauseAfterBound}, state: Exact, lower: at(2_011), upper: at(5_510)},
		{says: "an accept sent in the pause does not come back to life, though a reject was read before it",
			requests: []Event{primed, reject(11_000, 16_001), accept(11_500, 16_009), quiet}, want: Safety{StaleAccepts: 1}, state: Exact, lower: at(1_000), upper: at(5_501)},
		{says: "an accept sent after the thaw and after a reject does",
			requests: []Event{primed, reject(11_000, 16_001), accept(16_002, 16_003), reject(16_100, 16_101), quiet}, want: Safety{FalseAccepts: 1}, causes: []string{CauseResurrection}, state: Exact, lower: at(5_502), upper: at(5_601)},
		{says: "a reject that was sent before the revocation may have been decided after it",
			requests: []Event{primed, reject(10_100, 16_010), quiet}, state: Exact, lower: at(0), upper: at(5_510)},
		{says: "timeouts are no reject, and prove nothing",
			requests: []Event{primed, none(10_600, 15_600), none(11_600, 16_600), reject(16_700, 16_701), quiet}, state: Exact, lower: at(0), upper: at(6_201)},
		{says: "with nothing but timeouts the token was never refused",
			requests: []Event{primed, none(10_600, 15_600), none(17_000, 19_000)}, state: Censored, lower: at(0)},
		{says: "an accept that hangs over the revocation is no use before it",
			requests: []Event{accept(10_100, 16_001), reject(14_000, 16_010), quiet}, inFlight: 1, state: Unprimed},
		{says: "a call that hangs itself is in force from its ack on: what was sent before is legal, and counts",
			revoke: revoked("k", 10_500, 16_002), requests: []Event{primed, accept(15_900, 16_004), reject(16_100, 16_101), quiet}, inFlight: 1, state: Exact, lower: at(5_400), upper: at(5_601)},
		{says: "expired in the pause: an accept sent before that is legal, and a reject is no proof of the revocation",
			revoke: dies, requests: []Event{primed, accept(12_500, 16_001), reject(11_500, 16_002), quiet}, want: Safety{StaleAccepts: 1}, state: Expired, lower: at(2_000)},
		{says: "expired in the pause: an accept sent after that is false",
			revoke: dies, requests: []Event{primed, accept(13_001, 16_001), quiet}, want: Safety{FalseAccepts: 1}, causes: []string{CauseExpired}, state: Expired, lower: at(2_501)},
		{says: "a control that hangs does not matter with others within the gap of the reject", controls: append(hanging(16_500), twin("k", 14_100, 15_400)),
			requests: []Event{primed, reject(15_500, 16_010), quiet}, state: Exact, lower: at(0), upper: at(5_510)},
		{says: "nor does one that times out", controls: timedOut(),
			requests: []Event{primed, reject(15_800, 16_030), quiet}, state: Exact, lower: at(0), upper: at(5_530)},
		{says: "if all of them are read after the reject, nothing shows what was decided before it", controls: hanging(16_500),
			requests: []Event{primed, reject(15_500, 16_010), quiet}, state: Unknown, lower: at(0)},
		{says: "a control that is refused at the thaw proves that the rejects prove nothing", controls: append(hanging(thaw), refused(15_700, 16_020)),
			requests: []Event{primed, reject(15_600, 16_030), quiet}, want: Safety{FalseRejects: 1}, causes: []string{CauseRefused}, state: Unknown, lower: at(0)},
	} {
		t.Run(row.says, func(t *testing.T) {
			if row.revoke.Kind == "" {
				row.revoke = revoked("k", 10_500, 10_510)
			}
			if row.controls == nil {
				row.controls = hanging(thaw - 20)
			}
			meta := testMeta()
			meta.Patterns[0].ControlGap = time.Second
			events := append(append(row.controls, row.revoke), row.requests...)
			got := check(&meta.Patterns[0], events)
			assert.Equal(t, row.want, got.safety.of("revoke"))
			var causes []string
			for _, v := range got.violations {
				causes = append(causes, v.Cause)
			}
			assert.Equal(t, row.causes, causes)
			assert.Equal(t, row.inFlight, got.revoke.InFlight)
			i := got.revoke.Gateways[0].Intervals[0]
			assert.Equal(t, []any{row.state, row.lower, row.upper}, []any{i.State, i.Lower, i.Upper})
			d := define(meta.Patterns[0], events)
			assert.Equal(t, row.want, d.safety(), "the definition agrees")
			assert.Equal(t, row.state, d.state(), "the definition agrees")
		})
	}
}

// paused is a random history with a pause: what was sent in it ends after it, in any
// order, if it is answered at all.
func paused(rng *rand.Rand) []Event {
	events := randomTrack(rng)
	from := int64(800 + rng.IntN(1500))
	to := from + int64(rng.IntN(1500))
	for i := range events {
		e := &events[i]
		if e.Start < from || e.Start >= to {
			continue
		}
		e.End = to + rng.Int64N(40)*10 + 7
		switch {
		case e.Kind == KindRequest && rng.IntN(8) == 0:
			e.Verdict, e.Reason = token.Unavailable, ""
		case e.Kind == KindRevoke && rng.IntN(4) == 0:
			e.Status = 0
		}
	}
	return events
}

// Two other checkers, of which the one knows no more than the definition and the other
// no more than a register, judge histories with a pause in the same way.
func TestOtherCheckersAgreeOnPauses(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 0))
	meta := randomMeta()
	states, wrong := map[State]int{}, 0
	for range 5000 {
		events := paused(rng)
		d, got := define(meta.Patterns[0], events), check(&meta.Patterns[0], events)
		require.Equal(t, d.safety(), got.safety.of("revoke"), "%+v", events)
		if len(d.requests) > 0 {
			i := got.revoke.Gateways[0].Intervals[0]
			require.Equal(t, d.state(), i.State, "%+v", events)
			states[i.State]++
		}
		kept, ops := operations(meta, events)
		s := check(&meta.Patterns[0], kept).safety.of("revoke")
		if s.FalseAccepts+s.FalseRejects > 0 {
			wrong++
		}
		require.Equal(t, porcupine.CheckOperations(register(), ops), s.FalseAccepts+s.FalseRejects == 0, "%+v", kept)
	}
	for _, s := range []State{Exact, Censored, Expired, Unknown, Unstable, Unprimed} {
		assert.Greater(t, states[s], 20, "the histories hold enough %s intervals", s)
	}
	assert.Greater(t, wrong, 250)
	assert.Less(t, wrong, 4750)
}
