package containers

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/chaos"
	"github.com/tokendrill/tokendrill/fixtures/token"
	"github.com/tokendrill/tokendrill/harness"
)

// drilled has a cache that keeps tokens for longer than a test takes, and gateways
// that give up soon on what does not answer.
const drilled = `
name: drilled
about: two patterns whose containers are broken
patterns: [cache, registry]
traffic: {recording: sample, rate: 50/s, rounds: 1, slice: 100ms}
revocations: {tokens: 3}
tokens: {lifetime: 1h}
settings:
  cache: {ttl: 10m, timeout: 500ms}
  registry: {staleness: 2s, heartbeat: 200ms}
`

// world is a stage as a user, an operator and whoever breaks it see it.
type world struct {
	testing.TB
	site  *harness.Site
	plan  *harness.Plan
	nodes map[string]*node
}

// newWorld starts a stage for the length of a test.
func newWorld(t testing.TB, text string) *world {
	t.Helper()
	return newWorldOf(t, plan(t, text))
}

func newWorldOf(t testing.TB, p *harness.Plan) *world {
	t.Helper()
	w := &world{TB: t, plan: p, nodes: map[string]*node{}}
	var err error
	w.site, err = Stage{Options: options(t)}.Start(t.Context(), w.plan)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.site.Close()) })
	for _, n := range w.site.Nodes {
		w.nodes[n.Name] = n.Control.(*node)
	}
	return w
}

// with is the same world in a part of its test.
func (w world) with(t testing.TB) *world { w.TB = t; return &w }

// issue returns a token that nobody has used.
func (w *world) issue() string {
	w.Helper()
	issued, err := w.site.Authority.Issue(w.Context(), harness.Grant{Format: token.Opaque, Scope: []string{"read"}})
	require.NoError(w, err)
	return issued.Token
}

// jwt returns a signed token that nobody has used.
func (w *world) jwt() string {
	w.Helper()
	issued, err := w.site.Authority.Issue(w.Context(), harness.Grant{Format: token.JWT, Scope: []string{"read"}})
	require.NoError(w, err)
	return issued.Token
}

// gateway is the URL of the first gateway of a pattern.
func (w *world) gateway(pattern string) string {
	for i, s := range w.plan.Systems {
		if s.Pattern == pattern {
			return w.site.Gateways[i][0]
		}
	}
	require.Fail(w, "no pattern "+pattern)
	return ""
}

// ask asks a gateway with a token, and returns the status or why there is none.
func (w *world) ask(pattern, raw string) (int, error) {
	res, err := w.request(pattern, raw)
	if err != nil {
		return 0, err
	}
	return res.StatusCode, nil
}

// cacheStatus is what a gateway tells of its cache (RFC 9211).
func (w *world) cacheStatus(pattern, raw string) string {
	w.Helper()
	res, err := w.request(pattern, raw)
	require.NoError(w, err)
	return res.Header.Get("Cache-Status")
}

// request returns an answer without its body.
func (w *world) request(pattern, raw string) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(w.Context(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.gateway(pattern)+"/", nil)
	require.NoError(w, err)
	req.Header.Set("Authorization", "Bearer "+raw)
	res, err := w.site.Transport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	return res, res.Body.Close()
}

// requireStatus requires an answer.
func (w *world) requireStatus(status int, pattern, raw, why string) {
	w.Helper()
	got, err := w.ask(pattern, raw)
	require.NoError(w, err, why)
	require.Equal(w, status, got, why)
}

// until waits for an answer of a gateway.
func (w *world) until(status int, pattern, raw, why string) {
	w.Helper()
	var got int
	var err error
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if got, err = w.ask(pattern, raw); got == status {
			return
		}
	}
	require.Fail(w, why, "expected %d, the last answer was %d, %v", status, got, err)
}

// do gives a command that must be carried out. What it begins ends with the test.
func (w *world) do(node string, v chaos.Verb, amount float64) {
	w.Helper()
	require.Contains(w, w.nodes, node)
	if amount != 0 {
		w.Cleanup(func() { assert.NoError(w, w.nodes[node].Do(context.Background(), chaos.Command{Verb: v})) })
	}
	require.NoError(w, w.nodes[node].Do(w.Context(), chaos.Command{Verb: v, Amount: amount}))
}

// said are the amounts of verbs that the engine tells of a node.
func (w *world) said(node string) map[chaos.Verb]float64 {
	w.Helper()
	is, err := w.nodes[node].box.inspect(w.Context())
	require.NoError(w, err)
	return w.nodes[node].states(is)
}

// calls are the checks that a pattern has asked of the authority up to now.
func (w *world) calls(pattern string) int64 {
	time.Sleep(60 * time.Millisecond) // counts may be 50 ms old
	return w.site.Calls(pattern)
}
