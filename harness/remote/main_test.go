package remote

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tokendrill/tokendrill/fixtures/pattern"
	"github.com/tokendrill/tokendrill/fixtures/traffic"
	"github.com/tokendrill/tokendrill/harness"
	"github.com/tokendrill/tokendrill/scenarios"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// controlKey is that of every process here.
const controlKey = "the-control-key-of-the-tests"

// process is Serve, as it is in the process of a role.
type process struct {
	at    string // base URL of its control listener
	end   context.CancelFunc
	ended chan struct{}
	err   error // once it has ended
}

// launch starts a process for a role of some kind, which listens where it is told to.
func launch(t testing.TB, kind, listen string) *process {
	t.Helper()
	return launchWith(t, Options{Kind: kind, KeyHash: HashKey(controlKey), Start: func(ctx context.Context, r harness.Role, audit pattern.Auditor) (*harness.Served, error) {
		r.Listen = listen
		return harness.Serve(ctx, r, harness.ServeOptions{Audit: audit})
	}})
}

func launchWith(t testing.TB, o Options) *process {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, end := context.WithCancel(context.WithoutCancel(t.Context()))
	p := &process{at: "http://" + ln.Addr().String(), end: end, ended: make(chan struct{})}
	go func() {
		defer close(p.ended)
		p.err = Serve(ctx, ln, o)
	}()
	t.Cleanup(p.kill)
	return p
}

// kill ends the process and waits for that.
func (p *process) kill() {
	p.end()
	<-p.ended
}

// endsByItself waits until the process has ended without being told to.
func (p *process) endsByItself(t testing.TB) {
	t.Helper()
	select {
	case <-p.ended:
		assert.NoError(t, p.err)
	case <-time.After(10 * time.Second):
		require.Fail(t, "the process does not end")
	}
}

// send sends one request as somebody with a key, or without, and returns the answer.
func (p *process) send(t testing.TB, method, path, authorization, order, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, p.at+path, strings.NewReader(body))
	require.NoError(t, err)
	req.Close = true
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	if order != "" {
		req.Header.Set(headerOrder, order)
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	said, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, string(bytes.TrimSpace(said))
}

// ask is send with the key.
func (p *process) ask(t testing.TB, method, path, order, body string) (int, string) {
	t.Helper()
	return p.send(t, method, path, "Bearer "+controlKey, order, body)
}

// serving is a process that serves a role, and its client.
func serving(t testing.TB, role harness.Role) (*process, *Client) {
	t.Helper()
	p := launch(t, role.Kind, "")
	c := NewClient(func() string { return p.at }, controlKey)
	t.Cleanup(func() { c.Close() })
	_, err := c.Start(t.Context(), role)
	require.NoError(t, err)
	return p, c
}

// spread is a stage each role of which is in a process of its own, as far as it knows.
type spread struct {
	t testing.TB

	mu    sync.Mutex
	roles []harness.Role
	nodes map[string]*node
}

// node is a role of the stage.
type node struct {
	*Client
	mu      sync.Mutex
	process *process
	up      Up
}

func (n *node) control() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.process.at
}

// restart kills the process, and starts another at the same address.
func (n *node) restart(t testing.TB, kind string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.process.kill()
	at, err := url.Parse(n.up.URL)
	require.NoError(t, err)
	n.process = launch(t, kind, at.Host)
}

// Start implements harness.Stage.
func (s *spread) Start(ctx context.Context, p *harness.Plan) (*harness.Site, error) {
	s.nodes = map[string]*node{}
	transport := harness.NewTransport(harness.DefaultAttackWorkers)
	site, err := harness.References{Stage: "remote", Transport: transport, Serve: s.serve}.Start(ctx, p)
	if err != nil {
		return nil, err
	}
	down := site.Close
	site.Close = func() error {
		defer transport.CloseIdleConnections()
		return down()
	}
	return site, nil
}

func (s *spread) serve(ctx context.Context, role harness.Role) (*harness.Standing, error) {
	n := &node{process: launch(s.t, role.Kind, "")}
	n.Client = NewClient(n.control, controlKey)
	up, err := n.Start(ctx, role)
	if err != nil {
		return nil, err
	}
	n.up = up
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nodes[role.Node], s.roles = n, append(s.roles, role)
	return &harness.Standing{
		Served: harness.Served{URL: up.URL, Control: n, Calls: n.Calls, Close: n.Close},
		Within: up.URL, Far: n,
	}, nil
}

func scenarioOf(t testing.TB, yaml string) *scenarios.Scenario {
	t.Helper()
	sc, err := scenarios.Parse([]byte(yaml), "test.yaml")
	require.NoError(t, err)
	return sc
}

func planOf(t testing.TB, yaml string) *harness.Plan {
	t.Helper()
	sc := scenarioOf(t, yaml)
	rec, err := traffic.Open(sc.Traffic.Recording)
	require.NoError(t, err)
	plan, err := harness.NewPlan(sc, rec, 1)
	require.NoError(t, err)
	return plan
}
