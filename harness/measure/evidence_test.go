package measure

import (
	"bytes"
	"cmp"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/fixtures/token"
)

// A fault of which nothing is known is no evidence, live and from the history.
func TestAFaultWithoutEvidenceLeavesTheRunInconclusive(t *testing.T) {
	const landed, both = FaultLanded, FaultLanded + " " + FaultHealed
	for _, row := range []struct {
		says   string
		fault  Event
		forged bool // a gate fails
		want   RunVerdict
		why    string
	}{
		{"seen to land and to heal", Event{Detail: both, Met: 3, Clear: 1}, false, Pass, ""},
		{"it met no traffic", Event{Detail: FaultHealed, Clear: 1}, false, Inconclusive, "refuse gateway-authority met no traffic: what it would have done is unknown"},
		{"it could not be injected", Event{}, false, Inconclusive, "refuse gateway-authority met no traffic: what it would have done is unknown"},
		{"its effect was not seen", Event{Detail: FaultHealed, Met: 3, Clear: 1}, false, Inconclusive, "refuse gateway-authority was not seen to take effect: what it would have done is unknown"},
		{"nothing came after it", Event{Detail: landed, Met: 3}, false, Inconclusive, "refuse gateway-authority met no traffic after it was healed: whether its effect is gone is unknown"},
		{"it did not heal", Event{Detail: landed, Met: 3, Clear: 2}, false, Inconclusive, "refuse gateway-authority was not seen to heal: whether its effect is gone is unknown"},
		{"nobody saw the container paused", Event{Fault: "container.pause gateway", Detail: FaultHealed, Clear: 1}, false, Inconclusive, "container.pause gateway was not seen to take effect: what it would have done is unknown"},
		{"no sign of life of the container after it", Event{Fault: "container.pause gateway", Detail: landed, Met: 3}, false, Inconclusive, "container.pause gateway was not seen to heal: whether its effect is gone is unknown"},
		{"a gate that fails, fails all the same", Event{}, true, Fail, "refuse gateway-authority met no traffic: what it would have done is unknown"},
	} {
		t.Run(row.says, func(t *testing.T) {
			var file bytes.Buffer
			r, err := NewRecorder(testMeta("safety.false_accepts == 0"), &file)
			require.NoError(t, err)
			feed(r, controls("k"))
			if row.forged {
				forged := traffic(1, time.Millisecond, -1)
				forged.Class, forged.Detail, forged.Expect = token.Fuzzed, "crit", expectReject
				r.Observe(forged)
			}
			row.fault.Fault = cmp.Or(row.fault.Fault, "refuse gateway-authority")
			row.fault.Start, row.fault.End = 5*ms, 9*ms
			r.Fault(row.fault)
			live := finish(t, r, Run{})
			again := checkAgain(t, &file)
			assert.Equal(t, row.want, live.Verdict)
			assert.Equal(t, live.Verdict, again.Verdict)
			assert.Equal(t, live.Validity, again.Validity)
			assert.Equal(t, live.Faults, again.Faults)
			if row.why == "" {
				assert.True(t, live.Validity.OK)
				return
			}
			assert.Equal(t, []string{row.why}, live.Validity.Reasons)
			assert.Equal(t, []string{row.why}, live.Validity.Faults)
		})
	}
}

// Such a fault says nothing about latency before it; a sender that fell behind does.
func TestAFaultWithoutEvidenceDoesNotHideLatency(t *testing.T) {
	for _, row := range []struct {
		says    string
		invalid []string
		want    RunVerdict
	}{{"a fault only", nil, Fail}, {"a fault and a clock that went back", []string{"clock went back"}, Inconclusive}} {
		r := newRecorder(t, "latency.check.max <= 1us")
		r.Observe(traffic(1, time.Millisecond, -1))
		r.Fault(Event{Fault: "refuse"})
		assert.Equal(t, row.want, finish(t, r, Run{Invalid: row.invalid}).Verdict, row.says)
	}
}

