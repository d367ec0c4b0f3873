package harness

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/fixtures/token"
)

// kindsScenario is about a special kind of revocation; KIND says which.
const kindsScenario = `
name: kinds
about: revocations of a special kind
patterns: [PATTERNS]
traffic: {recording: sample, rounds: 0}
revocations: {tokens: 30, every: 50ms, first_gap: 40ms, growth: 20%, rate: 20/s, KIND: true}
settings:
  cache: {ttl: 1s, timeout: 250ms}
  hybrid: {minted_ttl: 4s}
  registry: {staleness: 1s, heartbeat: 100ms}
`

func kindsPlan(t require.TestingT, kind, patterns string, seed uint64) *Plan {
	return planOf(t, strings.NewReplacer("KIND", kind, "PATTERNS", patterns).Replace(kindsScenario), seed)
}

func TestARunWithoutALatencyPhaseBeginsWithTheRevocations(t *testing.T) {
	p := kindsPlan(t, "fresh", "cache", 1)
	assert.Equal(t, []Phase{{PhaseRevocation, 0, p.Duration()}}, p.Phases)
	assert.Zero(t, p.pace())
	for r := range p.Requests() {
		require.Equal(t, -1, r.Slice)
	}
}

func TestABulkRevocationIsOneMomentForEachPattern(t *testing.T) {
	p := kindsPlan(t, "bulk", "cache, registry", 1)
	require.Len(t, p.Revocations, 60)
	require.Len(t, batches(p.Revocations), 2, "one call each")
	for _, batch := range batches(p.Revocations) {
		require.Len(t, batch, 30)
		probed := 0
		for _, rv := range batch {
			assert.Equal(t, batch[0].At, rv.At)
			assert.Equal(t, batch[0].Moment, rv.Moment)
			assert.Equal(t, "bulk-"+p.Systems[rv.System].Pattern, rv.Group)
			assert.Equal(t, rv.Group, p.issues[bindKey{rv.System, rv.Token}].Group)
			if rv.Probed {
				probed++
			}
		}
		assert.Equal(t, p.Scenario.Probed(), probed)
	}
}

// No token of a bulk revocation goes without any check.
func TestUnprobedTokensAreUsedBeforeTheirRevocationAndAfterTheBound(t *testing.T) {
	p := kindsPlan(t, "bulk", "cache, registry", 1)
	uses := map[bindKey][]Request{}
	for r := range p.Requests() {
		uses[bindKey{r.System, r.Token}] = append(uses[bindKey{r.System, r.Token}], r)
	}
	for _, rv := range p.Revocations {
		got := uses[bindKey{rv.System, rv.Token}]
		if rv.Probed {
			assert.Greater(t, len(got), 2)
			continue
		}
		require.Len(t, got, 2)
		assert.Less(t, got[0].At, rv.At)
		assert.Equal(t, rv.At, got[0].Until)
		assert.Empty(t, got[0].Group)
		assert.Greater(t, got[1].At, rv.At+p.Systems[rv.System].Bound)
		assert.Equal(t, rv.Group, got[1].Group)
	}
}

func TestAFreshTokenIsUsedByNobodyBeforeItIsRevoked(t *testing.T) {
	p := kindsPlan(t, "fresh", "cache, remote", 1)
	moment := map[bindKey]time.Duration{}
	for _, rv := range p.Revocations {
		key := bindKey{rv.System, rv.Token}
		moment[key] = rv.At
		assert.True(t, p.issues[key].Fresh)
		assert.Equal(t, rv.At, p.issues[key].At)
	}
	assert.Empty(t, p.lateKeys(), "each is issued by who revokes it")
	seen := map[bindKey]bool{}
	for r := range p.Requests() {
		if r.Class == token.Revoked {
			key := bindKey{r.System, r.Token}
			seen[key] = true
			require.Greater(t, r.At, moment[key])
		}
	}
	assert.Len(t, seen, len(p.Revocations))
}

func TestAChildIsMintedSoonBeforeItsParentIsRevoked(t *testing.T) {
	p := kindsPlan(t, "children", "hybrid", 1)
	for _, rv := range p.Revocations {
		for _, ref := range []token.Ref{rv.Token, rv.Twin} {
			i := p.issues[bindKey{rv.System, ref}]
			assert.True(t, i.Child && i.Late)
			assert.Equal(t, rv.At-childLead, i.At)
		}
	}
	keys := p.lateKeys()
	assert.Len(t, keys, 2*len(p.Revocations))
	for n := 1; n < len(keys); n++ {
		assert.LessOrEqual(t, p.issues[keys[n-1]].At, p.issues[keys[n]].At)
	}
	first, primes, controls := map[bindKey]time.Duration{}, map[bindKey]int{}, map[token.Ref]int{}
	for r := range p.Requests() {
		if !r.Probe {
			assert.False(t, r.Origin, "traffic goes to the gateways")
			continue
		}
		require.True(t, r.Origin)
		key := bindKey{r.System, r.Token}
		if _, ok := first[key]; !ok {
			first[key] = r.At
		}
		require.GreaterOrEqual(t, r.At, p.issues[key].At+issueTime)
		if r.Class == token.Revoked && r.At < p.issues[key].At+childLead {
			primes[key]++
		}
		if r.Class == token.Control && r.Gateway == 0 && r.At < p.issues[key].At+time.Second {
			controls[r.Token]++
		}
	}
	for _, rv := range p.Revocations {
		assert.Less(t, first[bindKey{rv.System, rv.Token}], rv.At, "in use before")
		assert.GreaterOrEqual(t, primes[bindKey{rv.System, rv.Token}], 3*3, "three times at each gateway")
		assert.GreaterOrEqual(t, controls[rv.Twin], 4, "its control is sent while it lives")
	}
}

func TestPlansAskForOneClientForEachKindOfToken(t *testing.T) {
	p := planOf(t, provoked, 1)
	kinds := p.grantKinds()
	assert.Equal(t, []grantKind{{format: token.Opaque}, {format: token.JWT}}, kinds[:2])
	seen := map[grantKind]bool{}
	for _, k := range kinds {
		assert.False(t, seen[k])
		seen[k] = true
	}
	for key, i := range p.issues {
		assert.True(t, seen[i.kind()], key)
	}
	assert.Equal(t, kinds, planOf(t, provoked, 1).grantKinds())
}
