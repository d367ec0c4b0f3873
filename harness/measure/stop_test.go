package measure

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseStop(t *testing.T) {
	for expr, want := range map[string]StopExpr{
		"requests.unavailable_rate > 0.5 for 5s":                   {For: 5 * time.Second},
		"requests.unavailable_rate{pattern=cache} > 50% for 2 s":   {Pattern: "cache", For: 2 * time.Second},
		" safety.false_accepts > 10 ":                              {},
		"safety.false_rejects{gateway=gw-1, pattern=cache} >= 1":   {Pattern: "cache", Gateway: "gw-1"},
		"requests.rate < 10/s for 1.5m":                            {For: 90 * time.Second},
		"requests.unavailable>100  for  100ms":                     {For: 100 * time.Millisecond},
		"requests.unavailable_rate{gateway=for} == 1 for 1h":       {Gateway: "for", For: time.Hour},
		"requests.unavailable_rate{pattern=cache} > 0.5 for 500ms": {Pattern: "cache", For: 500 * time.Millisecond},
	} {
		s, err := ParseStop(expr)
		require.NoError(t, err, expr)
		assert.Equal(t, strings.TrimSpace(expr), s.Expr)
		assert.Equal(t, []any{want.Pattern, want.Gateway, want.For}, []any{s.Pattern, s.Gateway, s.For}, expr)
	}
}

func TestParseStopRefuses(t *testing.T) {
	for expr, says := range map[string]string{
		"":                                      `stop condition "": want METRIC`,
		"requests.unavailable_rate > 0.5 for":   "want METRIC",
		"requests.unavailable_rate > 0.5 for 5": "want METRIC",
		"requests.unavailable_rate > 0.5 for -5s":        "want METRIC",
		"requests.unavailable_rate > 0.5 for 5s for 5s":  "want METRIC",
		"requests.unavailable_rate > 0.5 during 5s":      "want METRIC",
		"requests.unavailable_rate > 0.5 for 0s":         "for 0s is out of range, want 100ms to 1h",
		"requests.unavailable_rate > 0.5 for 99ms":       "out of range",
		"requests.unavailable_rate > 0.5 for 61m":        "out of range",
		"requests.unavailable_rate > 5ms":                "is in share: it cannot be limited in ms",
		"requests.unavailable_rat > 0.5":                 "unknown metric requests.unavailable_rat; near: requests.unavailable_rate",
		"latency.response.p95 > 1s for 5s":               "latency.response.p95 is not known while the run goes on; known are requests.sent, requests.accepted,",
		"safety.stale_accepts > 1":                       "is not known while the run goes on",
		"revoke.fleet_upper.max > 5s":                    "is not known while the run goes on",
		"requests.unavailable_rate{phase=during} > 0.5":  "takes no label phase, only pattern and gateway",
		"requests.unavailable_rate{zone=a} > 0.5 for 1s": "has no label zone",
		strings.Repeat("x", 600):                         "600 bytes is too long",
		"requests.sent > 1\nfor 5s\nfor 5s":              "want it on one line",
		`requests.rejected{pattern="a for 5s"} > 1`:      `label "pattern=\"a for 5s\"": want name=value`,
	} {
		_, err := ParseStop(expr)
		assert.ErrorContains(t, err, says, expr)
		if err != nil {
			assert.Less(t, len(err.Error()), 800)
		}
	}
	var names []string
	for _, m := range StopMetrics() {
		names = append(names, m.Name)
	}
	assert.Equal(t, []string{
		"requests.sent", "requests.accepted", "requests.rejected", "requests.unavailable", "requests.unavailable_rate", "requests.rate",
		"safety.false_accepts", "safety.false_rejects",
	}, names)
}

func FuzzParseStop(f *testing.F) {
	for _, seed := range []string{"requests.unavailable_rate > 0.5 for 5s", "safety.false_accepts{pattern=cache} > 10", "requests.rate<1/s for 1.5m", "for 5s", "a for 1s for 1s"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, expr string) {
		s, err := ParseStop(expr)
		if err != nil {
			return
		}
		again, err := ParseStop(s.Expr)
		require.NoError(t, err)
		assert.Equal(t, s.limit.Limit, again.limit.Limit)
		assert.Equal(t, s.For, again.For)
		assert.True(t, s.For == 0 || shortestFor <= s.For && s.For <= longestFor)
		assert.NotNil(t, s.Metric.live)
		assert.True(t, strings.HasPrefix(s.Metric.Name, "requests.") || strings.HasPrefix(s.Metric.Name, "safety."))
	})
}
