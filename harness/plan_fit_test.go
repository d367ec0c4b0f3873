package harness

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/fixtures/traffic"
	"github.com/tokendrill/tokendrill/scenarios"
)

// targetOf is a target with so many gateways.
func targetOf(t *testing.T, name string, gateways int, bound time.Duration, limits scenarios.Limits) *scenarios.Target {
	t.Helper()
	yaml := fmt.Sprintf("name: %s\nbound: %v\nauthority: {token_endpoint: \"http://127.0.0.1:1/token\", revocation_endpoint: \"http://127.0.0.1:1/revoke\", client: {id: x, secret_env: X}}\nprobe: {path: /p}\ngateways:\n", name, bound)
	for i := range gateways {
		yaml += fmt.Sprintf("  - {name: g-%d, url: \"http://127.0.0.1:%d\"}\n", i+1, 9000+i)
	}
	target, err := scenarios.ParseTarget([]byte(yaml), "target.yaml")
	require.NoError(t, err)
	target.Limits = limits
	return target
}

func TestAPlanFitsTheLimitsOfItsTargets(t *testing.T) {
	rec, err := traffic.Probe()
	require.NoError(t, err)
	rows := []struct {
		name     string
		gateways int
		bound    time.Duration
		limits   scenarios.Limits
		moments  int // at least
	}{
		{"the usual limits take all revocations", 3, 10 * time.Second, scenarios.Limits{Rate: 100, Tokens: 500, Duration: 10 * time.Minute}, 64},
		{"a low rate takes fewer", 3, 10 * time.Second, scenarios.Limits{Rate: 20, Tokens: 500, Duration: 10 * time.Minute}, 10},
		{"a short time takes fewer", 1, 2 * time.Second, scenarios.Limits{Rate: 50, Tokens: 500, Duration: time.Minute}, 10},
		{"few tokens are all used", 2, time.Second, scenarios.Limits{Rate: 200, Tokens: 40, Duration: 10 * time.Minute}, 10},
		{"one gateway that is fast needs little", 1, 200 * time.Millisecond, scenarios.Limits{Rate: 1000, Tokens: 500, Duration: time.Minute}, 64},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			target := targetOf(t, "own", row.gateways, row.bound, row.limits)
			sc, err := scenarios.Own(scenarios.Given{Targets: []*scenarios.Target{target}})
			require.NoError(t, err)
			p, err := NewPlan(sc, rec, 7)
			require.NoError(t, err)
			c := p.Cost()
			t.Logf("%+v, %v, rate %v every %v rounds %d", c, p.Duration(), p.Scenario.Traffic.Rate, p.Scenario.Revoke.Every, p.Scenario.Traffic.Rounds)
			assert.LessOrEqual(t, float64(c.Peak), float64(row.limits.Rate), "in any second")
			assert.LessOrEqual(t, c.Tokens+fitSpare, row.limits.Tokens)
			assert.LessOrEqual(t, p.Duration(), row.limits.Duration)
			assert.GreaterOrEqual(t, c.Moments, row.moments)
			assert.LessOrEqual(t, c.Spread(row.bound), row.bound/5, "a tenth of the time, and never under the first gap")
		})
	}
}

func TestLimitsThatNothingFitsIntoAreRefused(t *testing.T) {
	rec, err := traffic.Probe()
	require.NoError(t, err)
	for limits, want := range map[scenarios.Limits]string{
		{Rate: 1, Tokens: 500, Duration: 10 * time.Minute}:   "plan own: not one revocation fits into limits of 1/s and 10m0s with a bound of 10s; expected a higher limits.rate or a longer limits.duration",
		{Rate: 100, Tokens: 500, Duration: 20 * time.Second}: "plan own: not one revocation fits into limits of 100/s and 20s with a bound of 10s; expected a higher limits.rate or a longer limits.duration",
		{Rate: 100, Tokens: 7, Duration: 10 * time.Minute}:   "plan own: limits.tokens is 7; expected 8 or more",
	} {
		sc, err := scenarios.Own(scenarios.Given{Targets: []*scenarios.Target{targetOf(t, "own", 3, 10*time.Second, limits)}})
		require.NoError(t, err)
		_, err = NewPlan(sc, rec, 7)
		assert.EqualError(t, err, want)
	}
}
