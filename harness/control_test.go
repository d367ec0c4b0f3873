package harness

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/chaos"
	"github.com/tokendrill/tokendrill/fixtures/pattern"
	"github.com/tokendrill/tokendrill/fixtures/token"
	"github.com/tokendrill/tokendrill/scenarios"
)

// steered is an embedded stage whose nodes are told what to do.
type steered struct {
	*Site
	t      *testing.T
	plan   *Plan
	lives  map[string]time.Duration // TTL of what each node was built with last
	keys   string                   // where the CDN serves the key set
	tokens map[token.Format]string
}

func steer(t *testing.T) *steered {
	s := &steered{t: t, plan: planOf(t, steeredScenario, 1), lives: map[string]time.Duration{}, tokens: map[token.Format]string{}}
	site, err := Embedded{Verifier: func(p pattern.Parts) pattern.Verifier {
		s.lives[p.Node] = p.TTL
		if p.KeysFrom.URL != "" {
			s.keys = p.KeysFrom.URL
		}
		return p.Sound
	}}.Start(t.Context(), s.plan)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, site.Close()) })
	s.Site = site
	for _, f := range []token.Format{token.Opaque, token.JWT} {
		s.tokens[f] = s.issue(f)
	}
	return s
}

// steeredScenario has a TTL so long that nothing ends by itself, and a fault that
// puts the registry on disk.
const steeredScenario = `
name: steered
about: nodes do what they are told
traffic: {recording: sample, rate: 50/s, rounds: 1, slice: 100ms}
revocations: {tokens: 3, every: 50ms, first_gap: 10ms, growth: 10%, rate: 20/s}
settings: {cache: {ttl: 1m, timeout: 10s}, remote: {timeout: 10s, retries: 0, breaker_failures: 1000}, hybrid: {minted_ttl: 60s, timeout: 10s}, registry: {staleness: 5s, heartbeat: 50ms}}
routes: [{path: /*}]
faults: [{name: node.restart, node: registry, at: 1s, for: 1s}]
`

func (s *steered) issue(f token.Format) string {
	issued, err := s.Authority.Issue(s.t.Context(), Grant{Format: f})
	require.NoError(s.t, err)
	return issued.Token
}

func (s *steered) do(node string, v chaos.Verb, amount float64) {
	s.t.Helper()
	for _, n := range s.Nodes {
		if n.Name == node {
			require.NoError(s.t, n.Control.Do(s.t.Context(), chaos.Command{Verb: v, Amount: amount}))
			return
		}
	}
	require.Fail(s.t, "no node "+node)
}

func (s *steered) count(node string, v chaos.Verb) (met, clear int64) {
	for _, n := range s.Nodes {
		if n.Name == node {
			return n.Control.Count(v)
		}
	}
	return 0, 0
}

// get asks the n-th gateway of a pattern; what comes back is the status and the cache result.
func (s *steered) get(name string, gateway int, raw string) (status int, cache string) {
	for i, sys := range s.plan.Systems {
		if sys.Pattern != name {
			continue
		}
		req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.Gateways[i][gateway]+"/", nil)
		require.NoError(s.t, err)
		req.Header.Set("Authorization", "Bearer "+raw)
		res, err := s.Transport.RoundTrip(req)
		if err != nil {
			return 0, ""
		}
		res.Body.Close()
		return res.StatusCode, answerCache(res.Header)
	}
	return 0, ""
}

func (s *steered) status(name string, gateway int) int {
	format := token.Opaque
	if name == scenarios.Remote || name == scenarios.Registry {
		format = token.JWT
	}
	status, _ := s.get(name, gateway, s.tokens[format])
	return status
}

func TestAFlushEmptiesTheCachesOfOneNode(t *testing.T) {
	s := steer(t)
	for gateway := range 2 {
		s.get(scenarios.Cache, gateway, s.tokens[token.Opaque])
	}
	s.do("cache/gw-1", chaos.VerbFlush, 1)
	_, flushed := s.get(scenarios.Cache, 0, s.tokens[token.Opaque])
	_, other := s.get(scenarios.Cache, 1, s.tokens[token.Opaque])
	assert.Equal(t, pattern.Miss, flushed)
	assert.Equal(t, pattern.Hit, other)
	met, clear := s.count("cache/gw-1", chaos.VerbFlush)
	assert.EqualValues(t, 1, met)
	assert.EqualValues(t, 2, clear)
}

