package harness

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/fixtures/pattern"
	"github.com/tokendrill/tokendrill/fixtures/token"
	"github.com/tokendrill/tokendrill/fixtures/undisturbed"
	"github.com/tokendrill/tokendrill/harness/measure"
	"github.com/tokendrill/tokendrill/scenarios"
)

// Bounds are judged by the scenario's words on a pattern, and kept by the
// pattern itself: both must say the same.
func TestBoundsOfThePlanAreThoseOfThePatterns(t *testing.T) {
	p := planOf(t, smallScenario, 1)
	sound := map[string]pattern.Verifier{}
	site, err := Embedded{Verifier: func(parts pattern.Parts) pattern.Verifier {
		sound[parts.Node] = parts.Sound
		return parts.Sound
	}}.Start(t.Context(), p)
	require.NoError(t, err)
	defer site.Close()
	for _, s := range p.Systems {
		v := sound[node(s.Pattern, "gw-1")]
		if f, ok := v.(pattern.Fallback); ok {
			v = f.Verifier
		}
		bound, why := v.(interface {
			Bound() (time.Duration, string)
		}).Bound()
		assert.Equal(t, s.Bound, bound, s.Pattern)
		assert.Equal(t, s.BoundWhy, why, s.Pattern)
	}
}

// cacheScenario revokes 40 tokens that are cached at a random age at three gateways.
const cacheScenario = `
name: cache-life
about: how long a cached decision outlives its token
patterns: [cache]
traffic: {recording: sample, rate: 50/s, rounds: 1, slice: 100ms}
revocations: {tokens: 40, every: 100ms, first_gap: 80ms, growth: 15%%, rate: 5/s}
settings: {cache: {ttl: %v, timeout: 500ms}}
`

// The plans have the same seed, so both draw the same ages: token by token, what is
// left is the TTL. The 120 pairs are compared one by one, and their median is off by
// less than it may be unless half of them were disturbed. A single interval is some
// 20 % wide, for that is what the gap between two probes has grown to; a median of
// 120 such errors has a standard error of 2 %, and 10 % is five of them.
func TestHalfTheTTLIsHalfTheTimeToRevokeOfACache(t *testing.T) {
	undisturbed.Long(t, "takes 12 s: two runs that last as long as the cache remembers")
	t.Parallel()
	undisturbed.Try(t, func(t *undisturbed.Attempt) {
		lives := together([]time.Duration{2 * time.Second, time.Second}, func(ttl time.Duration) cacheLife { return livesOf(t, ttl) })
		long, short := lives[0], lives[1]
		var ratios []float64
		for key, found := range short.found {
			if twice, ok := long.found[key]; ok {
				ratios = append(ratios, twice/found)
			}
		}
		require.Greater(t, len(ratios), 90, "a busy machine primes some too late")
		assert.InEpsilon(t, 2, median(ratios), 0.1)
		assert.InDelta(t, 0, median(long.off), 100, "it is what was left of the entry, of up to 2000 ms")
		assert.InDelta(t, 0, median(short.off), 50, "it is what was left of the entry, of up to 1000 ms")
	})
}

// cacheLife is how long the tokens of cacheScenario were accepted after their
// revocation, in ms: the middle of each interval, by token and gateway, and how far
// that is from what the plan leaves of the entry.
type cacheLife struct {
	found map[string]float64
	off   []float64
}

func livesOf(t testing.TB, ttl time.Duration) cacheLife {
	o := runOf(t, fmt.Sprintf(cacheScenario, ttl))
	lives := cacheLife{found: map[string]float64{}}
	if !assert.NoError(t, o.err) { // this is no goroutine of the test to end
		return lives
	}
	left := leftOfEntries(planOf(t, fmt.Sprintf(cacheScenario, ttl), 1), ttl)
	for _, g := range o.Report.Patterns[0].Revoke.Gateways {
		for _, iv := range g.Intervals {
			if iv.State != measure.Exact {
				continue
			}
			key := fmt.Sprintf("%s at %s", iv.Token, g.Gateway)
			lives.found[key] = (*iv.Lower + *iv.Upper) / 2
			lives.off = append(lives.off, lives.found[key]-left[key])
		}
	}
	return lives
}

