package harness

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tokendrill/tokendrill/chaos"
	"github.com/tokendrill/tokendrill/fixtures/authority"
	"github.com/tokendrill/tokendrill/fixtures/pattern"
	"github.com/tokendrill/tokendrill/fixtures/registry"
)

// Embedded is the default stage: every role in this process, each on a loopback
// socket of its own, real HTTP and real NATS between them.
type Embedded struct {
	// Verifier replaces the verifier of each enforcement point; nil keeps the sound one.
	Verifier func(pattern.Parts) pattern.Verifier
	// Audit hears of every fallback, limited operation and step-up; nil throws them away.
	Audit pattern.Auditor
	// Authority stands before the authority's handler; nil lets nothing stand there.
	Authority func(http.Handler) http.Handler
	// Clients are more clients of the authority, for whom the stage is there besides
	// the run. Their IDs must be none that the stage has: those of the patterns,
	// "operator", "minter" and "app-N".
	Clients []authority.Client
}

// Start puts the roles in place, in the order in which they need each other.
func (s Embedded) Start(ctx context.Context, p *Plan) (*Site, error) {
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	if s.Audit == nil {
		s.Audit = pattern.NewAuditLog(io.Discard)
	}
	e := &embedded{Embedded: s, plan: p, links: map[string]*chaos.Link{}, background: background, stop: stop, transport: NewTransport(DefaultAttackWorkers)}
	for _, step := range []func(context.Context) error{e.startRegistry, e.startAuthority, e.startCDN, e.startUpstream, e.startPatterns} {
		if err := step(ctx); err != nil {
			return nil, errors.Join(err, e.close())
		}
	}
	return e.site(), nil
}

// embedded is an Embedded stage that is up, or on its way.
type embedded struct {
	Embedded

	plan       *Plan
	transport  *http.Transport // of every hop between roles
	background context.Context
	stop       context.CancelFunc
	running    sync.WaitGroup
	closers    []func() error // closed in reverse order

	links     map[string]*chaos.Link // by what String says
	hops      []*chaos.Link          // the same in the order of their making
	nodes     []chaos.Node
	delivered atomic.Int64 // updates of the registry, to all nodes together
	registry  *registry.Server
	authority *authority.Authority
	operator  *oauthClient
	secrets   map[string]string // of the gateways, by pattern
	base      string            // of the authority, which is its issuer too
	cdn       string
	upstream  string
	gateways  [][]string
	origins   [][]string                   // of the hybrid gateways, in the same order; else empty
	clock     wallClock                    // of the authority
	doors     map[string]http.RoundTripper // client-gateway, by host of the gateway
}

// originAudience is whom the hybrid pattern's minted tokens are for.
const originAudience = "tokendrill-origin"

// Link names.
const (
	linkClientGateway     = "client-gateway"
	linkGatewayAuthority  = "gateway-authority"
	linkGatewayRegistry   = "gateway-registry"
	linkGatewayCDN        = "gateway-cdn"
	linkCDNAuthority      = "cdn-authority"
	linkAuthorityRegistry = "authority-registry"
	linkGatewayUpstream   = "gateway-upstream"
	linkEdgeOrigin        = "edge-origin"
)

// link is the hop called name from a node, with the scenario's profile. A node
// that starts again finds its links as they were.
func (e *embedded) link(name, node string) *chaos.Link {
	where := name + " at " + node
	if e.links[where] == nil {
		e.links[where] = chaos.NewLink(name, node, e.plan.Scenario.Links[name].Chaos(), e.plan.rng(where, 0).Uint64())
		e.hops = append(e.hops, e.links[where])
	}
	return e.links[where]
}

// hop is the transport of a link.
func (e *embedded) hop(name, node string) http.RoundTripper {
	return e.link(name, node).Transport(e.transport)
}

// serve serves a handler on a loopback port of its own and returns its base URL.
func (e *embedded) serve(ctx context.Context, role string, h http.Handler) (string, error) {
	ln, err := listen(ctx, role, anyLoopback)
	if err != nil {
		return "", err
	}
	e.serveOn(ln, h)
	return "http://" + ln.Addr().String(), nil
}

// anyLoopback is an address with a port that is free.
const anyLoopback = "127.0.0.1:0"

func listen(ctx context.Context, role, address string) (net.Listener, error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", role, err)
	}
	return ln, nil
}

func (e *embedded) serveOn(ln net.Listener, h http.Handler) {
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	e.running.Go(func() { _ = srv.Serve(ln) }) // ends with ErrServerClosed
	e.closers = append(e.closers, srv.Close)
}

// close ends every role and waits for it. It may be called once.
func (e *embedded) close() error {
	e.stop()
	var err error
	for i := len(e.closers) - 1; i >= 0; i-- {
		err = errors.Join(err, e.closers[i]())
	}
	e.transport.CloseIdleConnections()
	e.running.Wait()
	return err
}

func (e *embedded) startRegistry(ctx context.Context) error {
	dir, err := e.registryDir()
	if err != nil {
		return fmt.Errorf("registry: %w", err)
	}
	srv, err := registry.Start(ctx, dir)
	if err != nil {
		return fmt.Errorf("registry: %w", err)
	}
	e.registry = srv
	e.closers = append(e.closers, srv.Close)
	e.node(chaos.RoleRegistry, controlRegistry(srv, e.delivered.Load))
	return nil
}

