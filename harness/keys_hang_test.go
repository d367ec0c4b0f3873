package harness

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/fixtures/undisturbed"
	"github.com/tokendrill/tokendrill/harness/measure"
	"github.com/tokendrill/tokendrill/scenarios"
)

// hungCDN outlasts the keys that the gateways have, and a fetch lasts longer than a
// call to the authority may.
const hungCDN = `
name: cdn-hangs
about: the CDN takes requests for keys and does not answer
traffic: {recording: sample, rounds: 0}
revocations: {tokens: 12, every: 150ms, first_gap: 15ms, growth: 20%, window: 4s, rate: 40/s}
settings:
  cache: {ttl: 1s, timeout: 500ms}
  remote: {timeout: 500ms}
  registry: {staleness: 2s, heartbeat: 100ms}
  hybrid: {minted_ttl: 2s, bundle_max_age: 2s, timeout: 500ms}
faults:
  - {name: link.hang, link: gateway-cdn, at: 3s, for: 3s}
gates:
  - requests.unavailable_rate == 0
  - safety.false_accepts == 0
  - safety.false_rejects == 0
  - revoke.resurrections == 0
`

// The good keys that a gateway has are enough while no others come.
func TestACDNThatHangsLeavesNobodyWithoutADecision(t *testing.T) {
	undisturbed.Long(t, "takes 16 s")
	t.Parallel()
	sc, err := scenarios.Parse([]byte(hungCDN), "cdn-hangs.yaml")
	require.NoError(t, err)
	rec, err := sample()
	require.NoError(t, err)
	p, err := NewPlan(sc, rec, 7)
	require.NoError(t, err)
	undisturbed.Try(t, func(t *undisturbed.Attempt) {
		result, err := Run(t.Context(), p, Options{})
		require.NoError(t, err)
		r := result.Report
		if r.Verdict != measure.Pass && late(r) {
			t.ProveNothing(against(r))
		}
		assert.Equal(t, measure.Pass, r.Verdict, against(r))
		for _, f := range r.Faults {
			assert.True(t, f.Landed && f.Healed, "%s: %s", f.Name, f.Unknown)
		}
	})
}
