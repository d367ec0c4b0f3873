package measure

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/fixtures/token"
)

// targetMeta is a run of one target with one gateway that names its replicas.
func targetMeta(gates ...string) Meta {
	meta := testMeta(gates...)
	p := &meta.Patterns[0]
	p.Target, p.Notes = true, []string{"TLS certificates were not verified (insecure)"}
	p.ReplicaHeaders = map[string]string{"gw-1": "X-Served-By"}
	return meta
}

func newTarget(t *testing.T, gates ...string) *Recorder {
	t.Helper()
	r, err := NewRecorder(targetMeta(gates...), nil)
	require.NoError(t, err)
	return r
}

// probe is a request as traffic makes it, to a target that tells no Server-Timing.
func probe(at int64, took time.Duration, slice int) Observation {
	o := traffic(at, took, slice)
	o.Check, o.Cache = -1, ""
	return o
}

// bare is a request on the control path that was answered.
func bare(at int64, took time.Duration, slice int) Observation {
	o := probe(at, took, slice)
	o.Token, o.Class, o.Expect = "", token.Bare, token.Outcome{}
	return o
}

func TestRequestsOnTheControlPathAreNoTraffic(t *testing.T) {
	r := newTarget(t)
	for i := range int64(40) {
		r.Observe(probe(i, 5*time.Millisecond, 0))
		r.Observe(bare(i, 2*time.Millisecond, 0))
	}
	refused, lost := bare(50, 30*time.Second, 0), bare(51, 30*time.Second, 0)
	refused.Verdict, refused.Reason, lost.Verdict = token.Reject, token.InvalidToken, token.Unavailable
	r.Observe(refused)
	r.Observe(lost)
	p := finish(t, r, Run{Elapsed: time.Second}).Patterns[0]
	assert.Equal(t, 40, p.Requests.Sent)
	assert.Equal(t, 40, p.Gateways[0].Requests.Sent)
	assert.Equal(t, 40, p.Phases[0].Requests.Sent)
	assert.Zero(t, p.Safety)
	assert.Empty(t, p.Violations)
	assert.Equal(t, []int{42, 40, 1, 1}, []int{p.Bare.Sent, p.Bare.Accepted, p.Bare.Rejected, p.Bare.Unavailable})
	assert.EqualValues(t, 40, p.Latency.Bare.Count, "what was not answered says nothing about an answer")
	assert.InEpsilon(t, 3, *p.Latency.Bare.Max, 0.002, "planned send to last byte")
	lane := 0
	for _, n := range p.Timeline.Lanes[0].Accepted {
		lane += n
	}
	assert.Equal(t, 40, lane)
}

func TestACheckIsDerivedFromTheControlPath(t *testing.T) {
	for name, row := range map[string]struct {
		probe, bare     func(slice int) time.Duration
		told            bool
		p95             *float64
		noise           *float64
		derived, silent bool
	}{
		"by as much as a probe takes longer": {
			probe: func(int) time.Duration { return 10 * time.Millisecond }, bare: func(int) time.Duration { return 4 * time.Millisecond },
			p95: new(6.0), noise: new(0.0), derived: true,
		},
		"never less than nothing, though noise may be": {
			probe: func(s int) time.Duration { return time.Duration(10+s) * time.Millisecond }, bare: func(int) time.Duration { return 20 * time.Millisecond },
			p95: new(0.0), noise: new(3.5), derived: true,
		},
		"not where a gateway tells what it takes": {
			probe: func(int) time.Duration { return 10 * time.Millisecond }, bare: func(int) time.Duration { return 4 * time.Millisecond },
			told: true, p95: new(1.0), noise: new(0.0),
		},
		"not without a control path": {
			probe: func(int) time.Duration { return 10 * time.Millisecond }, silent: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newTarget(t)
			for i := range 8 * 40 {
				at, slice := int64(i), i%8
				o := probe(at, row.probe(slice), slice)
				if row.told {
					o.Check = time.Millisecond
				}
				r.Observe(o)
				if row.bare != nil {
					r.Observe(bare(at, row.bare(slice), slice))
				}
			}
			l := finish(t, r, Run{Elapsed: time.Second}).Patterns[0].Latency
			assert.Equal(t, row.derived, l.CheckDerived)
			if row.silent {
				assert.Equal(t, Dist{}, l.Check)
				assert.Equal(t, Dist{}, l.Bare)
				return
			}
			assert.EqualValues(t, 320, l.Check.Count)
			assert.InDelta(t, *row.p95, *l.Check.P95, 0.03)
			assert.GreaterOrEqual(t, *l.Check.P50, 0.0)
			assert.Len(t, l.Check.P95Slices, 8)
			assert.InDelta(t, *row.noise, *l.Check.P95Noise, 0.03)
			assert.Equal(t, row.derived, l.Check.P99 == nil && l.Check.Max == nil)
		})
	}
}

