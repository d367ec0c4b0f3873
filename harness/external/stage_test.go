package external_test

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/fixtures/authority"
	"github.com/tokendrill/tokendrill/harness"
	"github.com/tokendrill/tokendrill/harness/external"
	"github.com/tokendrill/tokendrill/harness/measure"
	"github.com/tokendrill/tokendrill/scenarios"
)

const system = `
name: system
about: a cache of 300 ms
patterns: [cache]
settings: {cache: {ttl: 300ms, negative_ttl: 100ms, timeout: 200ms}}
gates: [revoke.resurrections == 0]
`

// somebody's system: three gateways that cache, and their authority.
func systemUp(t *testing.T) (site *harness.Site, secret string) {
	t.Helper()
	sc, err := scenarios.Parse([]byte(system), "system.yaml")
	require.NoError(t, err)
	plan := planned(t, sc, 0)
	secret = rand.Text()
	site, err = harness.Embedded{Clients: []authority.Client{{ID: "drill", Secret: secret, Scopes: plan.Scopes()}}}.Start(t.Context(), plan)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, site.Close()) })
	return site, secret
}

// targetAt is a target file for it.
func targetAt(t *testing.T, site *harness.Site, issue string) *scenarios.Target {
	t.Helper()
	var gateways []string
	for i, u := range site.Gateways[0] {
		gateways = append(gateways, fmt.Sprintf("{name: gw-%d, url: %q}", i+1, u))
	}
	target, err := scenarios.ParseTarget(fmt.Appendf(nil, `
name: staging
bound: 500ms
gateways: [%s]
authority: {issuer: %q, client: {id: drill, secret_env: SECRET}, scope: "read write"%s}
probe: {path: /hello}
limits: {rate: 300/s, duration: 1m}
`, strings.Join(gateways, ", "), site.Issuer, issue), filepath.Join(t.TempDir(), "staging.yaml"))
	require.NoError(t, err)
	return target
}

// smallPlan is what a run of the target alone would do, in little.
func smallPlan(t *testing.T, target *scenarios.Target, seed uint64) *harness.Plan {
	t.Helper()
	sc, err := scenarios.Own(scenarios.Given{Targets: []*scenarios.Target{target}})
	require.NoError(t, err)
	sc.Traffic.Rounds, sc.Traffic.Rate, sc.Revoke.Tokens = 1, 20, 8
	require.NoError(t, sc.Validate())
	return planned(t, sc, seed)
}

// A run on a system of somebody's own finds out how long its cache lets a revoked
// token live, at every gateway, and writes no token down.
func TestARunMeasuresATarget(t *testing.T) {
	site, secret := systemUp(t)
	stage := external.Stage{Options: external.Options{Getenv: func(string) string { return secret }}}
	for try := uint64(1); ; try++ {
		var history bytes.Buffer
		result, err := harness.Run(t.Context(), smallPlan(t, targetAt(t, site, ""), try), harness.Options{Stage: stage, History: &history})
		require.NoError(t, err)
		if lag := *result.Report.Sender.Lag.P95; lag > 50 {
			t.Logf("run %d: lag p95 %.0f ms", try, lag)
			require.Less(t, try, uint64(5), "the machine is too busy")
			continue
		}
		assert.NotContains(t, history.String(), secret)
		require.Len(t, result.Report.Patterns, 1)
		assert.Equal(t, "external", result.Report.Stage)
		measuredTarget(t, result.Report.Patterns[0])
		return
	}
}

func measuredTarget(t *testing.T, p measure.Pattern) {
	t.Helper()
	assert.Equal(t, "staging", p.Pattern)
	assert.Equal(t, 8, p.Revoke.Moments)
	assert.Len(t, p.Revoke.Gateways, 3)
	assert.Zero(t, p.Safety.FalseAccepts)
	assert.Zero(t, p.Safety.FalseRejects)
	assert.Positive(t, p.Safety.StaleAccepts, "the cache lets revoked tokens in for a while")
	exact := 0
	for _, i := range p.Revoke.Fleet {
		if i.State != measure.Exact {
			continue
		}
		exact++
		assert.Less(t, *i.Lower, 400.0, "no longer than the TTL, in ms")
		assert.Less(t, *i.Upper, 700.0)
		assert.Greater(t, *i.Upper, 0.0)
	}
	assert.GreaterOrEqual(t, exact, 6)
}

// A file with too few tokens is found out before anything is sent.
func TestARunNeedsEnoughTokens(t *testing.T) {
	site, secret := systemUp(t)
	file := filepath.Join(t.TempDir(), "sessions")
	require.NoError(t, os.WriteFile(file, []byte("one\ntwo\n"), 0o600))
	target := targetAt(t, site, fmt.Sprintf(", issue: {file: %q}", file))
	plan := smallPlan(t, target, 1)
	_, err := external.Stage{Options: external.Options{Getenv: func(string) string { return secret }}}.Start(t.Context(), plan)
	tokens := plan.Cost().Tokens
	require.EqualError(t, err, fmt.Sprintf("staging: authority.issue: %s has 2 tokens; expected %d or more, one for each line", file, tokens+5))
}

// Nothing is sent to a gateway that is not allowed.
func TestARunReachesNobodyWhoIsNotAllowed(t *testing.T) {
	site, secret := systemUp(t)
	target := targetAt(t, site, "")
	target.Gateways[1].URL = "https://api-eu.example.com"
	began := time.Now()
	_, err := external.Stage{Options: external.Options{Getenv: func(string) string { return secret }}}.Start(t.Context(), smallPlan(t, target, 1))
	require.EqualError(t, err, "staging: gateway gw-2: host api-eu.example.com is not allowed; expected --allow-host api-eu.example.com")
	assert.Less(t, time.Since(began), 5*time.Second)
}
