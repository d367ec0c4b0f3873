package measure

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/fixtures/token"
)

func TestGatesTellThePlannerWhereToProbe(t *testing.T) {
	limit := func(expr string) (time.Duration, bool) {
		g, err := ParseGate(expr)
		require.NoError(t, err)
		return g.RevokeLimit()
	}
	d, ok := limit("revoke.fleet_upper.p95 <= 2.5s")
	assert.True(t, ok)
	assert.Equal(t, 2500*time.Millisecond, d)
	for _, expr := range []string{"latency.check.p95 <= 2s", "revoke.watched >= 2s", "revoke.tokens >= 59", "revoke.upper.max <= 0"} {
		_, ok = limit(expr)
		assert.False(t, ok, expr)
	}
	g, err := ParseGate("revoke.fleet_upper.p95{pattern=cache} <= 2s")
	require.NoError(t, err)
	assert.True(t, g.Applies("cache"))
	assert.False(t, g.Applies("remote"))
}

// withIntervals is a report with so many moments that are fine (1 to 2 s),
// breaches (6 to 7 s) and open (4 to 6 s, or without an upper bound) against 5 s.
func withIntervals(fine, breaches, open, endless int) *Report {
	p := Pattern{Pattern: "cache"}
	add := func(n int, lower, upper float64) {
		for range n {
			k := len(p.Revoke.Fleet) + 1
			p.Revoke.Fleet = append(p.Revoke.Fleet, ival(token.Ref(fmt.Sprint("t-", k)), k, lower, upper))
		}
	}
	add(fine, 1000, 2000)
	add(breaches, 6000, 7000)
	add(open, 4000, 6000)
	add(endless, 4880, math.Inf(1))
	p.Revoke.Gateways = []GatewayRevoke{{Gateway: "gw-1", Intervals: p.Revoke.Fleet}}
	return &Report{Patterns: []Pattern{p}, Validity: Validity{OK: true}}
}

