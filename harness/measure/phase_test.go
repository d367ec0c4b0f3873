package measure

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/fixtures/token"
)

// broken is a run in three phases at three gateways, with 8 moments in each
// phase: each token is refused 300 ms after its revocation, but for what change does.
func broken(t *testing.T, change func(phase string, k int, requests []Event), gates ...string) *Report {
	t.Helper()
	meta := threePhases(gates...)
	r, err := NewRecorder(meta, nil)
	require.NoError(t, err)
	for n, phase := range meta.Phases {
		for k := range 8 {
			feed(r, revocation8(n, k, phase.Phase, change))
		}
	}
	return finish(t, r, Run{Elapsed: 30 * time.Second})
}

// threePhases is a run of before, during and after, 10 s each, at three gateways.
func threePhases(gates ...string) Meta {
	meta := testMeta(gates...)
	meta.Patterns[0].Gateways = []string{"gw-1", "gw-2", "gw-3"}
	meta.Phases = []PhaseMeta{{"before", 0, 10_000 * ms}, {"during", 10_000 * ms, 20_000 * ms}, {"after", 20_000 * ms, 30_000 * ms}}
	return meta
}

// revocation8 is the history of the token k of the phase n.
func revocation8(n, k int, phase string, change func(string, int, []Event)) []Event {
	ref := token.Ref(fmt.Sprintf("%s-%d", phase, k))
	sent := int64(n)*10_000 + 2000 + int64(k)*500
	call := revoked(ref, sent, sent+10)
	call.Phase, call.Moment = phase, 100*n+k+1
	requests := []Event{}
	for _, gateway := range []string{"gw-1", "gw-2", "gw-3"} {
		own := []Event{
			request(ref, sent-100, sent-99, token.Accept), twin(ref, sent-50, sent-49),
			request(ref, sent+200, sent+201, token.Accept), request(ref, sent+300, sent+301, token.Reject), twin(ref, sent+350, sent+351),
			request(ref, sent+1500, sent+1501, token.Reject),
		}
		for i := range own {
			own[i].Phase, own[i].Gateway = phase, gateway
		}
		requests = append(requests, own...)
	}
	if change != nil {
		change(phase, k, requests)
	}
	return append(requests, call)
}

func TestGatesOnPhasesAndGateways(t *testing.T) {
	// In the outage one token lives a second longer at gw-2, one has no answer there,
	// and a control of a third is refused at gw-3.
	change := func(phase string, k int, requests []Event) {
		if phase != "during" {
			return
		}
		for i := range requests {
			e := &requests[i]
			switch {
			case k == 3 && e.Gateway == "gw-2" && i%6 == 3:
				e.Verdict, e.Reason, e.Status = token.Accept, "", 200
				e.Start, e.End = e.Start+1000*ms, e.End+1000*ms
			case k == 5 && e.Gateway == "gw-2":
				e.Verdict, e.Reason, e.Status = token.Unavailable, "", 503
			case k == 6 && e.Gateway == "gw-3" && e.Class == token.Control:
				e.Verdict, e.Reason, e.Status = token.Reject, token.InvalidToken, 401
			}
		}
	}
	for expr, want := range map[string]RunVerdict{
		"revoke.fleet_upper.max{phase=before} <= 400ms":              Pass,
		"revoke.fleet_upper.max{phase=during} <= 400ms":              Fail,
		"revoke.upper.max{phase=during,gateway=gw-1} <= 400ms":       Pass,
		"revoke.upper.max{phase=during,gateway=gw-2} <= 400ms":       Fail,
		"revoke.upper.max{phase=during,gateway=gw-3} <= 400ms":       Inconclusive,
		"revoke.fleet_upper.p95{phase=before} <= 400ms":              Inconclusive,
		"revoke.tokens{phase=before} == 8":                           Pass,
		"revoke.moments{phase=during} == 8":                          Pass,
		"revoke.tokens{phase=during,gateway=gw-2} == 7":              Pass,
		"revoke.unprimed{phase=during} == 1":                         Pass,
		"revoke.unprimed{phase=after} == 0":                          Pass,
		"revoke.unknown == 0":                                        Fail,
		"revoke.unknown{phase=during,gateway=gw-3} == 1":             Pass,
		"revoke.unknown{gateway=gw-1} == 0":                          Pass,
		"revoke.censored{phase=during} == 0":                         Pass,
		"requests.unavailable_rate{gateway=gw-2,phase=during} > 0":   Pass,
		"requests.unavailable_rate{gateway=gw-1,phase=during} == 0":  Pass,
		"requests.unavailable_rate{phase=after} == 0":                Pass,
		"requests.unavailable{gateway=gw-2} == 6":                    Pass,
		"safety.false_rejects{gateway=gw-3} == 2":                    Pass,
		"safety.false_rejects{gateway=gw-2} == 0":                    Pass,
		"safety.false_rejects{gateway=gw-3,phase=before} == 0":       Pass,
		"safety.false_rejects{phase=during} == 0":                    Fail,
		"safety.false_accepts == 0":                                  Pass,
		"safety.stale_accepts{gateway=gw-1,phase=after} == 8":        Pass,
		"authority_calls{phase=during} == 0":                         Inconclusive, // nobody counted
		"fallbacks.fail_open{phase=during} == 0":                     Pass,
		"latency.response.p95{phase=during} <= 200ms":                Inconclusive,
		"requests.rate{phase=before,gateway=gw-1} == 4.8":            Pass,
		"revoke.resurrections{phase=during,gateway=gw-2} == 0":       Pass,
		"revoke.fleet_lower.max{phase=during} >= 1s":                 Pass,
		"cache.hits{phase=during} == 0":                              Inconclusive,
		"safety.stale_accepts{gateway=gw-2,phase=during} == 8":       Pass,
		"revoke.upper.max{gateway=gw-2,phase=during} <= 1301ms":      Inconclusive,
		"revoke.fleet_upper.max{phase=after,pattern=cache} <= 301ms": Pass,
	} {
		report := broken(t, change, expr)
		require.Len(t, report.Patterns[0].Gates, 1, expr)
		got := report.Patterns[0].Gates[0]
		assert.Equal(t, want, got.Verdict, "%s: %s", expr, got.Why)
		if want == Fail && (strings.Contains(expr, "max") || strings.Contains(expr, "false_rejects")) {
			require.NotNil(t, got.Witness, expr)
			assert.Equal(t, "during", got.Witness.Requests[len(got.Witness.Requests)-1].Phase, expr)
			assert.NotEqual(t, "gw-1", got.Witness.Gateway, expr)
		}
	}
}