func checkAgain(t *testing.T, file *bytes.Buffer) *Report {
	t.Helper()
	h, err := ReadHistory(file, "history.ndjson")
	require.NoError(t, err)
	report, err := h.Check()
	require.NoError(t, err)
	return report
}

// A history says that, and why, its run was stopped, what became of the faults,
// and why it is not valid.
func TestTheEndOfAHistory(t *testing.T) {
	const why = "unavailable_rate 0.83 > 0.5 for 5 s at 00:31"
	for _, row := range []struct {
		says string
		run  Run
		want RunVerdict
	}{
		{"its own end", Run{Undo: Undo{Injected: 2, Healed: 2}}, Pass},
		{"stopped", Run{Stopped: why, Undo: Undo{Injected: 2, Healed: 1, Left: []string{"exec proxy"}}}, Stopped},
		{"stopped, as the harness says as well", Run{Stopped: why, Ended: Stopped, Invalid: []string{"stopped after 31 s"}}, Stopped},
		{"interrupted while it stopped", Run{Stopped: why, Ended: Interrupted}, Interrupted},
		{"not valid", Run{Invalid: []string{"clock went back"}}, Inconclusive},
		{"not sent", Run{Sender: Sender{Planned: 100, Sent: 10}}, Inconclusive},
	} {
		t.Run(row.says, func(t *testing.T) {
			var file bytes.Buffer
			r, err := NewRecorder(testMeta("safety.false_accepts == 0"), &file)
			require.NoError(t, err)
			feed(r, controls("k"))
			row.run.Elapsed = 31 * time.Second
			live := finish(t, r, row.run)
			again := checkAgain(t, &file)
			assert.Equal(t, row.want, live.Verdict)
			for _, r := range []*Report{live, again} {
				assert.Equal(t, row.run.Stopped, r.Stopped)
				assert.Equal(t, row.run.Undo, r.Undo)
				assert.Equal(t, 31_000.0, r.Elapsed)
			}
			assert.Equal(t, live.Verdict, again.Verdict)
			assert.Equal(t, live.Validity, again.Validity)
		})
	}
}

// DESIGN section 4: whatever is in a history is judged from it as it was live,
// phase by phase and gateway by gateway.
func TestAHistoryGivesEveryPhaseAndGatewayAgain(t *testing.T) {
	gates := []string{
		"safety.false_accepts == 0", "safety.false_rejects{phase=during} <= 3", "safety.stale_accepts{gateway=gw-2,phase=after} >= 1",
		"revoke.fleet_upper.max{phase=during} <= 1s", "revoke.upper.max{gateway=gw-1} <= 1s", "revoke.unknown{phase=before} == 0", "revoke.censored == 0",
	}
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 1))
		var file bytes.Buffer
		meta := threePhases(append(gates, "requests.sent > 1", "recovery <= 1s", "fallbacks.fail_open >= 0")...)
		r, err := NewRecorder(meta, &file)
		require.NoError(t, err)
		for n, phase := range meta.Phases {
			for k := range 8 {
				feed(r, revocation8(n, k, phase.Phase, scramble(rng)))
			}
			for i := range 15 {
				o := traffic(int64(n)*10_000+int64(i), time.Millisecond, -1)
				o.Phase, o.Class, o.Detail, o.Expect = phase.Phase, token.Fuzzed, "crit", expectReject
				if rng.IntN(3) == 0 {
					o.Verdict, o.Reason = token.Reject, token.InvalidToken
				}
				r.Observe(o)
			}
		}
		r.Fault(Event{Fault: "refuse", Start: 10_000 * ms, End: 20_000 * ms, Detail: FaultLanded + " " + FaultHealed, Met: 1, Clear: int64(rng.IntN(2))})
		live := finish(t, r, Run{Elapsed: 30 * time.Second})
		again := checkAgain(t, &file)

		a, b := live.Patterns[0], again.Patterns[0]
		require.Equal(t, a.Revoke, b.Revoke)
		require.Equal(t, a.Safety, b.Safety)
		require.Equal(t, live.Faults, again.Faults)
		require.Equal(t, live.Validity, again.Validity)
		for i := range a.Gateways {
			require.Equal(t, a.Gateways[i].Safety, b.Gateways[i].Safety)
		}
		for i := range a.Phases {
			x, y := a.Phases[i], b.Phases[i]
			require.Equal(t, []any{x.Phase, x.From, x.To, x.Revoke, x.RevokeLower, x.Revocations, x.Safety}, []any{y.Phase, y.From, y.To, y.Revoke, y.RevokeLower, y.Revocations, y.Safety})
			for j := range x.Gateways {
				require.Equal(t, x.Gateways[j].Worst, y.Gateways[j].Worst)
				require.Equal(t, x.Gateways[j].Safety, y.Gateways[j].Safety)
			}
		}
		require.Len(t, b.Gates, len(gates))
		for i := range b.Gates {
			require.Equal(t, a.Gates[i].Verdict, b.Gates[i].Verdict, a.Gates[i].Expr)
			require.Equal(t, a.Gates[i].Value, b.Gates[i].Value, a.Gates[i].Expr)
			require.Equal(t, a.Gates[i].Why, b.Gates[i].Why)
		}
		require.Contains(t, again.Warnings, fmt.Sprintf("3 of %d gates are left out: a history has no latency and no counters of other traffic", len(gates)+3))
	}
}

