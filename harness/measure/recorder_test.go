package measure

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/fixtures/token"
)

// traffic is a request of the latency phase with a valid token that was let in:
// planned at ms, sent 1 ms late, answered after took, checked in a tenth of it.
func traffic(at int64, took time.Duration, slice int) Observation {
	return Observation{
		Event: Event{
			Pattern: "cache", Token: "t", Gateway: "gw-1", Class: token.Valid, Phase: LatencyPhase, Status: 200,
			Planned: at * ms, Start: (at + 1) * ms, End: (at+1)*ms + int64(took), Verdict: token.Accept, Expect: expectAccept,
		},
		Check: took / 10, Cache: CacheHit, Slice: slice,
	}
}

func newRecorder(t *testing.T, gates ...string) *Recorder {
	t.Helper()
	r, err := NewRecorder(testMeta(gates...), nil)
	require.NoError(t, err)
	return r
}

func finish(t *testing.T, r *Recorder, run Run) *Report {
	t.Helper()
	if run.Sender.Sent == 0 {
		run.Sender.Planned, run.Sender.Sent = 1, 1
	}
	report, err := r.Report(run)
	require.NoError(t, err)
	return report
}

// DESIGN section 3: latency figures cover requests that should be, and were, accepted.
func TestLatencyFiguresCoverRightAcceptsOfValidTokensOnly(t *testing.T) {
	r := newRecorder(t)
	for range 200 {
		r.Observe(traffic(10, 10*time.Millisecond, 0))
	}
	slow := func(change func(*Observation)) {
		o := traffic(10, 5*time.Second, 0)
		change(&o)
		r.Observe(o)
	}
	slow(func(o *Observation) { o.Verdict, o.Reason = token.Reject, token.InvalidToken })
	slow(func(o *Observation) { o.Verdict = token.Unavailable })
	slow(func(o *Observation) { o.Expect = expectReject })
	slow(func(o *Observation) { o.Class = token.Fuzzed })
	slow(func(o *Observation) { o.Class = token.Revoked })
	slow(func(o *Observation) { o.Phase = "revoke" })
	report := finish(t, r, Run{})
	l := report.Patterns[0].Latency
	assert.EqualValues(t, 200, l.Response.Count)
	assert.InEpsilon(t, 11, *l.Response.Max, 0.002, "planned send to last byte")
	assert.InEpsilon(t, 10, *l.Service.Max, 0.002, "send to last byte")
	assert.InEpsilon(t, 1, *l.Lag.Max, 0.002, "planned to actual send")
	assert.InEpsilon(t, 1, *l.Check.P99, 0.002)
	assert.InEpsilon(t, 1, *l.Hit.P50, 0.002)
	assert.Zero(t, l.Miss.Count)
	assert.Nil(t, l.Miss.P50)
	assert.EqualValues(t, 206, report.Sender.Lag.Count, "the lag of all requests")
	assert.Equal(t, 206, report.Patterns[0].Requests.Sent)
}

func TestQuantilesThatTheSampleCannotSupportAreNull(t *testing.T) {
	var samples []time.Duration
	for n, want := range map[int][]bool{0: {false, false, false, false}, 1: {false, false, false, true}, 19: {true, false, false, true}, 20: {true, true, false, true}, 99: {true, true, false, true}, 100: {true, true, true, true}} {
		samples = make([]time.Duration, n)
		d := Summarize(samples)
		assert.Equal(t, want, []bool{d.P50 != nil, d.P95 != nil, d.P99 != nil, d.Max != nil}, "%d samples", n)
	}
}

func TestDurationsOutOfRangeAreCountedAndWarnedAbout(t *testing.T) {
	r := newRecorder(t)
	r.Observe(traffic(10, 2*time.Minute, 0))
	early := traffic(10, time.Millisecond, 0)
	early.Start = early.Planned - 1000
	r.Observe(early)
	report := finish(t, r, Run{})
	assert.EqualValues(t, 2, report.Patterns[0].Latency.Response.Count)
	assert.InEpsilon(t, 60_000, *report.Patterns[0].Latency.Response.Max, 0.002)
	assert.Contains(t, report.Warnings, "cache: 2 durations over 60 s are recorded as 60 s")
}

