package harness

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/fixtures/undisturbed"
	"github.com/tokendrill/tokendrill/harness/measure"
)

// provoked has every stimulus at once.
const provoked = `
name: provoked
about: all stimuli against all patterns
traffic: {recording: sample, rounds: 0}
tokens: {prefix: 24, suffix: 8}
revocations: {tokens: 1, every: 50ms, first_gap: 80ms, growth: 40%, window: 5s, rate: 5/s}
settings:
  cache: {ttl: 400ms, timeout: 500ms}
  remote: {timeout: 3s}
  registry: {staleness: 1500ms, heartbeat: 100ms}
  hybrid: {minted_ttl: 1s, timeout: 3s}
routes:
  - {path: /grace/*, scope: read, grace: 2s}
  - {path: /secure/*, scope: write, acr: mfa}
  - {path: /b/*, scope: read, audience: tenant-b}
  - {method: GET, scope: read}
  - {method: HEAD, scope: read}
  - {scope: write}
stimuli:
  - {name: bad-tokens, rate: 8/s}
  - {name: scope-change, rate: 8/s}
  - {name: audience-change, rate: 8/s}
  - {name: two-tenants, rate: 8/s}
  - {name: expiring, rate: 8/s}
  - {name: no-exp, rate: 8/s}
  - {name: just-expired, rate: 8/s}
  - {name: step-up, rate: 8/s}
gates: [safety.false_accepts == 0, safety.false_rejects == 0]
`

func TestASoundPatternAnswersEveryStimulusRightly(t *testing.T) {
	t.Parallel()
	undisturbed.Try(t, func(t *undisturbed.Attempt) {
		o := runOf(t, provoked)
		require.NoError(t, o.err)
		for _, p := range o.Report.Patterns {
			assert.Equal(t, measure.Safety{StaleAccepts: p.Safety.StaleAccepts}, p.Safety, "%s: %+v", p.Pattern, p.Violations)
			require.Len(t, p.Mutations, 1, p.Pattern)
			assert.Equal(t, "bad-tokens", p.Mutations[0].Mutation)
			assert.Positive(t, p.Mutations[0].Rejected, p.Pattern)
			assert.Positive(t, p.Requests.Accepted, p.Pattern)
		}
	})
}