// Scenarios of eight moments are judged by counts and maxima.
func TestEightMomentsDecideAMaximum(t *testing.T) {
	const expr = "revoke.fleet_upper.max{phase=during} <= 400ms"
	all := broken(t, nil, expr).Patterns[0].Gates[0]
	assert.Equal(t, Pass, all.Verdict, "all of them known and within")
	assert.Equal(t, 8, all.N)
	late := broken(t, func(phase string, k int, requests []Event) {
		// The worst of the run is in another phase, and must not be the witness.
		for i := range requests {
			if e := &requests[i]; e.Verdict == token.Accept && e.Class == token.Revoked && e.Gateway == "gw-2" && e.Start > (2100+int64(k)*500)*ms {
				switch {
				case phase == "during" && k == 2 && e.Start > (12_000+int64(k)*500)*ms:
					e.Start, e.End = e.Start+900*ms, e.End+900*ms
				case phase == "before" && k == 1:
					e.Start, e.End = e.Start+1200*ms, e.End+1200*ms
				}
			}
		}
	}, expr).Patterns[0].Gates[0]
	assert.Equal(t, Fail, late.Verdict, "one breach")
	assert.Equal(t, "1 of 8 moments over 400 ms", late.Why)
	require.NotNil(t, late.Witness)
	assert.Equal(t, Violation{Kind: OverLimit, Gateway: "gw-2", Token: "during-2", Requests: late.Witness.Requests}, *late.Witness)
	assert.Equal(t, 1100*ms, late.Witness.Requests[1].Start-late.Witness.Requests[0].Start)
	open := broken(t, func(phase string, k int, requests []Event) {
		for i := range requests {
			if e := &requests[i]; phase == "during" && k == 2 && e.Class == token.Control {
				e.Verdict = token.Unavailable
			}
		}
	}, expr).Patterns[0].Gates[0]
	assert.Equal(t, Inconclusive, open.Verdict, "one that is not known")
}

func TestAGateOnAPhaseThatTheRunDoesNotHaveIsBadInput(t *testing.T) {
	_, err := NewRecorder(threePhases("safety.false_accepts{phase=durin} == 0"), nil)
	assert.ErrorContains(t, err, `gate "safety.false_accepts{phase=durin} == 0": no phase durin in this run; near: during`)
	meta := threePhases("safety.false_accepts{phase=during} == 0")
	meta.Phases = nil
	_, err = NewRecorder(meta, nil)
	assert.ErrorContains(t, err, "no phase during in this run, it has none")
	g, err := ParseGate("safety.false_accepts{phase=later} == 0")
	require.NoError(t, err)
	assert.ErrorContains(t, Judge(broken(t, nil), []GateExpr{g}), "no phase later in this run; near: after")
}

func TestPhasesOfARunThatEndedEarlyAreCutOff(t *testing.T) {
	r, err := NewRecorder(threePhases("requests.rate{phase=after} >= 0", "requests.rate{phase=during} == 2"), nil)
	require.NoError(t, err)
	for i := range int64(10) {
		o := traffic(10_000+i*100, time.Millisecond, -1)
		o.Phase = "during"
		r.Observe(o)
	}
	p := finish(t, r, Run{Elapsed: 15 * time.Second, Stopped: "enough"}).Patterns[0]
	assert.Equal(t, [][2]float64{{0, 10_000}, {10_000, 15_000}, {15_000, 15_000}}, [][2]float64{
		{p.Phases[0].From, p.Phases[0].To}, {p.Phases[1].From, p.Phases[1].To}, {p.Phases[2].From, p.Phases[2].To},
	})
	assert.Equal(t, []RunVerdict{Inconclusive, Pass}, []RunVerdict{p.Gates[0].Verdict, p.Gates[1].Verdict})
}