func TestARestartLosesTheMemoryOfOneNodeAndKeepsItsAddress(t *testing.T) {
	s := steer(t)
	for gateway := range 2 {
		s.get(scenarios.Cache, gateway, s.tokens[token.Opaque])
	}
	s.do("cache/gw-1", chaos.VerbRestart, 1)
	status, cache := s.get(scenarios.Cache, 0, s.tokens[token.Opaque])
	if status == 0 { // the connection of before is gone; the next one is new
		status, cache = s.get(scenarios.Cache, 0, s.tokens[token.Opaque])
	}
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, pattern.Miss, cache)
	_, other := s.get(scenarios.Cache, 1, s.tokens[token.Opaque])
	assert.Equal(t, pattern.Hit, other)
}

func TestATTLIsStretchedAtOneNodeOnly(t *testing.T) {
	s := steer(t)
	s.do("cache/gw-1", chaos.VerbTTL, 2)
	assert.Equal(t, 2*time.Minute, s.lives["cache/gw-1"])
	assert.Equal(t, time.Minute, s.lives["cache/gw-2"])
	for gateway := range 2 {
		require.Equal(t, 200, s.status(scenarios.Cache, gateway))
	}
	s.do("cache/gw-1", chaos.VerbTTL, 1)
	assert.Equal(t, time.Minute, s.lives["cache/gw-1"])
	require.Equal(t, 200, s.status(scenarios.Cache, 0))
	for node, want := range map[string][2]int64{"cache/gw-1": {1, 1}, "cache/gw-2": {0, 1}} {
		met, clear := s.count(node, chaos.VerbTTL)
		assert.Equal(t, want, [2]int64{met, clear}, "%s serves while its TTL is off, and while it is not", node)
	}
}

func TestWhatANodeIsToldShowsThereAndEnds(t *testing.T) {
	for _, row := range []struct {
		name   string
		node   string
		verb   chaos.Verb
		amount float64
		ask    string // whose gw-1 shows it
		want   int
		other  int // what gw-2 answers meanwhile
		over   float64
	}{
		{"wrong credentials are no verdict on the token", "remote/gw-1", chaos.VerbCredentials, 1, scenarios.Remote, 503, 200, 0},
		{"a clock an hour ahead is no verdict on the token", "remote/gw-1", chaos.VerbClock, 3600, scenarios.Remote, 503, 200, 0},
		{"a clock an hour behind is no verdict on the token", "remote/gw-1", chaos.VerbClock, -3600, scenarios.Remote, 503, 200, 0},
		{"a lie of the authority is believed by all", "authority", chaos.VerbLie, 1, scenarios.Remote, 401, 401, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := steer(t)
			require.Equal(t, 200, s.status(row.ask, 0))
			s.do(row.node, row.verb, row.amount)
			assert.Equal(t, row.want, s.status(row.ask, 0))
			assert.Equal(t, row.other, s.status(row.ask, 1))
			met, before := s.count(row.node, row.verb)
			assert.Positive(t, met)

			s.do(row.node, row.verb, row.over)
			assert.Equal(t, 200, s.status(row.ask, 0))
			_, after := s.count(row.node, row.verb)
			assert.Greater(t, after, before)
		})
	}
}

func TestARestartedRegistryHasWhatItHadAndHearsWhatIsNew(t *testing.T) {
	s := steer(t)
	before, after := s.issue(token.JWT), s.issue(token.JWT)
	require.Eventually(t, func() bool { return s.status(scenarios.Registry, 0) == 200 }, 5*time.Second, 10*time.Millisecond)
	s.revoke(before)
	require.Eventually(t, func() bool { return s.refuses(before) }, 5*time.Second, 10*time.Millisecond)
	s.do("registry", chaos.VerbRestart, 1)
	s.revoke(after)
	require.Eventually(t, func() bool { return s.refuses(after) }, 10*time.Second, 10*time.Millisecond)
	assert.True(t, s.refuses(before), "nothing comes back")
	s.do("registry/gw-2", chaos.VerbRestart, 1)
	require.Eventually(t, func() bool {
		status, _ := s.get(scenarios.Registry, 1, before)
		return status == 401
	}, 5*time.Second, 10*time.Millisecond, "one that starts anew learns what was revoked before")
}

func (s *steered) revoke(raw string) {
	status, err := s.Authority.Revoke(context.WithoutCancel(s.t.Context()), raw)
	require.NoError(s.t, err)
	require.Equal(s.t, 200, status)
}

func (s *steered) refuses(raw string) bool {
	status, _ := s.get(scenarios.Registry, 0, raw)
	return status == 401
}

func TestANodeSaysWhatItCannotDo(t *testing.T) {
	s := steer(t)
	for _, n := range s.Nodes {
		assert.Error(t, n.Control.Do(t.Context(), chaos.Command{Verb: "dance"}), n.Name)
	}
}
