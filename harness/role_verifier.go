package harness

import (
	"context"
	"slices"
	"time"

	"github.com/tokendrill/tokendrill/chaos"
	"github.com/tokendrill/tokendrill/fixtures/pattern"
	"github.com/tokendrill/tokendrill/fixtures/token"
	"github.com/tokendrill/tokendrill/scenarios"
)

// parts are what the node's verifier is built from.
func (n *enforcer) parts(ctx, background context.Context) (pattern.Parts, error) {
	r, set := n.role, n.role.Settings
	p := pattern.Parts{
		Node: r.Node, Pattern: r.Pattern, Clock: n.clock.Now, Policy: policyFor(r, audience),
		KeysFrom:  pattern.KeysConfig{URL: r.Peers.CDN + "/jwks", HTTP: n.hop(linkGatewayCDN), Clock: n.clock.Now},
		Staleness: set.Registry.Staleness,
	}
	p.Keys = pattern.NewKeys(p.KeysFrom)
	switch r.Pattern {
	case scenarios.Cache:
		p.TTL, p.NegativeTTL = n.stretched(set.Cache.TTL), n.stretched(set.Cache.NegativeTTL)
		p.Authority = n.authority(p.Keys, set.Cache.Timeout)
	case scenarios.Remote:
		p.Authority = n.authority(p.Keys, set.Remote.Timeout)
	case scenarios.Hybrid:
		p.TTL = set.Hybrid.MintedTTL
		if r.Kind == chaos.RoleGateway {
			p.Authority = n.authority(p.Keys, set.Hybrid.Timeout)
			break
		}
		p.Policy = policyFor(r, originAudience)
		p.BundleFrom = pattern.BundleConfig{
			URL: r.Peers.CDN + "/bundle", HTTP: n.hop(linkGatewayCDN), Root: r.RootKeys, Issuer: r.Issuer,
			MaxAge: set.Hybrid.BundleMaxAge, Clock: n.clock.Now,
		}
		p.Bundle = pattern.NewBundle(p.BundleFrom)
	}
	if r.Pattern == scenarios.Registry || r.Pattern == scenarios.Hybrid {
		return p, n.follow(ctx, background, &p)
	}
	return p, nil
}

// authority is how the node reaches its authority.
func (n *enforcer) authority(keys *pattern.Keys, timeout time.Duration) pattern.AuthorityConfig {
	r := n.role
	return pattern.AuthorityConfig{
		Issuer: r.Issuer, URL: r.Peers.Authority, ClientID: r.Pattern, ClientSecret: r.Secret, Keys: keys, Timeout: timeout,
		HTTP: n.secret.transport(n.hop(linkGatewayAuthority)), Leeway: leeway, Clock: n.clock.Now,
	}
}

// stretched is a TTL with the factor of the node.
func (n *enforcer) stretched(ttl time.Duration) time.Duration {
	return time.Duration(n.stretch() * float64(ttl))
}

// follow has the node follow what the registry pushes.
func (n *enforcer) follow(ctx, background context.Context, p *pattern.Parts) error {
	conn, err := n.dial(ctx, linkGatewayRegistry)
	if err != nil {
		return err
	}
	n.ends = append(n.ends, conn.Close)
	p.Feed, p.Deny = conn, pattern.NewDenyList(n.clock.Now)
	n.alive.Go(func() { _ = p.Deny.Follow(background, conn) }) // nil when stopped
	return nil
}

// policyFor is the policy of a role, for an audience.
func policyFor(r Role, audience string) token.Policy {
	p := r.Policy
	p.Issuer = r.Issuer
	if audience != p.Audience {
		p.Audience = audience
		p.Routes = slices.Clone(p.Routes)
		for i := range p.Routes {
			p.Routes[i].Audience = "" // whom the presented token is for was the edge's to check
		}
	}
	return p
}

// sound makes the verifier of the role from its parts.
func (n *enforcer) sound(p pattern.Parts) pattern.Verifier {
	if n.role.Kind == chaos.RoleOrigin {
		return n.origin(p)
	}
	return map[string]func(pattern.Parts) pattern.Verifier{
		scenarios.Cache: n.cache, scenarios.Remote: n.remote, scenarios.Registry: n.local, scenarios.Hybrid: n.edge,
	}[n.role.Pattern](p)
}

func (n *enforcer) cache(p pattern.Parts) pattern.Verifier {
	set := n.role.Settings.Cache
	return pattern.Fallback{Verifier: pattern.NewCache(pattern.CacheConfig{
		Authority: pattern.NewAuthority(p.Authority), Clock: p.Clock,
		TTL: p.TTL, NegativeTTL: p.NegativeTTL, Refresh: set.Refresh, Recheck: float64(set.Recheck),
	})}
}

func (n *enforcer) remote(p pattern.Parts) pattern.Verifier {
	set := n.role.Settings.Remote
	return pattern.Fallback{
		Verifier: pattern.NewRemote(pattern.RemoteConfig{
			Authority: pattern.NewAuthority(p.Authority), Timeout: set.Timeout,
			Retries: set.Retries, BreakerFailures: set.BreakerFailures, BreakerDelay: set.BreakerDelay,
		}),
		Offline: pattern.NewOffline(pattern.OfflineConfig{Keys: p.Keys, Issuer: n.role.Issuer, Leeway: p.Policy.Leeway, Clock: p.Clock}),
	}
}

func (n *enforcer) local(p pattern.Parts) pattern.Verifier {
	r := pattern.NewRegistry(pattern.RegistryConfig{
		Keys: p.Keys, Issuer: n.role.Issuer, Deny: p.Deny, Staleness: p.Staleness, Leeway: p.Policy.Leeway, Clock: p.Clock,
	})
	return pattern.Fallback{Verifier: r, Offline: r.Offline()}
}

func (n *enforcer) edge(p pattern.Parts) pattern.Verifier {
	as := pattern.NewAuthority(p.Authority)
	return pattern.NewEdge(pattern.EdgeConfig{
		Authority: as, Subject: pattern.NewRemote(pattern.RemoteConfig{Authority: as, Timeout: p.Authority.Timeout}),
		OriginAudience: originAudience, MintedTTL: p.TTL, Deny: p.Deny, Clock: p.Clock,
	})
}

func (n *enforcer) origin(p pattern.Parts) pattern.Verifier {
	return pattern.NewOrigin(pattern.OriginConfig{
		Bundle: p.Bundle, Issuer: n.role.Issuer, Audience: originAudience, MintedTTL: p.TTL, Deny: p.Deny, Leeway: p.Policy.Leeway, Clock: p.Clock,
	})
}
