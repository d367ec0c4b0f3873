package harness

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/tokendrill/tokendrill/chaos"
	"github.com/tokendrill/tokendrill/fixtures/pattern"
	"github.com/tokendrill/tokendrill/fixtures/registry"
	"github.com/tokendrill/tokendrill/fixtures/token"
	"github.com/tokendrill/tokendrill/scenarios"
)

// startPatterns starts the enforcement points of every pattern of the plan.
func (e *embedded) startPatterns(ctx context.Context) error {
	e.doors = map[string]http.RoundTripper{}
	for _, s := range e.plan.Systems {
		var gateways, origins []string
		if s.Target != nil { // it is up already, elsewhere
			s.Gateways = nil
		}
		for _, name := range s.Gateways {
			n := e.enforcer(s.Pattern, node(s.Pattern, name))
			if s.Pattern == scenarios.Hybrid {
				origin, err := e.start(ctx, e.origin(n.node))
				if err != nil {
					return err
				}
				n.upstream, n.upLink = origin, linkEdgeOrigin
				origins = append(origins, origin)
			}
			url, err := e.start(ctx, n)
			if err != nil {
				return err
			}
			gateways = append(gateways, url)
		}
		e.gateways, e.origins = append(e.gateways, gateways), append(e.origins, origins)
	}
	return nil
}

// start starts an enforcement point and returns its base URL.
func (e *embedded) start(ctx context.Context, n *enforcer) (string, error) {
	if err := n.up(ctx); err != nil {
		return "", err
	}
	e.closers = append(e.closers, n.down)
	e.node(n.node, n)
	e.doors[n.address] = e.hop(linkClientGateway, n.node)
	return "http://" + n.address, nil
}

// enforcer is a gateway of a pattern, not started yet.
func (e *embedded) enforcer(name, node string) *enforcer {
	build := map[string]func(pattern.Parts) pattern.Verifier{
		scenarios.Cache: e.cache, scenarios.Remote: e.remote, scenarios.Registry: e.local, scenarios.Hybrid: e.edge,
	}[name]
	return &enforcer{stage: e, pattern: name, node: node, build: build, upstream: e.upstream, upLink: linkGatewayUpstream}
}

// origin is what stands behind an edge.
func (e *embedded) origin(edge string) *enforcer {
	n := e.enforcer(scenarios.Hybrid, edge+"/"+chaos.RoleOrigin)
	n.build = e.verifyOrigin
	return n
}

// parts are what the node's verifier is built from.
func (n *enforcer) parts(ctx, background context.Context) (pattern.Parts, error) {
	e, set := n.stage, n.stage.plan.Scenario.Settings
	p := pattern.Parts{
		Node: n.node, Pattern: n.pattern, Clock: n.clock.Now, Policy: e.policy(audience),
		KeysFrom:  pattern.KeysConfig{URL: e.cdn + "/jwks", HTTP: e.hop(linkGatewayCDN, n.node), Clock: n.clock.Now},
		Staleness: set.Registry.Staleness,
	}
	p.Keys = pattern.NewKeys(p.KeysFrom)
	switch n.pattern {
	case scenarios.Cache:
		p.TTL, p.NegativeTTL = n.life(set.Cache.TTL), n.life(set.Cache.NegativeTTL)
		p.Authority = n.authority(p.Keys, set.Cache.Timeout)
	case scenarios.Remote:
		p.Authority = n.authority(p.Keys, set.Remote.Timeout)
	case scenarios.Hybrid:
		p.TTL = set.Hybrid.MintedTTL
		if roleOf(n.node) == chaos.RoleGateway {
			p.Authority = n.authority(p.Keys, set.Hybrid.Timeout)
			break
		}
		p.Policy = e.policy(originAudience)
		p.BundleFrom = pattern.BundleConfig{
			URL: e.cdn + "/bundle", HTTP: e.hop(linkGatewayCDN, n.node), Root: e.authority.RootKeys(), Issuer: e.base,
			MaxAge: set.Hybrid.BundleMaxAge, Clock: n.clock.Now,
		}
		p.Bundle = pattern.NewBundle(p.BundleFrom)
	}
	if n.pattern == scenarios.Registry || n.pattern == scenarios.Hybrid {
		return p, n.listen(ctx, background, &p)
	}
	return p, nil
}

