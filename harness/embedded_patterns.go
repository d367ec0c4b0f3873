package harness

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tokendrill/tokendrill/fixtures/pattern"
	"github.com/tokendrill/tokendrill/fixtures/registry"
	"github.com/tokendrill/tokendrill/fixtures/token"
	"github.com/tokendrill/tokendrill/scenarios"
)

// startPatterns starts the gateways of every pattern of the plan.
func (e *embedded) startPatterns(ctx context.Context) error {
	e.doors = map[string]http.RoundTripper{}
	for _, s := range e.plan.Systems {
		var urls []string
		for _, name := range s.Gateways {
			url, err := e.startGateway(ctx, s.Pattern, node(s.Pattern, name))
			if err != nil {
				return fmt.Errorf("%s: %w", node(s.Pattern, name), err)
			}
			urls = append(urls, url)
			e.doors[strings.TrimPrefix(url, "http://")] = e.hop(linkClientGateway, node(s.Pattern, name))
		}
		e.gateways = append(e.gateways, urls)
	}
	return nil
}

// startGateway starts one enforcement point and, for hybrid, the origin behind it.
func (e *embedded) startGateway(ctx context.Context, name, node string) (string, error) {
	verifier, upstream := pattern.Verifier(nil), e.upstream
	up := linkGatewayUpstream
	switch name {
	case scenarios.Cache:
		verifier = e.cache(node)
	case scenarios.Remote:
		verifier = e.remote(node)
	case scenarios.Registry:
		deny, err := e.deny(ctx, node)
		if err != nil {
			return "", err
		}
		verifier = e.registryVerifier(node, deny)
	case scenarios.Hybrid:
		deny, err := e.deny(ctx, node)
		if err != nil {
			return "", err
		}
		if upstream, err = e.startOrigin(ctx, node, deny); err != nil {
			return "", err
		}
		verifier, up = e.edge(node, deny), linkEdgeOrigin
	}
	return e.gateway(ctx, node, e.policy(audience), verifier, upstream, e.hop(up, node))
}

// gateway serves an enforcement point.
func (e *embedded) gateway(ctx context.Context, node string, policy token.Policy, v pattern.Verifier, upstream string, hop http.RoundTripper) (string, error) {
	g, err := pattern.NewGateway(pattern.GatewayConfig{Name: node, Policy: policy, Verifier: v, Upstream: upstream, Transport: hop})
	if err != nil {
		return "", err
	}
	return e.serve(ctx, node, g)
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

// keys are the authority's keys as a node gets them, through the CDN.
func (e *embedded) keys(node string) *pattern.Keys {
	return pattern.NewKeys(pattern.KeysConfig{URL: e.cdn + "/jwks", HTTP: e.hop(linkGatewayCDN, node)})
}

// authorityAt is a node's client of the authority.
func (e *embedded) authorityAt(node, client string, timeout time.Duration, keys *pattern.Keys) *pattern.Authority {
	return pattern.NewAuthority(pattern.AuthorityConfig{
		Issuer: e.base, URL: e.base, ClientID: client, ClientSecret: e.secrets[client],
		HTTP: e.hop(linkGatewayAuthority, node), Timeout: timeout, Keys: keys,
	})
}

// deny is a node's list of revoked tokens, kept by the registry's push.
func (e *embedded) deny(ctx context.Context, node string) (*pattern.DenyList, error) {
	conn, err := e.dial(ctx, e.link(linkGatewayRegistry, node))
	if err != nil {
		return nil, err
	}
	list := pattern.NewDenyList(nil)
	e.running.Go(func() { _ = list.Follow(e.background, conn) }) // nil when stopped
	return list, nil
}

var _ pattern.Feed = (*registry.Conn)(nil)

func (e *embedded) cache(node string) pattern.Verifier {
	set := e.plan.Scenario.Settings.Cache
	return pattern.NewCache(pattern.CacheConfig{
		Authority: e.authorityAt(node, scenarios.Cache, set.Timeout, e.keys(node)),
		TTL:       set.TTL, NegativeTTL: set.NegativeTTL, Refresh: set.Refresh, Recheck: float64(set.Recheck),
	})
}

func (e *embedded) remote(node string) pattern.Verifier {
	set := e.plan.Scenario.Settings.Remote
	keys := e.keys(node)
	return pattern.Fallback{
		Verifier: pattern.NewRemote(pattern.RemoteConfig{
			Authority: e.authorityAt(node, scenarios.Remote, set.Timeout, keys),
			Timeout:   set.Timeout, Retries: set.Retries, BreakerFailures: set.BreakerFailures, BreakerDelay: set.BreakerDelay,
		}),
		Offline: pattern.NewOffline(pattern.OfflineConfig{Keys: keys, Issuer: e.base}),
	}
}

func (e *embedded) registryVerifier(node string, deny *pattern.DenyList) pattern.Verifier {
	return pattern.NewRegistry(pattern.RegistryConfig{
		Keys: e.keys(node), Issuer: e.base, Deny: deny, Staleness: e.plan.Scenario.Settings.Registry.Staleness,
	})
}

func (e *embedded) edge(node string, deny *pattern.DenyList) pattern.Verifier {
	set := e.plan.Scenario.Settings.Hybrid
	as := e.authorityAt(node, scenarios.Hybrid, set.Timeout, e.keys(node))
	return pattern.NewEdge(pattern.EdgeConfig{
		Authority: as, Subject: pattern.NewRemote(pattern.RemoteConfig{Authority: as, Timeout: set.Timeout}),
		OriginAudience: originAudience, MintedTTL: set.MintedTTL, Deny: deny,
	})
}

// startOrigin serves the origin behind an edge.
func (e *embedded) startOrigin(ctx context.Context, edge string, deny *pattern.DenyList) (string, error) {
	set, node := e.plan.Scenario.Settings.Hybrid, edge+"/origin"
	origin := pattern.NewOrigin(pattern.OriginConfig{
		Bundle: pattern.NewBundle(pattern.BundleConfig{
			URL: e.cdn + "/bundle", HTTP: e.hop(linkGatewayCDN, node), Root: e.authority.RootKeys(), Issuer: e.base, MaxAge: set.BundleMaxAge,
		}),
		Issuer: e.base, Audience: originAudience, MintedTTL: set.MintedTTL, Deny: deny,
	})
	return e.gateway(ctx, node, e.policy(originAudience), origin, e.upstream, e.hop(linkGatewayUpstream, node))
}