// scramble changes verdicts and instants at random.
func scramble(rng *rand.Rand) func(string, int, []Event) {
	return func(_ string, _ int, requests []Event) {
		for i := range requests {
			e := &requests[i]
			switch rng.IntN(12) {
			case 0:
				e.Verdict, e.Reason, e.Cause = token.Accept, "", CauseFailOpen
			case 1:
				e.Verdict, e.Reason = token.Reject, token.InvalidToken
			case 2:
				e.Verdict, e.Reason = token.Unavailable, ""
			case 3:
				e.End += rng.Int64N(3000) * ms
			}
		}
	}
}

// A mass revocation is one call: 1,000 tokens at three gateways share a moment and an ack.
func bulk(tokens int) (Meta, []Event) {
	meta := threePhases()
	var events []Event
	for k := range tokens {
		ref := token.Ref(fmt.Sprint("t-", k))
		call := revoked(ref, 12_000, 12_050)
		call.Moment, call.Phase = 1, "during"
		events = append(events, call)
		for _, gateway := range meta.Patterns[0].Gateways {
			for at := int64(11_000); at < 15_000; at += 100 {
				v := token.Accept
				if at > 12_300 {
					v = token.Reject
				}
				e, c := request(ref, at, at+1, v), twin(ref, at+10, at+11)
				e.Gateway, c.Gateway, e.Phase, c.Phase = gateway, gateway, "during", "during"
				events = append(events, e, c)
			}
		}
	}
	return meta, events
}

func TestABulkRevocationIsOneSampleWithOneAck(t *testing.T) {
	meta, events := bulk(1000)
	begun := time.Now()
	got := check(&meta.Patterns[0], events).revoke
	large := time.Since(begun)
	assert.Equal(t, []int{1000, 1}, []int{got.Tokens, got.Moments})
	assert.Equal(t, 401.0, *got.FleetUpper.Max)
	assert.Equal(t, 351.0, *got.AckUpper.Max)
	assert.Nil(t, got.FleetUpper.P50, "one sample has no median")
	assert.Len(t, got.Gateways[2].Intervals, 1000)
	t.Logf("%d events in %v", len(events), large)
}

// The checker is O(n): ten times the tokens take about ten times the time.
func BenchmarkCheckBulk(b *testing.B) {
	for _, tokens := range []int{100, 1000, 4000} {
		b.Run(fmt.Sprint(tokens), func(b *testing.B) {
			meta, events := bulk(tokens)
			for b.Loop() {
				check(&meta.Patterns[0], events)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(events)), "ns/event")
		})
	}
}
