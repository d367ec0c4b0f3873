package measure

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseGate(t *testing.T) {
	for expr, want := range map[string]struct {
		metric, pattern, gateway, phase, op string
		limit                               float64
	}{
		"latency.check.p95 <= 75ms":                             {"latency.check.p95", "", "", "", "<=", 75},
		"latency.check.p95<75us":                                {"latency.check.p95", "", "", "", "<", 0.075},
		"  revoke.fleet_upper.p95{pattern=cache} <= 5s ":        {"revoke.fleet_upper.p95", "cache", "", "", "<=", 5000},
		`revoke.upper.max{pattern="cache", gateway=gw-1} <= 1m`: {"revoke.upper.max", "cache", "gw-1", "", "<=", 60_000},
		"revoke.lower.p50 > 0.5h":                               {"revoke.lower.p50", "", "", "", ">", 1_800_000},
		"safety.false_accepts{} == 0":                           {"safety.false_accepts", "", "", "", "==", 0},
		"safety.false_rejects{phase=fault} != 3":                {"safety.false_rejects", "", "", "fault", "!=", 3},
		"requests.unavailable_rate <= 1%":                       {"requests.unavailable_rate", "", "", "", "<=", 0.01},
		"requests.unavailable_rate <= .01":                      {"requests.unavailable_rate", "", "", "", "<=", 0.01},
		"requests.rate >= 800/s":                                {"requests.rate", "", "", "", ">=", 800},
		"latency.lag.p99 <= 0":                                  {"latency.lag.p99", "", "", "", "<=", 0},
	} {
		g, err := ParseGate(expr)
		require.NoError(t, err, expr)
		got := want
		got.metric, got.pattern, got.gateway, got.phase, got.op, got.limit = g.Metric.Name, g.Pattern, g.Gateway, g.Phase, g.Op, g.Limit
		assert.Equal(t, want, got, expr)
		assert.Equal(t, strings.TrimSpace(expr), g.Expr)
	}
}

func TestParseGateRefuses(t *testing.T) {
	for expr, says := range map[string]string{
		"":                                          "want METRIC",
		"latency.check.p95":                         "want METRIC",
		"latency.check.p95 <= -1ms":                 "want METRIC",
		"latency.check.p95 <= 1e999ms":              "want METRIC",
		"latency.check.p95 => 1ms":                  "want METRIC",
		"latency.check.p95 <= 1ms and more":         "want METRIC",
		"latency.p95 <= 1ms":                        "unknown metric latency.p95; near: latency.",
		"revoke.fleet_uper.p95 <= 1s":               "near: revoke.fleet_upper.p95",
		"safety.false_accept == 0":                  "near: safety.false_accepts",
		"latency.check.p95 <= 75":                   "needs a unit: us, ms, s, m or h",
		"latency.check.p95 <= 75%":                  "is in ms: it cannot be limited in %",
		"safety.false_accepts == 0s":                "is a count: it takes no unit",
		"latency.check.p95 == 1ms":                  "a quantile is never exactly a value",
		"latency.check.p95{gateway=a} < 1ms":        "latency.check.p95 has no label gateway; it takes pattern, phase",
		"probes{phase=x} > 1":                       "probes has no label phase; it takes pattern",
		"probes{pattern=a,pattern=b} > 1":           "label pattern is given twice",
		"probes{pattern} > 1":                       `label "pattern": want name=value`,
		"probes{pattern=a,} > 1":                    `label "": want name=value`,
		"revoke.upper.p95 <= 99999999999999999999h": "out of range",
		strings.Repeat("x", 600):                    "gate of 600 bytes is too long",
	} {
		_, err := ParseGate(expr)
		assert.ErrorContains(t, err, says, expr)
	}
}

func FuzzParseGate(f *testing.F) {
	for _, seed := range []string{"latency.check.p95 <= 75ms", "revoke.upper.max{pattern=cache,gateway=gw-1} < 1.5h", "requests.unavailable_rate <= 1%", "{}<=", "a{=}<=1"} {
		f.Add(seed)
	}
	r := withIntervals(3, 1, 1, 1)
	f.Fuzz(func(t *testing.T, expr string) {
		g, err := ParseGate(expr)
		if err != nil {
			return
		}
		again, err := ParseGate(g.Expr)
		require.NoError(t, err)
		assert.Equal(t, g.Limit, again.Limit)
		assert.False(t, math.IsInf(g.Limit, 0) || g.Limit < 0)
		assert.Contains(t, []RunVerdict{Pass, Fail, Inconclusive}, g.Evaluate(r, &r.Patterns[0]).Verdict)
	})
}