// A difference is as well known as the less known of its two sides.
func TestADerivedCheckHasTheSampleOfTheSmallerSide(t *testing.T) {
	r := newTarget(t)
	for i := range int64(300) {
		r.Observe(probe(i, 9*time.Millisecond, 0))
		if i < 19 {
			r.Observe(bare(i, time.Millisecond, 0))
		}
	}
	l := finish(t, r, Run{Elapsed: time.Second}).Patterns[0].Latency
	assert.EqualValues(t, 19, l.Check.Count)
	assert.InDelta(t, 8, *l.Check.P50, 0.03)
	assert.Nil(t, l.Check.P95)
}

func TestGatesOnADerivedCheck(t *testing.T) {
	for name, row := range map[string]struct {
		gate string
		late time.Duration
		want RunVerdict
		why  string
	}{
		"p95 within the limit":                  {gate: "latency.check.p95 <= 7ms", want: Pass},
		"p95 over the limit":                    {gate: "latency.check.p95 <= 5ms", want: Fail, why: "6 ms, limit 5 ms"},
		"a p99 that no difference has":          {gate: "latency.check.p99 <= 1s", want: Inconclusive, why: "a derived check latency has p50 and p95 only"},
		"a late sender, which both sides carry": {gate: "latency.check.p95 <= 7ms", late: 2 * time.Millisecond, want: Inconclusive, why: "the sender is late: lag p95 2 ms is over 10 % of the limit"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newTarget(t, row.gate)
			for i := range int64(1200) {
				for _, o := range []Observation{probe(i, 9*time.Millisecond, 0), bare(i, 3*time.Millisecond, 0)} {
					o.Planned = o.Start - int64(row.late)
					r.Observe(o)
				}
			}
			got := finish(t, r, Run{Elapsed: time.Second}).Patterns[0].Gates[0]
			assert.True(t, got.Derived)
			assert.Equal(t, row.want, got.Verdict, got.Why)
			assert.Equal(t, row.why, got.Why)
		})
	}
}

func TestGatesOnWhatATargetDoesNotTell(t *testing.T) {
	r := newTarget(t, "latency.check.p95 <= 7ms", "authority_calls <= 100", "latency.response.p95 <= 1s")
	for i := range int64(300) {
		r.Observe(probe(i, 9*time.Millisecond, 0))
	}
	p := finish(t, r, Run{Elapsed: time.Second}).Patterns[0]
	assert.Nil(t, p.AuthorityCalls)
	assert.Nil(t, p.Phases[0].AuthorityCalls)
	assert.Nil(t, p.Timeline.AuthorityCalls)
	assert.Equal(t, []RunVerdict{Inconclusive, Inconclusive, Pass}, []RunVerdict{p.Gates[0].Verdict, p.Gates[1].Verdict, p.Gates[2].Verdict})
	assert.Equal(t, "0 requests, it takes 200", p.Gates[0].Why)
	assert.Equal(t, "what it asks of the authority is not known", p.Gates[1].Why)
	assert.False(t, p.Gates[0].Derived)
}

func TestReplicasBehindAGatewayAreCounted(t *testing.T) {
	r := newTarget(t)
	for i := range 70 {
		for range 1 + i%3 {
			o := probe(int64(i), time.Millisecond, 0)
			o.Replica = fmt.Sprintf("pod-%02d", i)
			r.Observe(o)
		}
	}
	r.Observe(probe(80, time.Millisecond, 0))
	aside := bare(81, time.Millisecond, 0)
	aside.Replica = "static"
	r.Observe(aside)
	report := finish(t, r, Run{Elapsed: time.Second})
	at := report.Patterns[0].Gateways[0]
	require.Len(t, at.Replicas, 64)
	assert.Equal(t, []Replica{{"pod-00", 1}, {"pod-01", 2}, {"pod-02", 3}}, at.Replicas[:3])
	sum := at.OtherReplicas
	for _, replica := range at.Replicas {
		sum += replica.Requests
	}
	assert.Equal(t, at.Requests.Sent-1, sum, "all but the one that told none")
	assert.Equal(t, 12, at.OtherReplicas)
	assert.Empty(t, report.Warnings)
}