// authority is how the node reaches its authority.
func (n *enforcer) authority(keys *pattern.Keys, timeout time.Duration) pattern.AuthorityConfig {
	e := n.stage
	return pattern.AuthorityConfig{
		Issuer: e.base, URL: e.base, ClientID: n.pattern, ClientSecret: e.secrets[n.pattern], Keys: keys, Timeout: timeout,
		HTTP: n.secret.transport(e.hop(linkGatewayAuthority, n.node)), Leeway: leeway, Clock: n.clock.Now,
	}
}

// life is a TTL with the factor of the node.
func (n *enforcer) life(ttl time.Duration) time.Duration {
	return time.Duration(n.stretch() * float64(ttl))
}

// listen has the node follow what the registry pushes.
func (n *enforcer) listen(ctx, background context.Context, p *pattern.Parts) error {
	link := n.stage.link(linkGatewayRegistry, n.node)
	conn, err := registry.Dial(ctx, n.stage.registry.URL(), registry.Options{Name: n.node, Dial: link.DialContext})
	if err != nil {
		return fmt.Errorf("%v: %w", link, err)
	}
	n.closers = append(n.closers, conn.Close)
	feed := countedFeed{conn, &n.stage.delivered}
	p.Feed, p.Deny = feed, pattern.NewDenyList(n.clock.Now)
	n.running.Go(func() { _ = p.Deny.Follow(background, feed) }) // nil when stopped
	return nil
}

// countedFeed counts what it delivers.
type countedFeed struct {
	*registry.Conn
	delivered *atomic.Int64
}

func (f countedFeed) Watch(ctx context.Context, fn func(registry.Update)) error {
	return f.Conn.Watch(ctx, func(u registry.Update) {
		f.delivered.Add(1)
		fn(u)
	})
}

// policy is the plan's policy for an audience, with the issuer that the stage has.
func (e *embedded) policy(audience string) token.Policy {
	p := e.plan.policy
	p.Issuer = e.base
	if audience != p.Audience {
		p.Audience = audience
		p.Routes = slices.Clone(p.Routes)
		for i := range p.Routes {
			p.Routes[i].Audience = "" // whom the presented token is for was the edge's to check
		}
	}
	return p
}

func (e *embedded) cache(p pattern.Parts) pattern.Verifier {
	set := e.plan.Scenario.Settings.Cache
	return pattern.Fallback{Verifier: pattern.NewCache(pattern.CacheConfig{
		Authority: pattern.NewAuthority(p.Authority), Clock: p.Clock,
		TTL: p.TTL, NegativeTTL: p.NegativeTTL, Refresh: set.Refresh, Recheck: float64(set.Recheck),
	})}
}

func (e *embedded) remote(p pattern.Parts) pattern.Verifier {
	set := e.plan.Scenario.Settings.Remote
	return pattern.Fallback{
		Verifier: pattern.NewRemote(pattern.RemoteConfig{
			Authority: pattern.NewAuthority(p.Authority), Timeout: set.Timeout,
			Retries: set.Retries, BreakerFailures: set.BreakerFailures, BreakerDelay: set.BreakerDelay,
		}),
		Offline: pattern.NewOffline(pattern.OfflineConfig{Keys: p.Keys, Issuer: e.base, Leeway: p.Policy.Leeway, Clock: p.Clock}),
	}
}

func (e *embedded) local(p pattern.Parts) pattern.Verifier {
	r := pattern.NewRegistry(pattern.RegistryConfig{
		Keys: p.Keys, Issuer: e.base, Deny: p.Deny, Staleness: p.Staleness, Leeway: p.Policy.Leeway, Clock: p.Clock,
	})
	return pattern.Fallback{Verifier: r, Offline: r.Offline()}
}

func (e *embedded) edge(p pattern.Parts) pattern.Verifier {
	as := pattern.NewAuthority(p.Authority)
	return pattern.NewEdge(pattern.EdgeConfig{
		Authority: as, Subject: pattern.NewRemote(pattern.RemoteConfig{Authority: as, Timeout: p.Authority.Timeout}),
		OriginAudience: originAudience, MintedTTL: p.TTL, Deny: p.Deny, Clock: p.Clock,
	})
}

func (e *embedded) verifyOrigin(p pattern.Parts) pattern.Verifier {
	return pattern.NewOrigin(pattern.OriginConfig{
		Bundle: p.Bundle, Issuer: e.base, Audience: originAudience, MintedTTL: p.TTL, Deny: p.Deny, Leeway: p.Policy.Leeway, Clock: p.Clock,
	})
}