// leftOfEntries is how much longer a cache remembers each token that is revoked, in
// ms: an entry begins with the first use that finds none.
func leftOfEntries(p *Plan, ttl time.Duration) map[string]float64 {
	revoked := map[token.Ref]time.Duration{}
	for _, rv := range p.Revocations {
		revoked[rv.Token] = rv.At
	}
	ends, left := map[string]time.Duration{}, map[string]float64{}
	for r := range p.Requests() {
		at, ok := revoked[r.Token]
		if !ok || r.At > at {
			continue
		}
		key := fmt.Sprintf("%s at %s", r.Token, p.Systems[r.System].Gateways[r.Gateway])
		if r.At >= ends[key] {
			ends[key] = r.At + ttl
		}
		left[key] = (ends[key] - at).Seconds() * 1e3
	}
	return left
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// hopScenario has tokens used often enough for hits and misses.
const hopScenario = `
name: hop
about: what a hop to the authority costs
patterns: [cache, remote]
traffic: {recording: sample, rate: 100/s, rounds: 3, slice: 500ms}
revocations: {tokens: 1, every: 50ms, first_gap: 50ms, growth: 10%%, window: 600ms, rate: 0/s}
settings: {cache: {ttl: 1s, timeout: 500ms}}
links: {%s}
`

func TestAHopToTheAuthorityCostsWhoAsksAndNotWhoRemembers(t *testing.T) {
	undisturbed.Long(t, "takes 8 s: two runs beside each other")
	links := []string{"", "gateway-authority: 20ms"}
	undisturbed.Try(t, func(t *undisturbed.Attempt) {
		runs := together(links, func(l string) outcome { return runOf(t, fmt.Sprintf(hopScenario, l)) })
		near, far := runs[0].of(t, scenarios.Remote).Latency.Check, runs[1].of(t, scenarios.Remote).Latency.Check
		require.GreaterOrEqual(t, far.Count, int64(100))
		assert.InDelta(t, 20, *far.P50-*near.P50, 6, "remote asks every time")

		near, far = runs[0].of(t, scenarios.Cache).Latency.Hit, runs[1].of(t, scenarios.Cache).Latency.Hit
		require.GreaterOrEqual(t, far.Count, int64(20))
		assert.InDelta(t, 0, *far.P50-*near.P50, 1, "a hit asks nobody")
		assert.GreaterOrEqual(t, *runs[1].of(t, scenarios.Cache).Latency.Miss.P50, 20.0, "a miss asks")
		assert.Equal(t, "gateway-authority 20ms", runs[1].Report.Environment.Network)
	})
}

// pushScenario has 48 moments. p50 passes by the exact binomial bound with up to 17 of
// them over the limit: a busy machine may hold up a third, while a pattern that waits
// for a TTL, a poll or a heartbeat is late at every one. The limit is a fifth of the
// TTL of the quick scenario, whose gates are on p95.
const pushScenario = `
name: push
about: remote, registry and hybrid do not wait for a TTL
patterns: [remote, registry, hybrid]
traffic: {recording: sample, rate: 50/s, rounds: 1, slice: 100ms}
revocations: {tokens: 48, every: 90ms, first_gap: 60ms, growth: 50%, rate: 2/s}
settings:
  remote: {timeout: 2s}
  registry: {staleness: 1s, heartbeat: 100ms}
  hybrid: {minted_ttl: 1s, timeout: 2s}
gates: [revoke.fleet_upper.p50 <= 300ms, safety.false_accepts == 0]
`

func TestPushAndRemoteRevokeInAFractionOfATTL(t *testing.T) {
	undisturbed.Long(t, "takes 18 s: 48 moments of each pattern")
	t.Parallel()
	undisturbed.Try(t, func(t *undisturbed.Attempt) {
		o := runOf(t, pushScenario)
		for _, name := range []string{scenarios.Remote, scenarios.Registry, scenarios.Hybrid} {
			p := o.of(t, name)
			require.NotNil(t, p.Revoke.FleetUpper.P50, name)
			assert.Less(t, *p.Revoke.FleetUpper.P50, 300.0, name)
			for _, g := range p.Gates {
				assert.Equal(t, measure.Pass, g.Verdict, "%s: %s: %s", name, g.Expr, g.Why)
			}
		}
	})
}

// faultScenario cuts the registry off for longer than it may go on alone, and
// slows the authority down for remote meanwhile.
const faultScenario = `
name: cut-off
about: the push is lost and the authority is slow, both for a while
patterns: [remote, registry]
traffic: {recording: sample, rate: 50/s, rounds: 1, slice: 100ms}
revocations: {tokens: 24, every: 80ms, first_gap: 80ms, growth: 30%, window: 4s, rate: 20/s}
settings: {registry: {staleness: 1s, heartbeat: 100ms}, remote: {timeout: 2s}}
faults:
  - {name: link.cut, link: gateway-registry, at: 2500ms, for: 2s}
  - {name: link.delay, link: gateway-authority, pattern: remote, at: 2500ms, for: 2s, delay: 40ms}
`

func TestFaultsShowInWhatTheyTouchWhileTheyLast(t *testing.T) {
	undisturbed.Long(t, "takes 12 s: a cut that outlasts the staleness limit, before and after")
	t.Parallel()
	p := planOf(t, faultScenario, 1)
	undisturbed.Try(t, func(t *undisturbed.Attempt) {
		var history buffer
		result, err := Run(t.Context(), p, Options{History: &history})
		require.NoError(t, err)
		r := result.Report
		require.Len(t, r.Faults, 2)
		for _, f := range r.Faults {
			assert.True(t, f.Landed, f.Name)
			assert.True(t, f.Healed, f.Name)
			assert.InDelta(t, 2000, f.To-f.From, 500, f.Name)
		}
		assert.Equal(t, "link.cut gateway-registry", r.Faults[0].Name)
		assert.Equal(t, "link.delay gateway-authority at remote", r.Faults[1].Name)
		slowedDown(t, patternOf(t, r, scenarios.Remote))
		cutOff(t, patternOf(t, r, scenarios.Registry), r.Faults[0], readHistory(t, &history))
	})
}

// slowedDown says that a delay of the authority raises the check of who asks it,
// while it lasts.
func slowedDown(t testing.TB, p measure.Pattern) {
	check := func(phase string) float64 { return *phaseOf(t, p, phase).Latency.Check.P50 }
	assert.InDelta(t, 40, check(PhaseDuring)-check(PhaseBefore), 15)
	assert.Less(t, check(PhaseAfter), check(PhaseDuring)-25)
	assert.Zero(t, p.Safety.FalseAccepts+p.Safety.FalseRejects)
}

// cutOff looks at every answer on a revoked token around a cut of the registry,
// which has to stop deciding within its bound.
func cutOff(t testing.TB, p measure.Pattern, cut measure.Fault, h *measure.History) {
	assert.Equal(t, 1000.0, p.Bound)
	assert.Equal(t, "staleness limit 1s", p.BoundWhy)
	assert.Zero(t, p.Safety.FalseAccepts, "nothing is let in after the bound")
	assert.Zero(t, p.Safety.FalseRejects)
	assert.Empty(t, p.Violations)
	assert.Positive(t, p.Safety.StaleAccepts, "until the staleness limit it goes on alone")
	assert.Zero(t, phaseOf(t, p, PhaseBefore).Requests.Unavailable)
	assert.Positive(t, phaseOf(t, p, PhaseDuring).Requests.Unavailable)

	acks := map[token.Ref]float64{}
	for _, e := range h.Events {
		if e.Kind == measure.KindRevoke && e.Pattern == p.Pattern {
			acks[e.Token] = float64(e.End) / 1e6
		}
	}
	const reconnect = 1000 // generous: some 50 to 75 ms and a heartbeat
	stale, refusedAfter := 0, 0
	for _, e := range h.Events {
		ack, start := acks[e.Token], float64(e.Start)/1e6
		if e.Kind != measure.KindRequest || e.Class != token.Revoked || ack == 0 || start < ack {
			continue
		}
		switch limit := cut.From + p.Bound; {
		case ack < cut.From || ack > cut.To: // the push came through
		case start < limit && e.Verdict == token.Accept:
			stale++
			assert.LessOrEqual(t, start-ack, p.Bound)
		case start > limit && start < cut.To-50:
			assert.Equal(t, token.Unavailable, e.Verdict, "%s at %s, %.0f ms after the cut: no decision is no reject", e.Token, e.Gateway, start-cut.From)
		case start > cut.To+reconnect:
			refusedAfter++
			assert.Equal(t, token.Reject, e.Verdict, "%s at %s, %.0f ms after healing", e.Token, e.Gateway, start-cut.To)
		}
	}
	assert.Positive(t, stale)
	assert.Positive(t, refusedAfter, "what was missed is caught up with")
}