func TestEventsOfUnknownPatternsAreWarnedAbout(t *testing.T) {
	r := newRecorder(t)
	o := traffic(1, time.Millisecond, 0)
	o.Pattern = "nobody"
	r.Observe(o)
	r.Revoked(Event{Pattern: "nobody"})
	r.Slice("nobody", 0, 0, 1)
	report := finish(t, r, Run{})
	assert.Contains(t, report.Warnings, "3 events name a pattern that the run does not have; they are not counted")
	assert.Zero(t, report.Patterns[0].Requests.Sent)
}

func TestNewRecorderRefusesWhatCannotBeJudged(t *testing.T) {
	for says, change := range map[string]func(*Meta){
		"unknown metric latency.chek.p95; near: latency.check.p95": func(m *Meta) { m.Gates = []string{"latency.chek.p95 <= 1ms"} },
		"no pattern cach in this run; near: cache":                 func(m *Meta) { m.Gates = []string{"revoke.upper.p95{pattern=cach} <= 1ms"} },
		"no gateway gw-9 in this run; near: gw-1":                  func(m *Meta) { m.Gates = []string{"revoke.upper.p95{gateway=gw-9} <= 1ms"} },
		"named twice": func(m *Meta) { m.Patterns = append(m.Patterns, m.Patterns[0]) },
		"no pattern":  func(m *Meta) { m.Patterns = nil },
	} {
		meta := testMeta()
		change(&meta)
		_, err := NewRecorder(meta, nil)
		assert.ErrorContains(t, err, says)
	}
}

type brokenWriter struct{ after int }

func (w *brokenWriter) Write(p []byte) (int, error) {
	if w.after--; w.after < 0 {
		return 0, errors.New("disk full")
	}
	return len(p), nil
}

func TestAHistoryThatCannotBeWrittenIsAnErrorAndTheReportStays(t *testing.T) {
	_, err := NewRecorder(testMeta(), &brokenWriter{})
	require.ErrorContains(t, err, "write history: disk full")
	r, err := NewRecorder(testMeta(), &brokenWriter{after: 1})
	require.NoError(t, err)
	r.Revoked(revoked("k", 1, 2))
	report, err := r.Report(Run{})
	require.ErrorContains(t, err, "disk full")
	assert.NotNil(t, report)
}

func TestMutationsAreCountedByName(t *testing.T) {
	r := newRecorder(t)
	send := func(name string, v token.Verdict, reason token.Reason) {
		o := traffic(1, time.Millisecond, -1)
		o.Class, o.Detail, o.Verdict, o.Reason, o.Expect = token.Fuzzed, name, v, reason, expectReject
		r.Observe(o)
	}
	r.Observe(traffic(1, time.Millisecond, -1))
	send("alg-none", token.Reject, token.InvalidToken)
	send("alg-none", token.Accept, "")
	send("alg-none", token.Unavailable, "")
	send("crit", token.Reject, token.OtherReason)
	p := finish(t, r, Run{}).Patterns[0]
	assert.Equal(t, []Mutation{
		{Mutation: "alg-none", Expect: expectReject, Sent: 3, Accepted: 1, Rejected: 1, Unavailable: 1, Wrong: 1},
		{Mutation: "crit", Expect: expectReject, Sent: 1, Rejected: 1, Wrong: 1},
	}, p.Mutations)
	assert.Equal(t, Safety{FalseAccepts: 1, FalseRejects: 1}, p.Safety)
	require.Len(t, p.Violations, 2)
	assert.Len(t, p.Violations[0].Requests, 2, "the last right accept at the gateway, and the wrong one")
	assert.Equal(t, token.Valid, p.Violations[0].Requests[0].Class)
}

func TestPhasesHoldTheirOwnFigures(t *testing.T) {
	r := newRecorder(t)
	r.Observe(traffic(10, time.Millisecond, 0))
	feed(r, []Event{revoked("k", 10_000, 10_010), request("k", 9_100, 9_101, token.Accept), request("k", 10_020, 10_021, token.Accept),
		request("k", 10_100, 10_101, token.Reject), request("k", 14_000, 14_001, token.Reject)})
	feed(r, controls("k"))
	p := finish(t, r, Run{Elapsed: 20 * time.Second}).Patterns[0]
	require.Len(t, p.Phases, 2)
	assert.Equal(t, 1, p.Phases[0].Requests.Sent)
	assert.Nil(t, p.Phases[0].Revoke)
	assert.Equal(t, 1, p.Phases[1].Safety.StaleAccepts)
	assert.Equal(t, 101.0, *p.Phases[1].Revoke.Max)
	assert.Equal(t, 45, p.Probes)
}

