package measure

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tokendrill/tokendrill/fixtures/token"
)

// toy is a gateway on a virtual clock that records its own switch. It decides
// on a request at one instant within it; instants are ns after the revocation
// was sent, and switched is the instant from which it refuses for good.
type toy struct {
	name     string
	switched func(rng *rand.Rand) int64
	decide   func(at, switched int64) token.Verdict
	expires  time.Duration // after the revocation; zero is never within the run
	state    State         // of every primed, supported and fully watched interval
	again    bool          // the token comes back to life
}

// rejectsFrom refuses from the switch on.
func rejectsFrom(at, switched int64) token.Verdict {
	if at < switched {
		return token.Accept
	}
	return token.Reject
}

const neverSwitches = int64(1) << 60

func fixed(d time.Duration) func(*rand.Rand) int64 {
	return func(*rand.Rand) int64 { return int64(d) }
}

var toys = []toy{
	{name: "rejects exactly 700 ms after", switched: fixed(700 * time.Millisecond), decide: rejectsFrom, state: Exact},
	{name: "delay per token", switched: func(rng *rand.Rand) int64 { return rng.Int64N(int64(2 * time.Second)) }, decide: rejectsFrom, state: Exact},
	{name: "rejects at once", switched: fixed(0), decide: rejectsFrom, state: Exact},
	{name: "resurrects", switched: fixed(1500 * time.Millisecond), state: Exact, again: true, decide: func(at, switched int64) token.Verdict {
		if at >= int64(400*time.Millisecond) && at < int64(900*time.Millisecond) {
			return token.Reject
		}
		return rejectsFrom(at, switched)
	}},
	{name: "503 before it rejects", switched: fixed(900 * time.Millisecond), state: Exact, decide: func(at, switched int64) token.Verdict {
		if at >= int64(300*time.Millisecond) && at < switched {
			return token.Unavailable
		}
		return rejectsFrom(at, switched)
	}},
	{name: "never rejects", switched: fixed(time.Duration(neverSwitches)), decide: rejectsFrom, state: Censored},
	{name: "expires in the window", switched: fixed(time.Duration(neverSwitches)), expires: 1200 * time.Millisecond, state: Expired,
		decide: func(at, _ int64) token.Verdict { return rejectsFrom(at, int64(1200*time.Millisecond)) }},
}

// play sends probes at a random schedule to the toy: open-loop gaps that grow,
// random latencies, the decision at a random instant within each request.
func (toy *toy) play(ref token.Ref, seed uint64, firstGap time.Duration, latency time.Duration) (events []Event, switched int64) {
	rng := rand.New(rand.NewPCG(seed, 1))
	sent := int64(10*time.Second) + rng.Int64N(int64(time.Second))
	switched = toy.switched(rng)
	send := func(offset int64) {
		start := sent + offset
		took := 1 + rng.Int64N(int64(latency))
		decided := start + rng.Int64N(took+1)
		v := toy.decide(decided-sent, switched)
		e := request(ref, 0, 0, v)
		e.Planned, e.Start, e.End = start, start, start+took
		events = append(events, e)
	}
	for back := int64(1500 * time.Millisecond); back > int64(latency); back -= int64(300 * time.Millisecond) {
		send(-back)
	}
	send(-int64(2 * latency))
	const window = int64(6 * time.Second)
	gap := int64(firstGap)
	for offset := rng.Int64N(gap); offset < window; offset += gap {
		send(offset)
		gap = max(gap, gap*11/10)
		gap = min(gap, int64(300*time.Millisecond))
	}
	call := revoked(ref, 0, 0)
	call.Start, call.End = sent, sent+rng.Int64N(int64(20*time.Millisecond))
	if toy.expires > 0 {
		// The true expiry is known to a second or so, and some leeway (DESIGN section 3).
		call.ExpiresMin = sent + int64(toy.expires) - rng.Int64N(int64(time.Second))
		call.ExpiresMax = sent + int64(toy.expires) + rng.Int64N(int64(time.Second))
	}
	events = append(events, call)
	events = append(events, controls(ref)...)
	rng.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
	return events, switched
}

