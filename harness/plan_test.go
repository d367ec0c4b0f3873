package harness

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/fixtures/token"
	"github.com/tokendrill/tokendrill/fixtures/traffic"
	"github.com/tokendrill/tokendrill/scenarios"
)

// planOf plans a scenario given as YAML over the sample recording.
func planOf(t require.TestingT, yaml string, seed uint64) *Plan {
	sc, err := scenarios.Parse([]byte(yaml), "test.yaml")
	require.NoError(t, err)
	rec, err := sample()
	require.NoError(t, err)
	p, err := NewPlan(sc, rec, seed)
	require.NoError(t, err)
	return p
}

// sample reads the embedded recording once; it is read-only.
var sample = sync.OnceValues(traffic.Sample)

const smallScenario = `
name: small
about: a plan to look at
traffic: {recording: sample, rate: 200/s, rounds: 3, slice: 500ms}
tokens: {fuzz: 5%}
revocations: {tokens: 4, every: 50ms, first_gap: 5ms, growth: 10%, rate: 20/s}
settings:
  cache: {ttl: 1s, timeout: 250ms}
  hybrid: {minted_ttl: 1s}
  registry: {staleness: 1s, heartbeat: 100ms}
gates: ["revoke.fleet_upper.p95{pattern=cache} <= 1600ms"]
`

func TestPlanIsTheSameForTheSameSeed(t *testing.T) {
	a, b, c := planOf(t, smallScenario, 1), planOf(t, smallScenario, 1), planOf(t, smallScenario, 2)
	assert.Equal(t, a.Digest, b.Digest)
	assert.NotEqual(t, a.Digest, c.Digest)
	assert.Equal(t, slices.Collect(a.Requests()), slices.Collect(b.Requests()))
}

func TestPlanIsInOrderWithinItsPhases(t *testing.T) {
	for seed := range uint64(8) {
		p := planOf(t, smallScenario, seed)
		last := time.Duration(0)
		for r := range p.Requests() {
			require.GreaterOrEqual(t, r.At, last)
			require.LessOrEqual(t, r.At, p.Duration())
			require.Equal(t, r.Slice >= 0, r.At < p.Scenario.LatencyPhase(), "slices are the latency phase")
			require.False(t, r.Probe && r.At < p.Scenario.LatencyPhase(), "no probes in the latency phase")
			last = r.At
		}
	}
}

func TestEveryPatternReplaysTheSameRequestsInEachRound(t *testing.T) {
	p := planOf(t, smallScenario, 3)
	type key struct{ round, system int }
	got := map[key][]string{}
	for r := range p.Requests() {
		if r.Slice >= 0 {
			k := key{r.Slice, r.System}
			got[k] = append(got[k], fmt.Sprintf("%s %s %s %d", r.Method, r.Path, r.Token, r.Mutant))
		}
	}
	require.Len(t, got, 3*4)
	for k, requests := range got {
		assert.Len(t, requests, 100, "rate times slice")
		assert.Equal(t, got[key{k.round, 0}], requests, "round %d, system %d", k.round, k.system)
	}
	assert.NotEqual(t, got[key{0, 0}], got[key{1, 0}], "rounds go on in the recording")
}

// The rules are those of time-to-revoke: priming, growing gaps, controls.
func TestProbesFollowTheRulesOfTimeToRevoke(t *testing.T) {
	for seed := range uint64(8) {
		p := planOf(t, smallScenario, seed)
		type at struct {
			ref     token.Ref
			gateway int
		}
		probes := map[at][]time.Duration{}
		for r := range p.Requests() {
			if r.Probe {
				k := at{r.Token, r.Gateway}
				probes[k] = append(probes[k], r.At)
			}
		}
		for _, rv := range p.Revocations {
			sys := p.Systems[rv.System]
			end := rv.At + p.window(rv.System)
			for g := range sys.Gateways {
				checkProbes(t, probes[at{rv.Token, g}], rv.At, end, p.Scenario.Life(sys.Pattern))
				checkControls(t, probes[at{rv.Twin, g}], rv.At, end)
			}
		}
	}
}

func checkProbes(t *testing.T, times []time.Duration, sent, end, life time.Duration) {
	age := sent - times[0]
	require.GreaterOrEqual(t, age, life/4, "first use at least a quarter of the cache life before")
	require.LessOrEqual(t, age, life*5/4)
	require.Contains(t, times, sent-lastPrime, "last use just before")
	require.Equal(t, end, times[len(times)-1], "watched to the end of the window")
	for i := 1; i < len(times); i++ {
		gap := times[i] - times[i-1]
		since := max(times[i-1]-sent, 0)
		if times[i-1] < sent {
			require.LessOrEqual(t, gap, life*26/100)
		} else {
			require.LessOrEqual(t, gap, 6*time.Millisecond+since*11/100, "gaps stay within a tenth of the time since")
		}
	}
}

func checkControls(t *testing.T, times []time.Duration, sent, end time.Duration) {
	require.Less(t, times[0], sent, "in use before the revocation")
	require.GreaterOrEqual(t, times[len(times)-1], end, "and after the last probe")
	for i := 1; i < len(times); i++ {
		require.Less(t, times[i]-times[i-1], controlGap)
	}
}