// registryDir is where the registry keeps its store: on disk if a fault restarts
// it, as a real one would, and else in memory.
func (e *embedded) registryDir() (string, error) {
	restarts := func(w FaultWindow) bool { return w.Node == chaos.RoleRegistry }
	if !slices.ContainsFunc(e.plan.Faults, restarts) {
		return "", nil
	}
	dir, err := os.MkdirTemp("", "tokendrill-registry-")
	e.closers = append(e.closers, func() error { return os.RemoveAll(dir) })
	return dir, err
}

// node makes a role known to faults.
func (e *embedded) node(name string, c chaos.Control) {
	e.nodes = append(e.nodes, chaos.Node{Name: name, Control: c})
}

// dial connects a node to the registry over a link.
func (e *embedded) dial(ctx context.Context, link *chaos.Link) (*registry.Conn, error) {
	conn, err := registry.Dial(ctx, e.registry.URL(), registry.Options{Name: link.Node, Dial: link.DialContext})
	if err != nil {
		return nil, fmt.Errorf("%v: %w", link, err)
	}
	e.closers = append(e.closers, func() error { conn.Close(); return nil })
	return conn, nil
}

// startAuthority listens first: its address is its issuer.
func (e *embedded) startAuthority(ctx context.Context) error {
	conn, err := e.dial(ctx, e.link(linkAuthorityRegistry, "authority"))
	if err != nil {
		return err
	}
	ln, err := listen(ctx, "authority", anyLoopback)
	if err != nil {
		return err
	}
	e.base = "http://" + ln.Addr().String()
	sc := e.plan.Scenario
	cfg := authority.Config{
		Issuer: e.base, Clock: e.clock.Now, Lifetime: sc.Tokens.Lifetime, Audience: audience,
		OriginAudience: originAudience, MintedTTL: sc.Settings.Hybrid.MintedTTL, BundleMaxAge: sc.Settings.Hybrid.BundleMaxAge,
		Prefix: sc.Tokens.Prefix, Suffix: sc.Tokens.Suffix, Clients: e.clients(), Registry: conn,
	}
	if e.authority, err = authority.New(cfg); err != nil {
		ln.Close()
		return fmt.Errorf("authority: %w", err)
	}
	handler := http.Handler(e.authority)
	if e.Authority != nil {
		handler = e.Authority(handler)
	}
	served := new(atomic.Int64)
	e.node(chaos.RoleAuthority, controlAuthority(e.authority, &e.clock, served))
	e.serveOn(ln, countedHandler(handler, served))
	e.running.Go(func() { _ = e.authority.Run(e.background, sc.Settings.Registry.Heartbeat) }) // nil when stopped
	return nil
}

// clients are the authority's clients: those of the operator, who has one for each
// kind of token, and one for the gateways of each pattern, so that its calls can be
// told apart. Secrets are drawn anew for each stage.
func (e *embedded) clients() []authority.Client {
	e.operator = newOAuthClient(e.base, &http.Client{Transport: e.transport}, e.plan.grantKinds())
	out := e.operator.clients(e.plan.scopes)
	out = append(out, e.Clients...)
	e.secrets = map[string]string{}
	for _, i := range e.plan.References() {
		s := e.plan.Systems[i]
		e.secrets[s.Pattern] = rand.Text()
		out = append(out, authority.Client{ID: s.Pattern, Secret: e.secrets[s.Pattern], Introspects: true, SignedIntrospection: true})
	}
	return out
}

func (e *embedded) startCDN(ctx context.Context) error {
	cdn, err := pattern.NewCDN(pattern.CDNConfig{
		Origin: e.base, Transport: e.hop(linkCDNAuthority, "cdn"), MaxAge: e.plan.Scenario.Settings.Hybrid.BundleMaxAge,
	})
	if err != nil {
		return fmt.Errorf("cdn: %w", err)
	}
	served := new(atomic.Int64)
	e.node(chaos.RoleCDN, controlCDN(cdn, served))
	e.cdn, err = e.serve(ctx, "cdn", countedHandler(cdn, served))
	return err
}

// countedHandler counts what a handler serves.
func countedHandler(h http.Handler, served *atomic.Int64) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		served.Add(1)
		h.ServeHTTP(w, r)
	})
}

// startUpstream serves what the gateways protect.
func (e *embedded) startUpstream(ctx context.Context) (err error) {
	e.upstream, err = e.serve(ctx, "upstream", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"ok":true}`)) // the client has gone if it fails
	}))
	return err
}

// site is what the rest of a run sees of the stage.
func (e *embedded) site() *Site {
	return &Site{
		Stage: "embedded (loopback)", Gateways: e.gateways, Transport: e.client(), Authority: e.operator,
		Issuer: e.base, Ring: e.authority.Ring(), Links: e.hops, Nodes: e.nodes, Origins: e.origins,
		Calls: func(p string) int64 { return e.authority.Calls()[p] },
		Floor: e.upstream + "/", Close: e.close,
	}
}

// client reaches each gateway over its own client-gateway link.
func (e *embedded) client() http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		if door, ok := e.doors[r.URL.Host]; ok {
			return door.RoundTrip(r)
		}
		return e.transport.RoundTrip(r)
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

var _ Stage = Embedded{}