// DESIGN section 4: pass, fail or inconclusive by the exact binomial bound.
func TestGatesOnTimeToRevoke(t *testing.T) {
	for _, row := range []struct {
		says   string
		expr   string
		report *Report
		want   RunVerdict
		why    string
	}{
		{"59 fine moments pass p95", "revoke.fleet_upper.p95 <= 5s", withIntervals(59, 0, 0, 0), Pass, ""},
		{"58 are too few", "revoke.fleet_upper.p95 <= 5s", withIntervals(58, 0, 0, 0), Inconclusive, "58 moments, 0 over and 0 open; try --tokens 59"},
		{"4 breaches of 181 pass", "revoke.fleet_upper.p95 <= 5s", withIntervals(177, 4, 0, 0), Pass, ""},
		{"5 breaches of 181 do not", "revoke.fleet_upper.p95 <= 5s", withIntervals(176, 5, 0, 0), Inconclusive, "181 moments, 5 over and 0 open; try --tokens 286"},
		{"7 breaches of 59 fail", "revoke.fleet_upper.p95 <= 5s", withIntervals(52, 7, 0, 0), Fail, "7 of 59 moments over 5 s"},
		{"an open moment counts against a pass", "revoke.fleet_upper.p95 <= 5s", withIntervals(58, 0, 1, 0), Inconclusive, "59 moments, 0 over and 1 open; try --tokens 153"},
		{"and for the accused against a fail", "revoke.fleet_upper.p95 <= 5s", withIntervals(52, 6, 1, 0), Inconclusive, ""},
		{"a straddling quantile says so", "revoke.fleet_upper.p95 <= 5s", withIntervals(50, 0, 9, 0), Inconclusive, "4 to 6 s straddles 5 s; more tokens alone would not decide it"},
		{"a quantile without an upper bound says so", "revoke.fleet_upper.p95 <= 5s", withIntervals(50, 0, 0, 9), Inconclusive, "over 4.88 s, without an upper bound; more tokens alone would not decide it"},
		{"the lower bound's name asks the same question", "revoke.fleet_lower.p95 <= 5s", withIntervals(58, 0, 1, 0), Inconclusive, "59 moments, 0 over and 1 open; try --tokens 153"},
		{"p99 takes 299", "revoke.fleet_upper.p99 <= 5s", withIntervals(298, 0, 0, 0), Inconclusive, "298 moments, 0 over and 0 open; try --tokens 299"},
		{"one breach fails the maximum", "revoke.fleet_upper.max <= 5s", withIntervals(58, 1, 0, 0), Fail, "1 of 59 moments over 5 s"},
		{"one open moment leaves the maximum open", "revoke.fleet_upper.max <= 5s", withIntervals(58, 0, 1, 0), Inconclusive, "4 to 6 s straddles 5 s"},
		{"all fine pass the maximum, however few", "revoke.fleet_upper.max <= 5s", withIntervals(1, 0, 0, 0), Pass, ""},
		{"no moment is never a pass", "revoke.fleet_upper.max <= 5s", withIntervals(0, 0, 0, 0), Inconclusive, "no revocation was measured"},
		{"nor for the contrary", "revoke.fleet_upper.max >= 5s", withIntervals(0, 0, 0, 0), Inconclusive, "no revocation was measured"},
		{"a limit from below is the contrary", "revoke.fleet_lower.p50 >= 5s", withIntervals(0, 5, 0, 0), Pass, ""},
		{"that fine moments fail", "revoke.fleet_lower.p50 >= 5s", withIntervals(5, 0, 0, 0), Fail, "5 moments, 0 over and 0 open"},
		{"a maximum from below is proven by one breach", "revoke.fleet_lower.max >= 5s", withIntervals(9, 1, 0, 0), Pass, ""},
		{"at the limit is within", "revoke.fleet_upper.max <= 2s", withIntervals(1, 0, 0, 0), Pass, ""},
		{"but not under it", "revoke.fleet_upper.max < 2s", withIntervals(1, 0, 0, 0), Inconclusive, "1 moment, 0 over and 1 open"},
		{"each gateway must keep a limit without a fleet", "revoke.upper.max <= 5s", withIntervals(9, 1, 0, 0), Fail, "1 of 10 moments over 5 s"},
	} {
		t.Run(row.says, func(t *testing.T) {
			g, err := ParseGate(row.expr)
			require.NoError(t, err)
			got := g.Evaluate(row.report, &row.report.Patterns[0])
			assert.Equal(t, row.want, got.Verdict, got.Why)
			assert.Equal(t, len(row.report.Patterns[0].Revoke.Fleet), got.N)
			if row.why != "" || row.want == Pass {
				assert.Equal(t, row.why, got.Why)
			}
		})
	}
}

func TestAWorseGatewayDecidesAGateWithoutAGatewayLabel(t *testing.T) {
	r := withIntervals(59, 0, 0, 0)
	bad := withIntervals(0, 59, 0, 0).Patterns[0].Revoke.Gateways[0]
	bad.Gateway = "gw-2"
	bad.Worst = []Event{revoked("t-1", 10_000, 10_010), request("t-1", 16_000, 16_001, token.Accept)}
	p := &r.Patterns[0]
	p.Revoke.Gateways = append(p.Revoke.Gateways, bad)
	for expr, want := range map[string]RunVerdict{
		"revoke.upper.p95 <= 5s":               Fail,
		"revoke.upper.p95{gateway=gw-1} <= 5s": Pass,
		"revoke.upper.p95{gateway=gw-2} <= 5s": Fail,
	} {
		g, err := ParseGate(expr)
		require.NoError(t, err)
		got := g.Evaluate(r, p)
		assert.Equal(t, want, got.Verdict, expr)
		assert.Equal(t, 59, got.N)
		if want == Fail {
			require.NotNil(t, got.Witness, expr)
			assert.Equal(t, Violation{Kind: OverLimit, Gateway: "gw-2", Token: "t-1", Requests: bad.Worst}, *got.Witness)
		}
	}
}

func TestAPhaseLabelTakesTheTokensRevokedInIt(t *testing.T) {
	r := withIntervals(3, 2, 0, 0)
	p := &r.Patterns[0]
	for i := range p.Revoke.Fleet {
		p.Revoke.Fleet[i].Phase = []string{"before", "before", "before", "fault", "fault"}[i]
	}
	p.Phases = []Phase{{Phase: "before"}, {Phase: "fault"}}
	for expr, want := range map[string]RunVerdict{
		"revoke.fleet_upper.max{phase=before} <= 5s": Pass,
		"revoke.fleet_upper.max{phase=fault} <= 5s":  Fail,
		"revoke.fleet_upper.max{phase=after} <= 5s":  Inconclusive,
	} {
		g, err := ParseGate(expr)
		require.NoError(t, err)
		assert.Equal(t, want, g.Evaluate(r, p).Verdict, expr)
	}
}

