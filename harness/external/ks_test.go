package external_test

import (
	"crypto/rand"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/fixtures/authority"
	"github.com/tokendrill/tokendrill/fixtures/traffic"
	"github.com/tokendrill/tokendrill/fixtures/undisturbed"
	"github.com/tokendrill/tokendrill/harness"
	"github.com/tokendrill/tokendrill/harness/external"
	"github.com/tokendrill/tokendrill/harness/measure"
	"github.com/tokendrill/tokendrill/scenarios"
)

// twice is the cache, and a target that is the same cache elsewhere. Four tokens are
// spare: a late control makes an interval unknown.
const twice = `
name: twice
about: the reference cache, embedded and from the outside
patterns: [cache]
traffic: {recording: probe, rounds: 0}
revocations: {tokens: 68, every: 200ms, first_gap: 10ms, growth: 10%, window: 4s, rate: 10/s}
settings: {cache: {ttl: 1500ms, negative_ttl: 500ms, timeout: 500ms}}
gates: [revoke.resurrections == 0]
`

// The bound of the target is the TTL alone: the priming of a target spreads over its
// bound and that of the cache over its TTL, and tokens that are used alike are wanted.
const elsewhere = `
name: elsewhere
bound: 1500ms
gateways: [%s]
authority:
  issuer: %q
  client: {id: elsewhere, secret_env: SECRET}
  scope: %q
probe: {method: GET, path: /tokendrill/probe}
limits: {rate: 100000/s, tokens: 10000, duration: 10m}
`

// A system is measured from the outside as it is embedded: the two distributions of
// time-to-revoke are the same. A token counts once, by the midpoint of its fleet
// interval: the tokens are revoked at moments of their own, and so independent, while
// the three gateways of a token share its moment and are not.
func TestATargetIsMeasuredLikeTheReference(t *testing.T) {
	undisturbed.Long(t, "takes half a minute")
	const tokens, alpha = 64, 0.001
	sc, opts := outside(t)
	var embedded, own []float64
	seed := uint64(0)
	undisturbed.Try(t, func(t *undisturbed.Attempt) { // only the measurement: a difference is not tried again
		seed++
		report := measured(t, sc, opts, seed)
		embedded, own = midpoints(report.Patterns[0].Revoke.Fleet), midpoints(report.Patterns[1].Revoke.Fleet)
		require.GreaterOrEqual(t, min(len(embedded), len(own)), tokens, "intervals that are known")
		require.Less(t, *report.Sender.Lag.P95, 100.0, "late sender, in ms")
	})
	embedded, own = embedded[:tokens], own[:tokens]
	d, critical := ks(embedded, own), ksCritical(alpha, tokens, tokens)
	t.Logf("D = %.4f, critical at %v for %d against %d: %.4f", d, alpha, tokens, tokens, critical)
	assert.LessOrEqual(t, d, critical, "embedded %v\nown %v", embedded, own)

	for i := range own { // so the test can fail: a TTL of 2.5 s would be found out
		own[i] *= 2.5 / 1.5
	}
	assert.Greater(t, ks(embedded, own), critical)
}

// outside is the scenario with a stage of its own in the place of the user's system.
func outside(t *testing.T) (*scenarios.Scenario, external.Options) {
	t.Helper()
	alone, err := scenarios.Parse([]byte(twice), "twice.yaml")
	require.NoError(t, err)
	plan := planned(t, alone, 0)
	secret := rand.Text()
	site, err := harness.Embedded{Clients: []authority.Client{{ID: "elsewhere", Secret: secret, Scopes: plan.Scopes()}}}.Start(t.Context(), plan)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, site.Close()) })

	var gateways []string
	for i, u := range site.Gateways[0] {
		gateways = append(gateways, fmt.Sprintf("{name: %s, url: %q}", plan.Systems[0].Gateways[i], u))
	}
	file := fmt.Sprintf(elsewhere, strings.Join(gateways, ", "), site.Issuer, strings.Join(plan.Scopes(), " "))
	target, err := scenarios.ParseTarget([]byte(file), "elsewhere.yaml")
	require.NoError(t, err)
	sc, err := scenarios.ParseFor(scenarios.Given{Targets: []*scenarios.Target{target}, Patterns: alone.Patterns}, []byte(twice), "twice.yaml")
	require.NoError(t, err)
	require.Equal(t, sc.Life("cache"), sc.Life("elsewhere"))
	return sc, external.Options{Getenv: func(string) string { return secret }}
}

func planned(t testing.TB, sc *scenarios.Scenario, seed uint64) *harness.Plan {
	t.Helper()
	rec, err := traffic.Probe()
	require.NoError(t, err)
	plan, err := harness.NewPlan(sc, rec, seed)
	require.NoError(t, err)
	return plan
}

// measured is the report of one run.
func measured(t testing.TB, sc *scenarios.Scenario, opts external.Options, seed uint64) *measure.Report {
	t.Helper()
	plan := planned(t, sc, seed)
	require.Equal(t, 10*time.Millisecond, plan.Scenario.Revoke.FirstGap, "the limits have changed the plan")
	result, err := harness.Run(t.Context(), plan, harness.Options{Stage: external.Stage{Options: opts}})
	require.NoError(t, err)
	return result.Report
}

// midpoints are those of the intervals that are known, in ms.
func midpoints(fleet []measure.Interval) (out []float64) {
	for _, i := range fleet {
		if i.State == measure.Exact {
			out = append(out, (*i.Lower+*i.Upper)/2)
		}
	}
	return out
}
