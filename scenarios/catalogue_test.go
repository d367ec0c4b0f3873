package scenarios

import (
	"os"
	"path/filepath"
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
				if limit, ok := g.RevokeLimit(); ok && g.Applies(p) {
					assert.GreaterOrEqual(t, limit, bound*5/4, "%s: %s for %s", s.Name, expr, p)
				}
			}
			if strings.HasPrefix(g.Metric.Name, "latency.response.") {
				assert.GreaterOrEqual(t, g.Limit, 100.0, "%s: %s", s.Name, expr)
			}
		}
	}
}

// A shipped scenario supports p95 (59 moments), and ends in time for its purpose.
func TestCatalogueRunsAreLongEnoughAndShortEnough(t *testing.T) {
	longest := map[string]time.Duration{"quick": 52 * time.Second, "field-review": 85 * time.Second}
	recordings := map[string]bool{}
	for _, s := range Catalogue() {
		recordings[s.Traffic.Recording] = true
		assert.GreaterOrEqual(t, s.Revoke.Tokens, 59, s.Name)
		if most, ok := longest[s.Name]; ok {
			priming := s.Settings.Cache.TTL * 5 / 4
			assert.Less(t, s.LatencyPhase()+priming+s.RevocationPhase(), most, s.Name)
		}
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
	assert.Equal(t, 24*time.Second, quick.LatencyPhase())
	assert.Equal(t, 96*4*50*time.Millisecond+4500*time.Millisecond, quick.RevocationPhase())
	assert.Equal(t, 4500*time.Millisecond, quick.Window(Hybrid), "twice the bound and half a second")
	assert.Equal(t, 1500*time.Millisecond, quick.Window(Remote), "a reject is watched half a second even with no bound")
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