func TestALimitThatAGateNamesIsProbedOnBothSides(t *testing.T) {
	p := planOf(t, smallScenario, 5)
	limit := 1600 * time.Millisecond
	for _, rv := range p.Revocations {
		if p.Systems[rv.System].Pattern != scenarios.Cache {
			continue
		}
		times := p.probeTimes(rv, p.rng("test", 0))
		assert.Contains(t, times, rv.At+limit-limit/100)
		assert.Contains(t, times, rv.At+limit+time.Millisecond)
	}
}

func TestMomentsAreSpreadAndDifferForEachToken(t *testing.T) {
	p := planOf(t, smallScenario, 6)
	require.Len(t, p.Revocations, 16)
	per := map[int]int{}
	for i, rv := range p.Revocations {
		per[rv.System]++
		if i > 0 {
			assert.Less(t, p.Revocations[i-1].At, rv.At)
			assert.NotEqual(t, p.Revocations[i-1].Moment, rv.Moment)
		}
	}
	assert.Equal(t, map[int]int{0: 4, 1: 4, 2: 4, 3: 4}, per)
}

func TestFaultsCutTheRevocationPhaseIntoBeforeDuringAfter(t *testing.T) {
	p := planOf(t, smallScenario+"faults: [{name: link.cut, link: gateway-registry, at: 2s, for: 1s}]\n", 7)
	var names []string
	for i, ph := range p.Phases {
		names = append(names, ph.Name)
		if i > 0 {
			assert.Equal(t, p.Phases[i-1].To, ph.From)
		}
	}
	assert.Equal(t, []string{PhaseLatency, PhaseBefore, PhaseDuring, PhaseAfter}, names)
	assert.Equal(t, time.Second, p.Phases[2].To-p.Phases[2].From)

	_, err := NewPlan(func() *scenarios.Scenario {
		sc, err := scenarios.Parse([]byte(smallScenario), "test.yaml")
		require.NoError(t, err)
		sc.Faults = []scenarios.Fault{{Name: "link.cut", Link: "gateway-registry", At: time.Hour, For: time.Second}}
		return sc
	}(), p.Recording, 1)
	require.ErrorContains(t, err, "fault link.cut ends 1h0m1s after the start of the revocation phase")
}

// What Parse takes can be planned, whichever pattern has the last turn.
func TestAFaultMayLastUntilTheEndThatTheScenarioSays(t *testing.T) {
	for seed := range uint64(16) {
		p := planOf(t, smallScenario, seed)
		sc := *p.Scenario
		sc.Faults = []scenarios.Fault{{Name: "link.cut", Link: "gateway-registry", At: time.Second, For: sc.RevocationPhase() - time.Second}}
		sc.Stimuli = []scenarios.Stimulus{{Name: scenarios.Expiring, Rate: 20, At: sc.RevocationPhase() - 4*time.Second}}
		require.NoError(t, sc.Validate())
		_, err := NewPlan(&sc, p.Recording, seed)
		require.NoError(t, err)
	}
}

func TestARecordingKeepsItsBurstsAtAnyRate(t *testing.T) {
	ms := func(n int) time.Duration { return time.Duration(n) * time.Millisecond }
	exchanges := []traffic.Exchange{{At: 0}, {At: ms(10)}, {At: ms(20)}, {At: ms(900)}}
	p := &Plan{Scenario: &scenarios.Scenario{}, Recording: &traffic.Recording{Exchanges: exchanges}}
	seg := p.byRate(0, 4, 0, time.Second)
	var got []time.Duration
	for i := range seg.n {
		_, at := seg.at(i)
		got = append(got, at.Round(time.Millisecond))
	}
	// The recording lasts 1200 ms, its mean gap after the last request included.
	assert.Equal(t, []time.Duration{0, ms(8), ms(17), ms(750)}, got)

	p.Scenario.Traffic = scenarios.Traffic{Rate: 40, Rounds: 1}
	assert.InDelta(t, 12, p.pace(), 0.01, "four requests in 1200 ms, played at 40 a second")

	fast := p.bySpeed(1, 2.4, time.Second, 500*time.Millisecond)
	require.Equal(t, 4, fast.n, "the recording wraps around")
	_, at := fast.at(0)
	assert.Equal(t, time.Second, at)
}

func TestARecordedPathIsSentAsItIsMatched(t *testing.T) {
	for recorded, want := range map[string]string{
		"/a/b?c=d": "/a/b?c=d", "/a#b": "/a%23b", "a b": "/a%20b", "//host/x": "//host/x", "": "/",
	} {
		assert.Equal(t, want, requestPath(recorded), recorded)
	}
}

// At a low rate a round has a few mutants only: the next must not repeat them.
func TestRoundsTakeTurnsAtTheMutants(t *testing.T) {
	p := planOf(t, smallScenario, 4)
	first := map[int]int{} // mutant of each round's first fuzzed request
	for r := range p.Requests() {
		if _, ok := first[r.Slice]; !ok && r.Slice >= 0 && r.Mutant > 0 {
			first[r.Slice] = r.Mutant
		}
	}
	assert.Equal(t, map[int]int{0: 1, 1: 6, 2: 11}, first, "5 % of 100 are 5 a round")
}
