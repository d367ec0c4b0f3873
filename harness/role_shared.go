package harness

import (
	"context"
	"fmt"
	"net/http"
	"os"

	"github.com/tokendrill/tokendrill/fixtures/authority"
	"github.com/tokendrill/tokendrill/fixtures/pattern"
	"github.com/tokendrill/tokendrill/fixtures/registry"
	"github.com/tokendrill/tokendrill/fixtures/token"
)

// registry serves the distributed registry. It keeps its store on disk if it will be
// restarted, as a real one would, and else in memory.
func (s *serving) registry(ctx context.Context) error {
	dir, err := s.store()
	if err != nil {
		return err
	}
	srv, err := registry.Start(ctx, dir, s.role.Listen)
	if err != nil {
		return err
	}
	s.closers = append(s.closers, srv.Close)
	s.up.URL, s.up.Control = srv.URL(), controlRegistry(srv)
	return nil
}

// store is the directory of a durable registry; empty for one in memory.
func (s *serving) store() (string, error) {
	if !s.role.Durable {
		return "", nil
	}
	if s.role.Dir != "" {
		return s.role.Dir, nil
	}
	dir, err := os.MkdirTemp("", "tokendrill-registry-")
	if err == nil {
		s.closers = append(s.closers, func() error { return os.RemoveAll(dir) })
	}
	return dir, err
}

// dial connects to the registry over a link.
func (s *serving) dial(ctx context.Context, name string) (*registry.Conn, error) {
	link := s.links[name]
	conn, err := registry.Dial(ctx, s.role.Peers.Registry, registry.Options{Name: s.role.Node, Dial: link.DialContext})
	if err != nil {
		return nil, fmt.Errorf("%v: %w", link, err)
	}
	return conn, nil
}

// authority listens first: its address is its issuer if nobody has said another.
func (s *serving) authority(ctx context.Context) error {
	conn, err := s.dial(ctx, linkAuthorityRegistry)
	if err != nil {
		return err
	}
	s.closers = append(s.closers, func() error { conn.Close(); return nil })
	ln, err := s.listen(ctx)
	if err != nil {
		return err
	}
	as, err := s.newAuthority(conn)
	if err != nil {
		ln.Close()
		return err
	}
	handler := http.Handler(as)
	if s.opts.Authority != nil {
		handler = s.opts.Authority(handler)
	}
	s.up.Control, s.up.Calls = controlAuthority(as, &s.clock, &s.served), as.Calls
	s.serveOn(ln, handler)
	s.running.Go(func() { _ = as.Run(s.background, s.role.Settings.Registry.Heartbeat) }) // nil when stopped
	return nil
}

func (s *serving) newAuthority(conn *registry.Conn) (*authority.Authority, error) {
	set, own := s.role.Settings, s.role.Authority
	ring, err := token.RingOf(own.Ring, s.clock.Now)
	if err != nil {
		return nil, err
	}
	root, err := token.RingOf(own.Root, s.clock.Now)
	if err != nil {
		return nil, err
	}
	issuer := s.role.Issuer
	if issuer == "" {
		issuer = s.up.URL
	}
	return authority.New(authority.Config{
		Issuer: issuer, Clock: s.clock.Now, Lifetime: own.Lifetime, Audience: audience,
		OriginAudience: originAudience, MintedTTL: set.Hybrid.MintedTTL, BundleMaxAge: set.Hybrid.BundleMaxAge,
		Prefix: own.Prefix, Suffix: own.Suffix, Clients: own.Clients, Registry: conn, Ring: ring, Root: root,
	})
}

func (s *serving) cdn(ctx context.Context) error {
	cdn, err := pattern.NewCDN(pattern.CDNConfig{
		Origin: s.role.Peers.Authority, Transport: s.hop(linkCDNAuthority), MaxAge: s.role.Settings.Hybrid.BundleMaxAge,
	})
	if err != nil {
		return err
	}
	ln, err := s.listen(ctx)
	if err != nil {
		return err
	}
	s.up.Control = controlCDN(cdn, &s.served)
	s.serveOn(ln, cdn)
	return nil
}

// upstream serves what the gateways protect.
func (s *serving) upstream(ctx context.Context) error {
	ln, err := s.listen(ctx)
	if err != nil {
		return err
	}
	s.serveOn(ln, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"ok":true}`)) // the client has gone if it fails
	}))
	return nil
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
