package remote

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/chaos"
	"github.com/tokendrill/tokendrill/fixtures/undisturbed"
	"github.com/tokendrill/tokendrill/harness"
	"github.com/tokendrill/tokendrill/harness/harnesstest"
)

// patient gives up on nobody, however busy the machine is.
const patient = `
name: patient
about: all patterns, with time for everything
traffic: {recording: sample, rate: 50/s, rounds: 1, slice: 100ms}
revocations: {tokens: 3}
settings:
  cache: {ttl: 500ms, timeout: 10s}
  remote: {timeout: 10s}
  registry: {staleness: 10s, heartbeat: 100ms}
  hybrid: {minted_ttl: 2s, timeout: 10s}
`

func TestRolesInOtherProcessesAreAStage(t *testing.T) {
	stage := &spread{t: t}
	t.Run("up", func(t *testing.T) { harnesstest.TestStage(t, stage, planOf(t, patient)) }) // and down
	for name, n := range stage.nodes {
		n.process.endsByItself(t)
		assert.Nil(t, n.held(), name)
	}
}

// broken has faults of links and nodes, at places that are now in other processes.
const broken = `
name: broken
about: links and nodes that break and mend
patterns: [cache, registry]
traffic: {recording: sample, rate: 100/s, rounds: 1, slice: 200ms}
revocations: {tokens: 12, every: 100ms, first_gap: 5ms, growth: 10%, window: 2s, rate: 200/s}
settings: {cache: {ttl: 300ms, timeout: 300ms}, registry: {staleness: 2s, heartbeat: 100ms}}
faults:
  - {name: link.cut, link: gateway-authority, gateway: gw-1, at: 200ms, for: 300ms}
  - {name: push.delay, link: gateway-registry, delay: 20ms, at: 200ms, for: 500ms}
  - {name: link.delay, link: client-gateway, delay: 5ms, at: 200ms, for: 300ms}
  - {name: clock.skew, node: gateway, gateway: gw-2, offset: 100ms, at: 200ms, for: 300ms}
  - {name: ttl.skew, node: gateway, pattern: cache, gateway: gw-3, factor: 2, at: 200ms, for: 300ms}
  - {name: cache.flush, node: gateway, pattern: cache, at: 900ms, for: 100ms}
  - {name: node.restart, node: gateway, pattern: cache, gateway: gw-1, at: 1200ms, for: 100ms}
  - {name: authority.lie, node: authority, at: 1500ms, for: 200ms}
`

// The same faults as on an embedded stage are seen to land and to heal.
func TestFaultsLandAndHealInOtherProcesses(t *testing.T) {
	undisturbed.Try(t, func(t *undisturbed.Attempt) {
		sc := scenarioOf(t, broken)
		report := harnesstest.Run(t, sc, 1, harness.Options{Stage: &spread{t: t}})
		require.Len(t, report.Faults, len(sc.Faults), report.Warnings)
		for _, f := range report.Faults {
			assert.True(t, f.Landed && f.Healed, "%+v", f)
		}
		assert.Equal(t, len(sc.Faults), report.Undo.Injected)
		assert.Empty(t, report.Undo.Left)
		require.NotNil(t, report.Patterns[0].AuthorityCalls)
		assert.Positive(t, *report.Patterns[0].AuthorityCalls, "the cache asks the authority")
	})
}

// bench is a cache gateway in another process, with all that it needs.
type bench struct {
	*node
	site *harness.Site
	t    testing.TB
}

func newBench(t testing.TB) *bench {
	t.Helper()
	stage := &spread{t: t}
	site, err := stage.Start(t.Context(), planOf(t, `
name: one
about: a gateway that asks about every token
patterns: [remote]
traffic: {recording: sample, rate: 50/s, rounds: 1, slice: 100ms}
revocations: {tokens: 3}
settings: {remote: {timeout: 10s, breaker_failures: 1000}}
`))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, site.Close()) })
	return &bench{stage.nodes["remote/gw-1"], site, t}
}

// status is what the gateway answers to a fresh token.
func (b *bench) status() int {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 10*time.Second)
	defer cancel()
	issued, err := b.site.Authority.Issue(ctx, harness.Grant{Scope: []string{"read"}, Format: "opaque"})
	require.NoError(b.t, err)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.up.URL+"/", nil)
	require.NoError(b.t, err)
	req.Header.Set("Authorization", "Bearer "+issued.Token)
	res, err := b.site.Transport.RoundTrip(req)
	require.NoError(b.t, err)
	defer res.Body.Close()
	return res.StatusCode
}

