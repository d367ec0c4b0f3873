package harness

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/fixtures/undisturbed"
	"github.com/tokendrill/tokendrill/harness/measure"
	"github.com/tokendrill/tokendrill/scenarios"
)

// buffer is a history in memory.
type buffer struct{ bytes.Buffer }

func readHistory(t testing.TB, b *buffer) *measure.History {
	t.Helper()
	h, err := measure.ReadHistory(bytes.NewReader(b.Bytes()), "history.ndjson")
	require.NoError(t, err)
	require.Empty(t, h.Warnings)
	return h
}

// wholeScenario has everything that a run has.
const wholeScenario = `
name: whole
about: all four patterns, a few tokens each
traffic: {recording: sample, rate: 150/s, rounds: 6, slice: 200ms}
tokens: {fuzz: 20%, lifetime: 10m}
revocations: {tokens: 3, every: 200ms, first_gap: 80ms, growth: 40%, rate: 10/s}
settings:
  cache: {ttl: 400ms, timeout: 500ms}
  remote: {timeout: 3s}
  registry: {staleness: 1500ms, heartbeat: 100ms}
  hybrid: {minted_ttl: 1s, timeout: 3s}
gates: [safety.false_accepts == 0, safety.false_rejects == 0, revoke.resurrections == 0]
`

// whole is a run of wholeScenario.
type whole struct {
	outcome
	plan    *Plan
	history *buffer
}

// wholeOnce is a run for all tests of what holds on a busy machine, too.
var wholeOnce = sync.OnceValue(func() (w whole) {
	sc, err := scenarios.Parse([]byte(wholeScenario), "whole.yaml")
	if err != nil {
		return whole{outcome: outcome{err: err}}
	}
	rec, err := sample()
	if err != nil {
		return whole{outcome: outcome{err: err}}
	}
	if w.plan, err = NewPlan(sc, rec, 1); err != nil {
		return whole{outcome: outcome{err: err}}
	}
	w.run()
	return w
})

func (w *whole) run() {
	w.history = new(buffer)
	w.Result, w.err = Run(context.Background(), w.plan, Options{History: w.history})
}

func wholeRun(t testing.TB) whole {
	t.Helper()
	w := wholeOnce()
	require.NoError(t, w.err)
	return w
}

func TestARunOfAllPatternsPasses(t *testing.T) {
	undisturbed.Alone(t)
	w, again := wholeRun(t), false
	undisturbed.Try(t, func(t *undisturbed.Attempt) {
		if again {
			w.run()
			require.NoError(t, w.err)
		}
		again = true
		r := w.Report
		assert.Equal(t, measure.Pass, r.Verdict)
		assert.True(t, r.Validity.OK, r.Validity.Reasons)
		assert.Empty(t, r.Warnings)
		for _, p := range r.Patterns {
			assert.Empty(t, p.Violations, p.Pattern)
			assert.Zero(t, p.Requests.Unavailable, p.Pattern)
			assert.Equal(t, len(w.plan.Revocations)/4, p.Revoke.Moments, p.Pattern)
			assert.Zero(t, p.Revoke.Censored, p.Pattern)
			for _, lane := range p.Timeline.Lanes {
				assert.Positive(t, sum(lane.Accepted), "%s at %s has traffic", p.Pattern, lane.Gateway)
			}
		}
		asksAsItShould(t, r)
	})
}

// asksAsItShould says that the calls to the authority are those that each pattern makes.
func asksAsItShould(t testing.TB, r *measure.Report) {
	calls := func(name string) float64 { return float64(*patternOf(t, r, name).AuthorityCalls) }
	sent := func(name string) float64 { return float64(patternOf(t, r, name).Requests.Sent) }
	assert.Zero(t, calls(scenarios.Registry), "decides by itself")
	assert.Greater(t, calls(scenarios.Remote), 0.9*sent(scenarios.Remote), "asks about every request but those without a token")
	assert.LessOrEqual(t, calls(scenarios.Remote), 1.05*sent(scenarios.Remote))
	assert.Positive(t, calls(scenarios.Cache))
	assert.Less(t, calls(scenarios.Cache), 0.9*sent(scenarios.Cache))

	cache := patternOf(t, r, scenarios.Cache)
	assert.Positive(t, cache.Cache.Hits)
	told := int(cache.Cache.Hits + cache.Cache.Misses)
	assert.LessOrEqual(t, told, cache.Requests.Sent)
	assert.Greater(t, float64(told), 0.8*sent(scenarios.Cache), "every decision about what looks like a token is a hit or a miss")
}