func TestAGatewayThatNeverNamesItsReplicasIsWarnedAbout(t *testing.T) {
	says := "cache: gw-1 never told X-Served-By: which of its replicas were met is not known"
	silent, deaf := newTarget(t), newTarget(t)
	silent.Observe(probe(1, time.Millisecond, 0))
	assert.Contains(t, finish(t, silent, Run{}).Warnings, says)
	lost := probe(1, time.Millisecond, 0)
	lost.Verdict = token.Unavailable
	deaf.Observe(lost)
	assert.NotContains(t, finish(t, deaf, Run{}).Warnings, says, "nothing was decided there")
}

// lives is a token that is let in before its revocation and, every 100 ms until
// an instant after it, from then on refused.
func lives(ref token.Ref, sent, refused int64) []Event {
	events := append(controls(ref), revoked(ref, sent, sent+5))
	for at := sent - 500; at < sent+4000; at += 100 {
		v := token.Accept
		if at >= sent+refused {
			v = token.Reject
		}
		events = append(events, request(ref, at, at+1, v))
	}
	return events
}

func TestRevocationsThatRevokeNothingAreDoubted(t *testing.T) {
	const never = 60_000
	nothing := "cache: 2 revocations were acknowledged and no revoked token was ever refused: the revoke call revokes nothing, or the gateways do not ask"
	for name, row := range map[string]struct {
		events [][]Event
		change func(*PatternMeta)
		want   string
	}{
		"none is ever refused":  {events: [][]Event{lives("a", 10_000, never), lives("b", 11_000, never)}, want: nothing},
		"one is refused":        {events: [][]Event{lives("a", 10_000, never), lives("b", 11_000, 2000)}},
		"a reference pattern":   {events: [][]Event{lives("a", 10_000, never)}, change: func(p *PatternMeta) { p.Target = false }},
		"watched for too short": {events: [][]Event{lives("a", 10_000, never)}, change: func(p *PatternMeta) { p.Bound = time.Hour }, want: "cache: 1 revocation was acknowledged and no revoked token was ever refused: they were watched for 3.9 s only, and may live for 3600 s"},
		"no acknowledgement": {events: [][]Event{func() []Event {
			events := lives("a", 10_000, never)
			for i := range events {
				if events[i].Kind == KindRevoke {
					events[i].Status = 0
				}
			}
			return events
		}()}},
		"no answer after the revocation": {events: [][]Event{func() []Event {
			events := lives("a", 10_000, 0)
			for i := range events {
				if events[i].Verdict == token.Reject {
					events[i].Verdict, events[i].Reason = token.Unavailable, ""
				}
			}
			return events
		}()}},
	} {
		t.Run(name, func(t *testing.T) {
			var file bytes.Buffer
			meta := targetMeta()
			if row.change != nil {
				row.change(&meta.Patterns[0])
			}
			r, err := NewRecorder(meta, &file)
			require.NoError(t, err)
			for _, events := range row.events {
				feed(r, events)
			}
			live := finish(t, r, Run{Elapsed: 20 * time.Second})
			assert.True(t, live.Validity.OK)
			doubts := func(warnings []string) string {
				for _, w := range warnings {
					if bytes.Contains([]byte(w), []byte("ever refused")) {
						return w
					}
				}
				return ""
			}
			assert.Equal(t, row.want, doubts(live.Warnings))

			h, err := ReadHistory(&file, "history.ndjson")
			require.NoError(t, err)
			again, err := h.Check()
			require.NoError(t, err)
			assert.Equal(t, row.want, doubts(again.Warnings), "a history says the same")
			a, b := live.Patterns[0], again.Patterns[0]
			assert.Equal(t, a.Target, b.Target)
			assert.Equal(t, a.Notes, b.Notes)
			assert.Equal(t, a.Revoke, b.Revoke)
			assert.Equal(t, a.Safety, b.Safety)
		})
	}
}

func TestPairedSlicesTieByTheirSigns(t *testing.T) {
	zero, some := make([]float64, 8), []float64{1, 2, 3, 4, 5, 6, 7, 8}
	assert.True(t, tied(zero, zero), "a derived check may cost nothing")
	assert.False(t, tied(zero, some))
	assert.True(t, tied([]float64{-1, 1, -2, 2, -3, 3, -4, 4}, zero))
}
