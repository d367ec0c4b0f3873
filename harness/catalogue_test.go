package harness

import (
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/fixtures/traffic"
	"github.com/tokendrill/tokendrill/harness/measure"
	"github.com/tokendrill/tokendrill/scenarios"
)

// few are walked every time, the others in the slow tests: an outage, a tampered
// answer, a push that is lost, and crafted traffic without a fault.
var few = []string{"authority-outage", "unsigned-answer", "push-lost", "scope-change"}

// comparisons load the machine for a minute each, and run alone.
var comparisons = []string{"quick", "field-review"}

// Each scenario says in its header what verdict it ends with.
func TestTheCatalogueKeepsItsPromises(t *testing.T) {
	if raceDetector {
		t.Skip("measures; make test and make test-all run it without the race detector")
	}
	for _, sc := range scenarios.Catalogue() {
		if testing.Short() && !slices.Contains(few, sc.Name) {
			continue
		}
		t.Run(sc.Name, func(t *testing.T) {
			if !slices.Contains(comparisons, sc.Name) {
				t.Parallel()
			}
			keepsItsPromise(t, sc)
		})
	}
}

var promise = regexp.MustCompile(`(?m)^# Verdict: ([a-z]+)$`)

// keepsItsPromise runs a scenario, again if a busy machine got in its way.
func keepsItsPromise(t *testing.T, sc *scenarios.Scenario) {
	source, err := scenarios.Source(sc.Name)
	require.NoError(t, err)
	promised := promise.FindSubmatch(source)
	require.NotNil(t, promised, "no verdict is promised")
	rec, err := traffic.Open(sc.Traffic.Recording)
	require.NoError(t, err)
	p, err := NewPlan(sc, rec, 7)
	require.NoError(t, err)
	for try := 1; ; try++ {
		result, err := Run(t.Context(), p, Options{})
		require.NoError(t, err)
		if string(promised[1]) == string(result.Report.Verdict) {
			return
		}
		t.Logf("run %d: %s", try, result.Report.Verdict)
		tellGates(t, result.Report)
		if try == 3 {
			require.Equal(t, string(promised[1]), string(result.Report.Verdict))
		}
	}
}

// tellGates logs what was against a pass.
func tellGates(t *testing.T, r *measure.Report) {
	for _, reason := range r.Validity.Reasons {
		t.Log(reason)
	}
	for _, p := range r.Patterns {
		for _, g := range p.Gates {
			if g.Verdict != measure.Pass {
				t.Logf("%s: %s: %s, %s", p.Pattern, g.Expr, g.Verdict, g.Why)
			}
		}
	}
}

// The same scenario, recording and seed are the same plan, to the last probe.
func TestAPlanOfTheCatalogueHasOneDigest(t *testing.T) {
	for _, sc := range scenarios.Catalogue() {
		if slices.Contains(comparisons, sc.Name) && testing.Short() {
			continue
		}
		rec, err := traffic.Open(sc.Traffic.Recording)
		require.NoError(t, err)
		one, err := NewPlan(sc, rec, 7)
		require.NoError(t, err, sc.Name)
		again, err := scenarios.Load(sc.Name)
		require.NoError(t, err)
		two, err := NewPlan(again, rec, 7)
		require.NoError(t, err, sc.Name)
		assert.Equal(t, one.Digest, two.Digest, sc.Name)
	}
}
