package scenarios

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/fixtures/traffic"
	"github.com/tokendrill/tokendrill/harness/measure"
)

func TestCatalogueParsesAndIsSorted(t *testing.T) {
	var got []string
	for _, s := range Catalogue() {
		got = append(got, s.Name)
	}
	assert.Equal(t, names(), got, "a file has the name of its scenario")
	assert.IsIncreasing(t, got)
	assert.Subset(t, got, []string{"field-review", "quick"})
}

func TestCatalogueFilesSayWhatToExpect(t *testing.T) {
	for _, name := range names() {
		data, err := catalogue.ReadFile("catalogue/" + name + ".yaml")
		require.NoError(t, err)
		comment, _, _ := strings.Cut(string(data), "\nname:")
		assert.Contains(t, comment, "\n# "+name+" ", "what it shows")
		assert.Contains(t, comment, "\n# Source: ")
		assert.Contains(t, comment, "\n# Expect: ")
	}
}

// A limit below 1.25 times what the pattern promises by design, or a response
// limit below what a busy machine can hold, fails by chance.
func TestCatalogueLimitsLeaveRoom(t *testing.T) {
	for _, s := range Catalogue() {
		for _, expr := range s.Gates {
			g, err := measure.ParseGate(expr)
			require.NoError(t, err)
			for _, p := range s.Patterns {
				bound, _ := s.Bound(p)
				if limit, ok := g.RevokeLimit(); ok && g.Applies(p) && !s.Revoke.Children { // the bound of a child is its own life
					assert.GreaterOrEqual(t, limit, bound*5/4, "%s: %s for %s", s.Name, expr, p)
				}
			}
			if strings.HasPrefix(g.Metric.Name, "latency.response.") {
				assert.GreaterOrEqual(t, g.Limit, 100.0, "%s: %s", s.Name, expr)
			}
		}
	}
}

// The comparisons support p95 (59 moments); a failure ends within about 8 s, on
// containers within 12 s, and has 8 revocations to look at.
func TestCatalogueRunsAreLongEnoughAndShortEnough(t *testing.T) {
	comparisons := map[string]time.Duration{"quick": 57 * time.Second, "field-review": 85 * time.Second}
	recordings := map[string]bool{}
	for _, s := range Catalogue() {
		recordings[s.Traffic.Recording] = true
		most, tokens := 8*time.Second, 8
		if slices.ContainsFunc(s.Faults, func(f Fault) bool { return strings.HasPrefix(f.Name, "container.") }) {
			most = 12 * time.Second
		}
		if longer, ok := comparisons[s.Name]; ok {
			most, tokens = longer, 59
		}
		assert.GreaterOrEqual(t, s.Revoke.Tokens, tokens, s.Name)
		assert.Less(t, s.LatencyPhase()+s.RevocationPhase(), most, s.Name)
	}
	for name := range recordings {
		_, err := traffic.Open(name)
		assert.NoError(t, err)
	}
}

// A token that is refused counts only if it was watched for its bound afterwards
// (quiet period): the window must hold both, the ordinary time-to-revoke with the
// gap of its last probe, and the bound.
func TestCatalogueWatchesForTheQuietPeriod(t *testing.T) {
	for _, s := range Catalogue() {
		for _, p := range s.Patterns {
			ordinary := 500 * time.Millisecond
			if p == Cache {
				ordinary = time.Duration(float64(s.Settings.Cache.TTL) * (1 + float64(s.Revoke.Growth)))
			}
			assert.GreaterOrEqual(t, s.Window(p), ordinary+s.Quiet(p), "%s: %s", s.Name, p)
		}
	}
}

func TestBoundFollowsTheSettings(t *testing.T) {
	quick, err := Load("quick")
	require.NoError(t, err)
	for pattern, want := range map[string]time.Duration{
		Cache: 2 * time.Second, Remote: 0, Registry: 2 * time.Second, Hybrid: 2 * time.Second, "other": 0,
	} {
		got, why := quick.Bound(pattern)
		assert.Equal(t, want, got, pattern)
		assert.Equal(t, pattern == "other", why == "", pattern)
	}
	assert.Equal(t, 19200*time.Millisecond, quick.LatencyPhase())
	assert.Equal(t, 2900*time.Millisecond, quick.Lead(), "the life of a minted token and a control")
	assert.Equal(t, 2900*time.Millisecond+(64*4-1)*110*time.Millisecond+4500*time.Millisecond+ControlTail, quick.RevocationPhase())
	assert.Equal(t, 4500*time.Millisecond, quick.Window(Hybrid), "twice the bound and half a second")
	assert.Equal(t, 1500*time.Millisecond, quick.Window(Remote), "a reject is watched half a second even with no bound")
}

// Its exp would come before the end of any longer watch.
func TestAChildIsWatchedForLessThanItsLife(t *testing.T) {
	s, err := Parse([]byte(least+"patterns: [hybrid]\nsettings: {hybrid: {minted_ttl: 3s}}\nrevocations: {children: true}\n"), "f")
	require.NoError(t, err)
	bound, _ := s.Bound(Hybrid)
	assert.Equal(t, 3*time.Second, bound)
	assert.Equal(t, 500*time.Millisecond, s.Quiet(Hybrid))
	assert.Equal(t, 1500*time.Millisecond, s.Window(Hybrid))
}

func TestABulkRevocationIsPlannedAsOneCallForEachPattern(t *testing.T) {
	s, err := Parse([]byte(least+"patterns: [cache, remote]\nrevocations: {tokens: 1000, every: 1s, bulk: true}\n"), "f")
	require.NoError(t, err)
	assert.Equal(t, BulkSpread+time.Second+s.Window(Cache)+ControlTail, s.RevocationPhase())
	assert.Equal(t, 20, s.Probed())
	s.Revoke.Bulk = false
	assert.Equal(t, 1000, s.Probed())
}

func TestLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mine.yaml")
	require.NoError(t, os.WriteFile(path, []byte(least), 0o600))
	s, err := Load(path)
	require.NoError(t, err)
	assert.Equal(t, "x", s.Name)

	_, err = Load("quik")
	require.ErrorContains(t, err, `no scenario "quik" in the catalogue; nearest: quick`)
	_, err = Load("no/such")
	require.ErrorContains(t, err, "read scenario: open no/such")
	_, err = Load("such.yml")
	require.ErrorContains(t, err, "read scenario: open such.yml")
}