func sum(counts []int) (n int) {
	for _, c := range counts {
		n += c
	}
	return n
}

// However busy the machine is.
func TestARunSendsAndCountsEachRequestOfItsPlanOnce(t *testing.T) {
	w := wholeRun(t)
	r := w.Report
	assert.Equal(t, r.Sender.Planned, r.Sender.Sent)
	assert.Equal(t, w.plan.Count().Requests, r.Sender.Planned)
	assert.Equal(t, w.plan.Digest, r.PlanDigest)
	require.Len(t, r.Patterns, 4)
	sent := 0
	for _, p := range r.Patterns {
		sent += p.Requests.Sent
		assert.Equal(t, p.Requests.Sent, p.Requests.Accepted+p.Requests.Rejected+p.Requests.Unavailable, p.Pattern)
		require.Len(t, p.Timeline.Lanes, 3, p.Pattern)
	}
	assert.Equal(t, r.Sender.Sent, sent)
}

// The plan is symbolic: the same seed gives the same plan, whatever came of it.
func TestARunDoesNotChangeItsPlan(t *testing.T) {
	w := wholeRun(t)
	assert.Equal(t, w.plan.Digest, w.plan.digest())
	assert.Equal(t, w.plan.Digest, planOf(t, wholeScenario, 1).Digest)
}

func TestMutantsOfAllKindsAreJudged(t *testing.T) {
	for _, p := range wholeRun(t).Report.Patterns {
		for _, m := range p.Mutations {
			assert.Positive(t, m.Sent)
			assert.Zero(t, m.Wrong, "%s: %s", p.Pattern, m.Mutation)
		}
		if !wholeJWT(p.Pattern) {
			continue
		}
		assert.GreaterOrEqual(t, len(p.Mutations), 25, p.Pattern)
	}
}

// wholeJWT says whether a pattern takes signed tokens, of which there are most mutations.
func wholeJWT(pattern string) bool {
	return pattern == scenarios.Remote || pattern == scenarios.Registry
}

func TestACheckedHistorySaysTheSameAsTheRun(t *testing.T) {
	w := wholeRun(t)
	again, err := readHistory(t, w.history).Check()
	require.NoError(t, err)
	require.Len(t, again.Patterns, 4)
	for i, p := range w.Report.Patterns {
		assert.Equal(t, p.Revoke, again.Patterns[i].Revoke, p.Pattern)
		assert.Equal(t, p.Safety, again.Patterns[i].Safety, p.Pattern)
		for j, g := range p.Gates {
			assert.Equal(t, g.Verdict, again.Patterns[i].Gates[j].Verdict, "%s: %s", p.Pattern, g.Expr)
		}
	}
	assert.Equal(t, w.Report.Verdict, again.Verdict)
}

func TestHistogramsOfARunAreWritten(t *testing.T) {
	w := wholeRun(t)
	dir := t.TempDir()
	require.NoError(t, w.WriteHLog(dir))
	files, err := filepath.Glob(filepath.Join(dir, "*.hlog"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, name := range files {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		requireHistograms(t, name, string(text))
	}
}

// requireHistograms requires intervals of every pattern: tag, start, length, max, histogram.
func requireHistograms(t *testing.T, name, text string) {
	t.Helper()
	require.True(t, strings.HasPrefix(text, "#[Histogram log format version"), name)
	patterns := map[string]bool{}
	for line := range strings.Lines(text) {
		if tag, ok := strings.CutPrefix(line, "Tag="); ok {
			fields := strings.Split(strings.TrimSpace(tag), ",")
			require.Len(t, fields, 5, name)
			require.True(t, strings.HasPrefix(fields[4], "HIST"), "%s: %s", name, fields[4])
			pattern, _, _ := strings.Cut(fields[0], ":")
			patterns[pattern] = true
		}
	}
	require.NotEmpty(t, patterns, name)
}