// DESIGN section 5: a late sender measures itself, but not the gateway's check.
func TestGatesOnLatency(t *testing.T) {
	dist := func(count int64, v float64) Dist { return Dist{Count: count, P50: &v, P95: &v, P99: &v, Max: &v} }
	for _, row := range []struct {
		says string
		expr string
		n    int64
		lag  float64
		bad  bool
		want RunVerdict
		why  string
	}{
		{says: "within the limit", expr: "latency.response.p95 <= 100ms", n: 200, lag: 10, want: Pass},
		{says: "over the limit", expr: "latency.response.p95 <= 50ms", n: 200, lag: 1, want: Fail, why: "80 ms, limit 50 ms"},
		{says: "a late sender leaves response open", expr: "latency.response.p95 <= 100ms", n: 200, lag: 10.1, want: Inconclusive, why: "the sender is late: lag p95 10.1 ms is over 10 % of the limit"},
		{says: "and service", expr: "latency.service.p50 <= 100ms", n: 200, lag: 10.1, want: Inconclusive},
		{says: "but not check", expr: "latency.check.p95 <= 100ms", n: 200, lag: 99, want: Pass},
		{says: "nor lag itself", expr: "latency.lag.p95 <= 100ms", n: 200, lag: 99, want: Pass},
		{says: "199 requests have under 10 beyond p95", expr: "latency.check.p95 <= 100ms", n: 199, want: Inconclusive, why: "199 requests, it takes 200"},
		{says: "p99 takes 1000", expr: "latency.check.p99 <= 100ms", n: 999, want: Inconclusive, why: "999 requests, it takes 1000"},
		{says: "p50 takes 20", expr: "latency.check.p50 <= 100ms", n: 20, want: Pass},
		{says: "too few cannot fail either", expr: "latency.check.p95 <= 1ms", n: 199, want: Inconclusive},
		{says: "a maximum takes one", expr: "latency.check.max <= 100ms", n: 1, want: Pass},
		{says: "no request is never a pass", expr: "latency.check.max <= 100ms", n: 0, want: Inconclusive, why: "0 requests, it takes 1"},
		{says: "an invalid run proves no latency", expr: "latency.check.p95 <= 100ms", n: 200, bad: true, want: Inconclusive, why: "the run is not valid: too few"},
		{says: "from below", expr: "latency.check.p95 >= 75ms", n: 200, want: Pass},
	} {
		t.Run(row.says, func(t *testing.T) {
			d := dist(row.n, 80)
			if row.n == 0 {
				d = Dist{}
			}
			r := &Report{Validity: Validity{OK: !row.bad, Reasons: []string{"too few"}}, Patterns: []Pattern{{
				Latency: Latency{Response: d, Service: d, Check: d, Lag: dist(row.n, row.lag)},
			}}}
			g, err := ParseGate(row.expr)
			require.NoError(t, err)
			got := g.Evaluate(r, &r.Patterns[0])
			assert.Equal(t, row.want, got.Verdict, got.Why)
			if row.why != "" {
				assert.Equal(t, row.why, got.Why)
			}
		})
	}
}

