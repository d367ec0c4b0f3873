package harness

import (
	"slices"
	"time"

	"github.com/tokendrill/tokendrill/fixtures/token"
	"github.com/tokendrill/tokendrill/scenarios"
)

// System is what a plan knows of one pattern.
type System struct {
	Pattern  string
	Gateways []string
	// Bound is how long a revoked token may live by design, and BoundWhy says why.
	Bound    time.Duration
	BoundWhy string
	// CacheLife is the longest time that a decision may be cached, zero for none.
	CacheLife time.Duration
	Format    token.Format
	// Offline says that tokens are verified without asking the authority.
	Offline bool
}

// life is the time that priming spreads over: the cache life, or a second.
func (s System) life() time.Duration {
	if s.CacheLife > 0 {
		return s.CacheLife
	}
	return time.Second
}

// lead is how long before its revocation a token is first used at the earliest,
// controls included.
func (s System) lead() time.Duration {
	return max(s.life()*5/4, s.life()+controlEvery)
}

// systems describes the scenario's patterns as the reference stage runs them.
func systems(sc *scenarios.Scenario) []System {
	var out []System
	for _, name := range sc.Patterns {
		s := System{Pattern: name, Gateways: []string{"gw-1", "gw-2", "gw-3"}, Format: token.Opaque}
		s.Bound, s.BoundWhy = sc.Bound(name)
		switch name {
		case scenarios.Cache:
			s.CacheLife = sc.Settings.Cache.TTL
		case scenarios.Remote:
			s.Format = token.JWT // so that a route may verify offline in an outage
		case scenarios.Registry:
			s.Format, s.Offline = token.JWT, true
		case scenarios.Hybrid:
			s.CacheLife = sc.Settings.Hybrid.MintedTTL
		}
		out = append(out, s)
	}
	return out
}

// audience is the resource that the reference tokens are for.
const audience = "tokendrill-api"

// policyOf is the policy of every gateway; its issuer is known once a stage is up.
func policyOf(sc *scenarios.Scenario) token.Policy {
	p := token.Policy{Audience: audience}
	for _, r := range sc.Routes {
		p.Routes = append(p.Routes, token.Route{
			Method: r.Method, Path: r.Path, Scope: r.Scope, Audience: r.Audience, Fail: r.Fail, Sensitive: r.Sensitive,
		})
	}
	return p
}

// allScopes lists what the routes ask for, sorted.
func allScopes(p token.Policy) []string {
	var out []string
	for _, r := range p.Routes {
		if r.Scope != "" {
			out = append(out, r.Scope)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
