package harness

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/tokendrill/tokendrill/chaos"
	"github.com/tokendrill/tokendrill/fixtures/pattern"
	"github.com/tokendrill/tokendrill/scenarios"
)

// enforcer is one enforcement point, a gateway or an origin. It can be ended and
// started again: it then has lost what it had in memory, and has the address, the
// links and the clock that it had before.
type enforcer struct {
	*serving
	secret credential // on the way to the authority

	mu      sync.Mutex
	address string  // once it has listened
	factor  float64 // of its TTL
	flush   func()  // empties its cache; nil without one
	cancel  context.CancelFunc
	alive   *sync.WaitGroup
	ends    []func()

	life     tally // requests, while its TTL was off and while it was not
	flushes  atomic.Int64
	restarts atomic.Int64
}

// enforcer serves a gateway or an origin.
func (s *serving) enforcer(ctx context.Context) error {
	n := &enforcer{serving: s, address: s.role.Listen}
	if err := n.start(ctx); err != nil {
		return err
	}
	s.closers = append(s.closers, n.down)
	s.up.URL, s.up.Control = "http://"+n.address, n
	return nil
}

// start starts the node at the address that it had before.
func (n *enforcer) start(ctx context.Context) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	background, stop := context.WithCancel(n.background)
	n.cancel, n.alive, n.ends = stop, &sync.WaitGroup{}, nil
	handler, err := n.handler(ctx, background)
	if err == nil {
		err = n.serve(ctx, handler)
	}
	if err != nil {
		n.end()
	}
	return err
}

func (n *enforcer) serve(ctx context.Context, h http.Handler) error {
	ln, err := listen(ctx, n.address)
	if err != nil {
		return err
	}
	n.address = ln.Addr().String()
	srv := server(h)
	n.alive.Go(func() { _ = srv.Serve(ln) }) // ends with ErrServerClosed
	n.ends = append(n.ends, func() { _ = srv.Close() })
	return nil
}

// down ends the node and cuts off what it was answering.
func (n *enforcer) down() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.end()
	return nil
}

func (n *enforcer) end() {
	if n.cancel == nil {
		return
	}
	n.cancel()
	for _, c := range n.ends {
		c()
	}
	n.alive.Wait()
	n.cancel = nil
}

// restart is what happens to a process that is killed and started again.
func (n *enforcer) restart(ctx context.Context) error {
	_ = n.down() // never fails
	return n.start(ctx)
}

// handler makes the gateway out of its parts, and counts what it serves.
func (n *enforcer) handler(ctx, background context.Context) (http.Handler, error) {
	parts, err := n.parts(ctx, background)
	if err != nil {
		return nil, err
	}
	parts.Sound = n.sound(parts)
	verifier := parts.Sound
	if n.opts.Verifier != nil {
		verifier = n.opts.Verifier(parts)
	}
	n.flush = flushOf(verifier)
	g, err := pattern.NewGateway(pattern.GatewayConfig{
		Name: n.role.Node, Policy: parts.Policy, Verifier: verifier, Clock: n.clock.Now,
		Upstream: n.role.Peers.Upstream, Transport: n.hop(n.upLink()), Audit: n.opts.Audit,
	})
	if err != nil {
		return nil, err
	}
	stretched := n.stretch() != 1
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n.life.add(stretched)
		g.ServeHTTP(w, r)
	}), nil
}

// upLink is the hop to what it protects.
func (n *enforcer) upLink() string {
	if n.role.Pattern == scenarios.Hybrid && n.role.Kind == chaos.RoleGateway {
		return linkEdgeOrigin
	}
	return linkGatewayUpstream
}

// flushOf is what empties a verifier's cache, nil if it has none. A Fallback has no
// cache of its own.
func flushOf(v pattern.Verifier) func() {
	if f, ok := v.(pattern.Fallback); ok {
		return flushOf(f.Verifier)
	}
	if f, ok := v.(interface{ Flush() }); ok {
		return f.Flush
	}
	return nil
}

// stretch is the factor of the node's TTL.
func (n *enforcer) stretch() float64 {
	if n.factor == 0 {
		return 1
	}
	return n.factor
}

// setTTL is a change of configuration, which takes a restart.
func (n *enforcer) setTTL(ctx context.Context, factor float64) error {
	n.mu.Lock()
	n.factor = factor
	n.mu.Unlock()
	return n.restart(ctx)
}

// Do implements chaos.Control.
func (n *enforcer) Do(ctx context.Context, c chaos.Command) error {
	switch c.Verb {
	case chaos.VerbClock:
		n.clock.set(seconds(c.Amount))
	case chaos.VerbTTL:
		return n.setTTL(ctx, c.Amount)
	case chaos.VerbFlush:
		n.empty()
	case chaos.VerbRestart:
		n.restarts.Add(1)
		return n.restart(ctx)
	case chaos.VerbCredentials:
		n.secret.wrong.Store(c.Amount != 0)
	default:
		return unknownVerb(n.role.Node, c.Verb)
	}
	return nil
}

// empty empties the node's cache, and counts it if there is one.
func (n *enforcer) empty() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.flush != nil {
		n.flush()
		n.flushes.Add(1)
	}
}

// Count implements chaos.Control.
func (n *enforcer) Count(v chaos.Verb) (met, clear int64) {
	met, clear = n.life.read()
	switch v {
	case chaos.VerbClock:
		return n.clock.reads.read()
	case chaos.VerbFlush:
		return n.flushes.Load(), met + clear
	case chaos.VerbRestart:
		return n.restarts.Load(), met + clear
	case chaos.VerbCredentials:
		return n.secret.calls.read()
	}
	return met, clear // VerbTTL
}