func TestASavedReportIsJudgedByPhaseAndGatewayAlike(t *testing.T) {
	gates := []string{
		"revoke.upper.max{phase=during,gateway=gw-2} <= 400ms", "requests.sent{gateway=gw-1,phase=after} == 48", "recovery <= 1s",
		"safety.stale_accepts{phase=before} == 24", "revoke.unknown{phase=during} == 0", "fallbacks.step_up{phase=after} == 0",
	}
	report := broken(t, nil, gates...)
	report.Undo, report.Stopped = Undo{Injected: 2, Healed: 1, Left: []string{"exec proxy"}}, "unavailable_rate 0.83 > 0.5 for 5 s at 00:31"
	path := filepath.Join(t.TempDir(), "report.json")
	require.NoError(t, SaveReport(path, report))
	loaded, err := LoadReport(path)
	require.NoError(t, err)
	assert.Equal(t, report.Patterns[0].Phases, loaded.Patterns[0].Phases)
	assert.Equal(t, []any{report.Undo, report.Stopped}, []any{loaded.Undo, loaded.Stopped})
	var parsed []GateExpr
	for _, expr := range gates {
		g, err := ParseGate(expr)
		require.NoError(t, err)
		parsed = append(parsed, g)
	}
	require.NoError(t, Judge(loaded, parsed))
	assert.Equal(t, report.Patterns[0].Gates, loaded.Patterns[0].Gates)
	assert.Equal(t, Pass, loaded.Patterns[0].Gates[1].Verdict, loaded.Patterns[0].Gates[1].Why)
}

// What makes up the phases makes up the whole.
func TestPhasesAndGatewaysAddUp(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 0))
	meta := threePhases()
	r, err := NewRecorder(meta, nil)
	require.NoError(t, err)
	pick := func(words ...string) string { return words[rng.IntN(len(words))] }
	for range 3000 {
		o := traffic(rng.Int64N(30_000), time.Duration(rng.Int64N(int64(time.Second))), -1)
		o.Gateway, o.Cache, o.Cause = pick("gw-1", "gw-2", "gw-3", "gw-9"), pick(CacheHit, CacheMiss, ""), pick("", "", CauseFailOpen, CauseOffline)
		o.Phase = r.meta.Phases[o.Planned/(10_000*ms)].Phase
		o.Verdict = token.Verdict(pick("accept", "reject", "unavailable"))
		if o.Verdict == token.Reject {
			o.Reason = token.Reason(pick("invalid_token", "insufficient_user_authentication"))
		}
		r.Observe(o)
	}
	calls := []Reading{{At: 0, Count: 2}, {At: 9_900 * ms, Count: 30}, {At: 10_100 * ms, Count: 40}, {At: 20_000 * ms, Count: 70}, {At: 30_000 * ms, Count: 71}}
	p := finish(t, r, Run{Elapsed: 30 * time.Second, Authority: map[string][]Reading{"cache": calls}}).Patterns[0]
	var sum Phase
	fallbacks := map[string]int{}
	for _, phase := range p.Phases {
		sum.Requests.Sent += phase.Requests.Sent
		sum.Cache.Hits += phase.Cache.Hits
		sum.Cache.Misses += phase.Cache.Misses
		sum.Safety.merge(phase.Safety)
		sum.Latency.Hit.Count += phase.Latency.Hit.Count
		var gateways Safety
		sent := 0
		for _, at := range phase.Gateways {
			gateways.merge(at.Safety)
			sent += at.Requests.Sent
		}
		assert.Equal(t, phase.Safety, gateways)
		assert.Equal(t, phase.Requests.Sent, sent)
		for _, f := range phase.Fallbacks {
			fallbacks[f.Cause] += f.Count
		}
	}
	assert.Equal(t, 3000, sum.Requests.Sent)
	assert.Equal(t, p.Cache, sum.Cache)
	assert.Equal(t, p.Safety, sum.Safety)
	assert.Equal(t, []int64{30, 40, 1}, []int64{*p.Phases[0].AuthorityCalls, *p.Phases[1].AuthorityCalls, *p.Phases[2].AuthorityCalls})
	assert.EqualValues(t, 71, *p.AuthorityCalls)
	assert.Len(t, p.Gateways, 4, "a gateway that was not declared is listed, too")
	for _, cause := range []string{CauseFailOpen, CauseOffline, CauseStepUp} {
		g, err := ParseGate(fmt.Sprintf("fallbacks.%s == %d", cause, fallbacks[cause]))
		require.NoError(t, err)
		assert.Equal(t, Pass, g.Evaluate(&Report{}, &p).Verdict, cause)
		assert.Positive(t, fallbacks[cause], cause)
	}
}