func TestAProcessThatIsStartedAgainGoesOnWithWhatIsInForce(t *testing.T) {
	b := newBench(t)
	require.NoError(t, b.Do(t.Context(), chaos.Command{Verb: chaos.VerbCredentials, Amount: 1}))
	require.NoError(t, b.Do(t.Context(), chaos.Command{Verb: chaos.VerbClock, Amount: 0.5}))
	require.NoError(t, b.Do(t.Context(), chaos.Command{Verb: chaos.VerbTTL, Amount: 2}))
	require.NoError(t, b.Do(t.Context(), chaos.Command{Verb: chaos.VerbTTL, Amount: 1}), "taken back again")
	cut, err := b.Inject(t.Context(), "link.cut", chaos.Params{}, []string{"gateway-authority"}, 1)
	require.NoError(t, err)
	healed, err := b.Inject(t.Context(), "http.error", chaos.Params{}, []string{"gateway-upstream"}, 1)
	require.NoError(t, err)
	require.NoError(t, healed.Heal(t.Context()))
	assert.Equal(t, http.StatusServiceUnavailable, b.status())
	met, skewed := cut.Met(), tallied(b.Count(chaos.VerbClock)).Met
	assert.Positive(t, met)
	assert.Positive(t, skewed)

	old := b.process
	b.restart(t, chaos.RoleGateway)
	assert.NotEqual(t, old.at, b.control(), "the control address is another one")
	assert.Equal(t, met, cut.Met(), "what was last known")
	require.NoError(t, b.Resume(t.Context()))
	assert.GreaterOrEqual(t, cut.Met(), met)
	met = cut.Met()
	assert.Equal(t, http.StatusServiceUnavailable, b.status(), "the link is cut still")
	assert.Greater(t, cut.Met(), met)
	assert.Greater(t, tallied(b.Count(chaos.VerbClock)).Met, skewed)
	assert.Zero(t, tallied(b.Count(chaos.VerbTTL)).Met, "its TTL was right whenever somebody came")

	require.NoError(t, cut.Heal(t.Context()))
	off := tallied(b.Count(chaos.VerbCredentials)).Met
	assert.Equal(t, http.StatusServiceUnavailable, b.status(), "its credentials are wrong still")
	assert.Greater(t, tallied(b.Count(chaos.VerbCredentials)).Met, off)
	require.NoError(t, b.Do(t.Context(), chaos.Command{Verb: chaos.VerbCredentials}))
	require.NoError(t, b.Do(t.Context(), chaos.Command{Verb: chaos.VerbClock}))
	clear := cut.Clear()
	assert.Equal(t, http.StatusOK, b.status())
	assert.Greater(t, cut.Clear(), clear)

	b.restart(t, chaos.RoleGateway)
	require.NoError(t, b.Resume(t.Context()))
	assert.Equal(t, http.StatusOK, b.status(), "nothing is in force any more")
}

// tallied names what Count returns.
func tallied(met, clear int64) counts { return counts{met, clear} }

// What is taken back while nobody is there is not repeated, and no error.
func TestWhatIsTakenBackWhileTheProcessIsDownStaysAway(t *testing.T) {
	b := newBench(t)
	require.NoError(t, b.Do(t.Context(), chaos.Command{Verb: chaos.VerbCredentials, Amount: 1}))
	cut, err := b.Inject(t.Context(), "link.cut", chaos.Params{}, []string{"gateway-authority"}, 1)
	require.NoError(t, err)
	b.process.kill()
	assert.Error(t, b.Ping(t.Context()))
	assert.Error(t, b.Reach(t.Context()))
	assert.Error(t, b.Do(t.Context(), chaos.Command{Verb: chaos.VerbClock, Amount: 1}), "this is not taking back")
	require.NoError(t, cut.Heal(t.Context()))
	require.NoError(t, b.Do(t.Context(), chaos.Command{Verb: chaos.VerbCredentials}))
	b.restart(t, chaos.RoleGateway)
	require.NoError(t, b.Resume(t.Context()))
	assert.Equal(t, http.StatusOK, b.status())
	require.NoError(t, b.Reach(t.Context()))
}