func TestGatesOnCounts(t *testing.T) {
	rate := 0.02
	p := Pattern{
		Requests: Requests{Sent: 100, Accepted: 90, Rejected: 8, Unavailable: 2, UnavailableRate: &rate},
		Safety:   Safety{FalseAccepts: 1},

		AuthorityCalls: new(int64(0)),
		Violations:     []Violation{{Kind: FalseReject, Requests: []Event{{}}}, {Kind: FalseAccept, Gateway: "gw-2", Requests: []Event{{}}}},
		Revoke:         withIntervals(3, 0, 0, 0).Patterns[0].Revoke,
		Phases:         []Phase{{Phase: "empty"}},
	}
	p.Revoke.Moments = 3
	r := &Report{Elapsed: 50_000, Validity: Validity{OK: true}, Patterns: []Pattern{p}}
	for expr, want := range map[string]RunVerdict{
		"safety.false_accepts == 0":              Fail,
		"safety.false_rejects == 0":              Pass,
		"safety.false_rejects{phase=empty} == 0": Inconclusive,
		"requests.unavailable_rate <= 2%":        Pass,
		"requests.unavailable_rate < 2%":         Fail,
		"requests.rate == 2/s":                   Pass,
		"revoke.resurrections == 0":              Pass,
		"revoke.moments >= 59":                   Fail,
		"revoke.in_flight_overrun <= 1ms":        Pass,
		"cache.hits >= 0":                        Inconclusive,
		"authority_calls != 1":                   Pass,
		"authority_calls{phase=empty} != 1":      Inconclusive,
	} {
		g, err := ParseGate(expr)
		require.NoError(t, err)
		got := g.Evaluate(r, &r.Patterns[0])
		assert.Equal(t, want, got.Verdict, "%s: %s", expr, got.Why)
		if expr == "safety.false_accepts == 0" {
			require.NotNil(t, got.Witness)
			assert.Equal(t, "gw-2", got.Witness.Gateway)
		}
	}
}

// No samples is never a pass, whatever the metric.
func TestAnEmptyReportPassesNoGate(t *testing.T) {
	r := &Report{Validity: Validity{OK: true}, Patterns: []Pattern{{
		Pattern: "cache", Phases: []Phase{{Phase: "during"}}, Revoke: Revoke{Gateways: []GatewayRevoke{{Gateway: "gw-1"}}},
	}}}
	labels := map[string]string{"phase": "phase=during", "gateway": "gateway=gw-1"}
	zero := map[string]string{"ms": "0", "count": "0", "share": "0", "/s": "0"}
	for _, m := range Metrics() {
		assert.NotEmpty(t, m.Doc, m.Name)
		scopes := []string{""}
		for _, l := range m.Labels {
			scopes = append(scopes, "{"+labels[l]+"}")
		}
		if len(m.Labels) == 2 {
			scopes = append(scopes, "{phase=during,gateway=gw-1}")
		}
		for _, op := range []string{"<=", ">="} {
			for _, scope := range scopes {
				g, err := ParseGate(m.Name + scope + op + zero[m.Unit])
				require.NoError(t, err)
				assert.Equal(t, Inconclusive, g.Evaluate(r, &r.Patterns[0]).Verdict, g.Expr)
			}
		}
	}
}

func TestTheVerdictOfARun(t *testing.T) {
	pass, fail, open := "safety.false_rejects == 0", "safety.false_accepts == 0", "cache.hits >= 1"
	for _, row := range []struct {
		says  string
		gates []string
		ended RunVerdict
		valid bool
		want  RunVerdict
	}{
		{"all gates pass", []string{pass, pass}, "", true, Pass},
		{"any fail is a fail", []string{pass, open, fail, pass}, "", true, Fail},
		{"any open gate is inconclusive", []string{pass, open, pass}, "", true, Inconclusive},
		{"an invalid run is inconclusive", []string{pass}, "", false, Inconclusive},
		{"an invalid run can still fail", []string{fail}, "", false, Fail},
		{"a stopped run stays stopped", []string{fail}, Stopped, true, Stopped},
		{"an interrupted run stays interrupted", []string{pass}, Interrupted, true, Interrupted},
	} {
		r := &Report{Verdict: row.ended, Validity: Validity{OK: row.valid}, Patterns: []Pattern{
			{Pattern: "a", Requests: Requests{Accepted: 1}, Safety: Safety{FalseAccepts: 1}},
			{Pattern: "b", Requests: Requests{Accepted: 1}, Safety: Safety{FalseAccepts: 1}},
		}}
		var gates []GateExpr
		for _, expr := range row.gates {
			g, err := ParseGate(expr)
			require.NoError(t, err)
			gates = append(gates, g)
		}
		require.NoError(t, Judge(r, gates), row.says)
		assert.Equal(t, row.want, r.Verdict, row.says)
		for _, p := range r.Patterns {
			assert.Len(t, p.Gates, len(row.gates), "a gate without a pattern label applies to every one")
		}
	}
}