func TestTheTimelineIsBoundedAndLosesNothing(t *testing.T) {
	r := newRecorder(t)
	const hours = 2
	for at := int64(0); at < hours*3_600_000; at += 1000 {
		r.Observe(traffic(at, time.Millisecond, 0))
	}
	tl := finish(t, r, Run{Elapsed: hours * time.Hour, Authority: map[string][]Reading{"cache": {{At: 1000 * ms, Count: 5}, {At: hours * 3_600_000 * ms, Count: 12}}}}).Patterns[0].Timeline
	assert.LessOrEqual(t, len(tl.ResponseP95), mostSteps)
	assert.GreaterOrEqual(t, tl.Step*float64(len(tl.ResponseP95)), float64(hours*3_600_000))
	require.Len(t, tl.Lanes, 1)
	sum := 0
	for _, n := range tl.Lanes[0].Accepted {
		sum += n
	}
	assert.Equal(t, hours*3600, sum)
	assert.EqualValues(t, 5, tl.AuthorityCalls[0])
	assert.EqualValues(t, 7, tl.AuthorityCalls[len(tl.AuthorityCalls)-1])
}

func TestFaultsCarryTheLatestWord(t *testing.T) {
	r := newRecorder(t)
	r.Fault(Event{Fault: "link.cut", Start: 5 * ms, Detail: FaultLanded, Met: 2})
	r.Fault(Event{Fault: "link.cut", Start: 5 * ms, End: 9 * ms, Detail: FaultLanded + " " + FaultHealed, Met: 3, Clear: 4})
	r.Fault(Event{Fault: "link.cut", Start: 20 * ms, End: 21 * ms})
	assert.Equal(t, []Fault{
		{Name: "link.cut", From: 5, To: 9, Landed: true, Healed: true, Met: 3, Clear: 4},
		{Name: "link.cut", From: 20, To: 21, Unknown: "met no traffic: what it would have done is unknown"},
	}, finish(t, r, Run{}).Faults)
}

func TestARunThatWasNotSentIsNotValid(t *testing.T) {
	for _, row := range []struct {
		planned, sent int
		ok            bool
	}{{100, 95, true}, {100, 94, false}, {100, 0, false}, {0, 0, false}, {0, 1, true}} {
		v := validity(invalid(&Sender{Planned: row.planned, Sent: row.sent}, nil), nil)
		assert.Equal(t, row.ok, v.OK, "%d of %d", row.sent, row.planned)
		assert.Equal(t, row.ok, len(v.Reasons) == 0)
	}
	assert.False(t, validity(invalid(&Sender{Planned: 1, Sent: 1}, []string{"clock went back"}), nil).OK)
}

func TestObserveIsSafeFromManyGoroutines(t *testing.T) {
	var file bytes.Buffer
	r, err := NewRecorder(testMeta(), &file)
	require.NoError(t, err)
	var wg sync.WaitGroup
	for g := range 50 {
		wg.Go(func() {
			for i := range int64(200) {
				r.Observe(traffic(i, time.Millisecond, g%6))
				e := request(token.Ref(fmt.Sprint("k", g)), i, i+1, token.Accept)
				r.Observe(Observation{Event: e, Check: -1, Slice: -1, Probe: true})
			}
			r.Revoked(revoked(token.Ref(fmt.Sprint("k", g)), 100, 101))
		})
	}
	wg.Wait()
	p := finish(t, r, Run{}).Patterns[0]
	assert.Equal(t, 20_000, p.Requests.Sent)
	assert.Equal(t, 10_000, p.Probes)
	assert.Equal(t, 50, p.Revoke.Tokens)
	h, err := ReadHistory(&file, "history.ndjson")
	require.NoError(t, err)
	assert.Len(t, h.Events, 10_050)
}

// Memory stays flat in the number of requests.
func TestObservingTrafficKeepsNothing(t *testing.T) {
	r := newRecorder(t)
	o := traffic(1, time.Millisecond, 0)
	assert.Zero(t, testing.AllocsPerRun(1000, func() { r.Observe(o) }))
}

func BenchmarkObserve(b *testing.B) {
	r, err := NewRecorder(testMeta(), nil)
	require.NoError(b, err)
	o := traffic(1, time.Millisecond, 0)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		o.Start = int64(i%60_000) * ms
		o.Planned = o.Start - int64(i*7919%1_000_003)
		o.End = o.Start + int64(i*104729%5_000_011)
		o.Check = time.Duration(i * 31 % 100_003)
		r.Observe(o)
	}
}
