package harness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tokendrill/tokendrill/chaos"
	"github.com/tokendrill/tokendrill/fixtures/authority"
	"github.com/tokendrill/tokendrill/fixtures/pattern"
	"github.com/tokendrill/tokendrill/fixtures/token"
	"github.com/tokendrill/tokendrill/scenarios"
)

// Role is one role of a reference stage as plain data, so that it can be served in
// this process or handed to another one as JSON. It holds the secrets of a stage:
// it is not for files, logs or command lines.
type Role struct {
	// Kind is one of Roles.
	Kind string
	// Node is its name, such as "cache/gw-1" or "authority".
	Node string
	// Pattern is that of an enforcement point; empty for the others.
	Pattern string
	// Listen is its address; empty is any free port on loopback.
	Listen string
	// Issuer is that of the authority. An authority of which it is empty is its own.
	Issuer string
	// Links are the hops from the node, by name.
	Links map[string]LinkProfile
	// Peers are where it finds the others.
	Peers Peers
	// Settings are those of the scenario.
	Settings scenarios.Settings
	// Policy is that of a gateway; its issuer and audience are filled in.
	Policy token.Policy
	// Secret is with which an enforcement point calls the authority, as Pattern.
	Secret string
	// RootKeys verify key bundles.
	RootKeys token.KeySet `json:",omitzero"`
	// Authority is for an authority only.
	Authority AuthorityRole
	// Durable has the registry keep its store in files, to find it again after a restart,
	// in Dir; empty is a directory that goes with it.
	Durable bool
	Dir     string
}

// AuthorityRole is what only an authority needs.
type AuthorityRole struct {
	Lifetime       time.Duration
	Prefix, Suffix int
	Clients        []authority.Client
	// Ring and Root are its rings, by token.Ring.Private.
	Ring, Root []byte
}

// LinkProfile is what one hop adds, and what it draws that from.
type LinkProfile struct {
	Delay chaos.Delay
	Seed  uint64
}

// Peers are base URLs, as the role reaches them.
type Peers struct {
	Authority string
	Registry  string
	CDN       string
	// Upstream is what an enforcement point protects: the origin behind an edge.
	Upstream string
}

// roleUpstream is what the gateways protect. No fault acts on it.
const roleUpstream = "upstream"

// Roles are the kinds of roles, in the order in which they need each other.
func Roles() []string {
	return []string{chaos.RoleRegistry, chaos.RoleAuthority, chaos.RoleCDN, roleUpstream, chaos.RoleOrigin, chaos.RoleGateway}
}

// String names the role, and shows no secret of it.
func (r Role) String() string { return r.Kind + " " + r.Node }

// GoString is String.
func (r Role) GoString() string { return r.String() }

// ServeOptions are what a role cannot be told as data. The zero value is good.
type ServeOptions struct {
	// Verifier replaces the verifier of an enforcement point; nil keeps the sound one.
	Verifier func(pattern.Parts) pattern.Verifier
	// Audit hears of every fallback, limited operation and step-up; nil throws them away.
	Audit pattern.Auditor
	// Authority stands before an authority's handler; nil lets nothing stand there.
	Authority func(http.Handler) http.Handler
	// Transport carries its calls to other roles; nil is one of its own.
	Transport *http.Transport
}

// Served is a role that is up.
type Served struct {
	// URL is the base URL of its own address.
	URL string
	// Links are the hops from it.
	Links []*chaos.Link
	// Control steers it; nil for one that knows no verbs.
	Control chaos.Control
	// Calls are the checks that each client has asked of an authority so far; nil for others.
	Calls func() map[string]int64
	// Close takes it down and waits for its end. It is called once.
	Close func() error
}

// Serve starts a role. It stays up until it is closed, also when ctx ends.
func Serve(ctx context.Context, r Role, opts ServeOptions) (*Served, error) {
	start, ok := map[string]func(*serving, context.Context) error{
		chaos.RoleRegistry: (*serving).registry, chaos.RoleAuthority: (*serving).authority, chaos.RoleCDN: (*serving).cdn,
		roleUpstream: (*serving).upstream, chaos.RoleOrigin: (*serving).enforcer, chaos.RoleGateway: (*serving).enforcer,
	}[r.Kind]
	if !ok {
		return nil, fmt.Errorf("serve: no role is called %q", r.Kind)
	}
	s := newServing(ctx, r, opts)
	if err := start(s, ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("serve %v: %w", r, err), s.close())
	}
	s.up.Links, s.up.Close = s.hops, s.close
	return &s.up, nil
}

// peerDial is how long a role by itself tries to connect to another, and peerSilence
// how long the network may take nothing of what it sends.
const (
	peerDial    = 5 * time.Second
	peerSilence = time.Second
)

// serving is a role that is up, or on its way.
type serving struct {
	role       Role
	opts       ServeOptions
	up         Served
	links      map[string]*chaos.Link
	hops       []*chaos.Link // the same, sorted by name
	background context.Context
	stop       context.CancelFunc
	running    sync.WaitGroup
	closers    []func() error // closed in reverse order
	served     atomic.Int64   // what it answered
	clock      wallClock
}

func newServing(ctx context.Context, r Role, opts ServeOptions) *serving {
	s := &serving{role: r, opts: opts, links: map[string]*chaos.Link{}}
	s.background, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	if s.opts.Audit == nil {
		s.opts.Audit = pattern.NewAuditLog(io.Discard)
	}
	if s.opts.Transport == nil {
		s.opts.Transport = NewTransport(DefaultAttackWorkers)
		s.opts.Transport.DialContext = (&net.Dialer{Timeout: peerDial, Control: noticeCut}).DialContext
		s.closers = append(s.closers, func() error { s.opts.Transport.CloseIdleConnections(); return nil })
	}
	for _, name := range slices.Sorted(maps.Keys(r.Links)) {
		l := chaos.NewLink(name, r.Node, r.Links[name].Delay, r.Links[name].Seed)
		s.links[name], s.hops = l, append(s.hops, l)
	}
	return s
}

// hop is the transport of a link.
func (s *serving) hop(name string) http.RoundTripper {
	return s.links[name].Transport(s.opts.Transport)
}

// listen listens where the role should.
func (s *serving) listen(ctx context.Context) (net.Listener, error) {
	ln, err := listen(ctx, s.role.Listen)
	if err == nil {
		s.up.URL = "http://" + ln.Addr().String()
	}
	return ln, err
}

// listen listens on an address; empty is any free port on loopback.
func listen(ctx context.Context, address string) (net.Listener, error) {
	if address == "" {
		address = "127.0.0.1:0"
	}
	var lc net.ListenConfig
	return lc.Listen(ctx, "tcp", address)
}

// serveOn serves a handler, and counts what it serves.
func (s *serving) serveOn(ln net.Listener, h http.Handler) {
	srv := server(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.served.Add(1)
		h.ServeHTTP(w, r)
	}))
	s.running.Go(func() { _ = srv.Serve(ln) }) // ends with ErrServerClosed
	s.closers = append(s.closers, srv.Close)
}

func server(h http.Handler) *http.Server {
	return &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
}

// close ends the role and waits for its end.
func (s *serving) close() error {
	s.stop()
	var err error
	for _, c := range slices.Backward(s.closers) {
		err = errors.Join(err, c())
	}
	s.running.Wait()
	return err
}