// DESIGN section 4: the true moment lies in [L, U], whatever the schedule.
func TestIntervalsContainTheRecordedSwitch(t *testing.T) {
	for _, toy := range toys {
		t.Run(toy.name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				firstGap := time.Duration(rapid.Int64Range(int64(time.Millisecond), int64(50*time.Millisecond)).Draw(t, "first gap"))
				latency := time.Duration(rapid.Int64Range(1000, int64(80*time.Millisecond)).Draw(t, "latency"))
				events, switched := toy.play("k", rapid.Uint64().Draw(t, "seed"), firstGap, latency)
				meta := testMeta()
				got := check(&meta.Patterns[0], events)
				require.Len(t, got.revoke.Fleet, 1)
				i := got.revoke.Fleet[0]
				assert.Equal(t, toy.state, i.State)
				assert.Equal(t, toy.again, i.Resurrected)
				truth := float64(switched) / 1e6
				assert.LessOrEqual(t, *i.Lower, truth)
				if i.State == Exact {
					assert.GreaterOrEqual(t, *i.Upper, truth)
				}
				if !toy.again {
					// Relative uncertainty: a gap of a tenth of the time since the revocation, and two requests.
					if width := seenWidth(i); i.State == Exact && toy.name != "503 before it rejects" {
						assert.LessOrEqual(t, width, 0.11*truth+float64(2*latency+2*firstGap)/1e6)
					}
				}
				assert.Equal(t, toy.again, got.safety.of("revoke").FalseAccepts > 0 && toy.state == Exact)
			})
		})
	}
}

func seenWidth(i Interval) float64 {
	if i.Upper == nil {
		return 0
	}
	return *i.Upper - *i.Lower
}

// A gateway that accepts everything is not fast to revoke: nothing is refused,
// forged tokens are let in, and the fleet figure has no upper bound.
func TestAGatewayThatAcceptsEverything(t *testing.T) {
	r, err := NewRecorder(testMeta("revoke.fleet_upper.max <= 3s", "safety.false_accepts == 0"), nil)
	require.NoError(t, err)
	always := toy{switched: fixed(0), decide: func(int64, int64) token.Verdict { return token.Accept }}
	for k := range 60 {
		events, _ := always.play(token.Ref(fmt.Sprint("k", k)), uint64(k), 5*time.Millisecond, 3*time.Millisecond)
		feed(r, events)
	}
	forged := Observation{Event: request("f", 100, 101, token.Accept), Check: -1, Slice: -1}
	forged.Class, forged.Expect, forged.Detail = token.Fuzzed, expectReject, "flip-signature"
	r.Observe(forged)
	report, err := r.Report(Run{Sender: Sender{Planned: 1, Sent: 1}})
	require.NoError(t, err)
	p := report.Patterns[0]
	assert.Equal(t, 60, p.Revoke.Censored)
	assert.Nil(t, p.Revoke.FleetUpper.P95)
	assert.Greater(t, *p.Revoke.FleetUpper.Above.P95, 5000.0)
	assert.Equal(t, "flip-signature", p.Violations[0].Cause)
	assert.Equal(t, Fail, report.Verdict)
	assert.Equal(t, []RunVerdict{Fail, Fail}, []RunVerdict{p.Gates[0].Verdict, p.Gates[1].Verdict})
	require.NotNil(t, p.Gates[0].Witness)
	assert.Len(t, p.Gates[0].Witness.Requests, 2)
}

// feed hands a history to a recorder as the harness would.
func feed(r *Recorder, events []Event) {
	for _, e := range events {
		switch e.Kind {
		case KindRevoke:
			r.Revoked(e)
		case KindFault:
			r.Fault(e)
		default:
			r.Observe(Observation{Event: e, Check: -1, Slice: -1, Probe: true})
		}
	}
}
