package scenarios

import (
	"fmt"
	"math"
	"time"
)

// Names of the four patterns, in the order of a report.
const (
	Cache    = "cache"
	Remote   = "remote"
	Registry = "registry"
	Hybrid   = "hybrid"
)

// Bound is how long a revoked token may live by the design of a pattern or target,
// with a few words that say why. It is zero for a name that is not known.
func (s *Scenario) Bound(pattern string) (bound time.Duration, why string) {
	switch set := s.Settings; pattern {
	case Cache:
		ttl, why := set.Cache.TTL, fmt.Sprintf("TTL %v", set.Cache.TTL)
		if skew := s.ttlSkew(); skew > 1 {
			ttl = time.Duration(skew * float64(ttl))
			why = fmt.Sprintf("TTL %v, %v at a skewed gateway", set.Cache.TTL, ttl)
		}
		return ttl + set.Cache.Timeout, fmt.Sprintf("%s + authority timeout %v", why, set.Cache.Timeout)
	case Remote:
		return 0, "every request asks the authority"
	case Registry:
		return set.Registry.Staleness, fmt.Sprintf("staleness limit %v", set.Registry.Staleness)
	case Hybrid:
		return set.Hybrid.MintedTTL, fmt.Sprintf("life of a minted token %v", set.Hybrid.MintedTTL)
	}
	if t := s.target(pattern); t != nil {
		return t.Bound, "as its target file says"
	}
	return 0, ""
}

// ttlSkew is the largest factor by which a fault stretches the TTL at a gateway of
// the cache, at least 1.
func (s *Scenario) ttlSkew() float64 {
	most := 1.0
	for _, f := range s.Faults {
		if f.Name == skewTTL && (f.Pattern == "" || f.Pattern == Cache) {
			most = max(most, f.Factor)
		}
	}
	return most
}

// skewTTL is the fault that changes the bound of the cache by design.
const skewTTL = "ttl.skew"

// LatencyPhase is how long the latency phase is planned to last.
func (s *Scenario) LatencyPhase() time.Duration {
	return time.Duration(s.Traffic.Rounds*len(s.Names())) * s.Traffic.Slice
}

// Quiet is how long a token must be watched after its first reject before that
// counts as final: the bound, and never under half a second. A child cannot be
// watched for the bound, which is as long as its life: for it, half a second must do.
func (s *Scenario) Quiet(pattern string) time.Duration {
	const least = 500 * time.Millisecond
	if s.Revoke.Children {
		return least
	}
	bound, _ := s.Bound(pattern)
	return max(bound, least)
}

// Window is how long a revoked token of a pattern is watched: Revoke.Window, or
// twice the quiet period plus 0.5 s.
func (s *Scenario) Window(pattern string) time.Duration {
	if s.Revoke.Window > 0 {
		return s.Revoke.Window
	}
	return 2*s.Quiet(pattern) + 500*time.Millisecond
}

// cacheLife is the longest time that a pattern may keep a decision, zero if it keeps none.
func (s *Scenario) cacheLife(pattern string) time.Duration {
	switch pattern {
	case Cache:
		return s.Settings.Cache.TTL
	case Hybrid:
		return s.Settings.Hybrid.MintedTTL
	}
	if t := s.target(pattern); t != nil {
		return t.Bound
	}
	return 0
}

// Life is the time that the priming of a token spreads over: the cache life of its
// pattern, or half a second.
func (s *Scenario) Life(pattern string) time.Duration {
	if life := s.cacheLife(pattern); life > 0 {
		return life
	}
	return 500 * time.Millisecond
}

const (
	// ControlEvery is how often controls are sent.
	ControlEvery = 900 * time.Millisecond
	// BulkSpread is how long the unprobed tokens of a bulk revocation take for their
	// use before it.
	BulkSpread = 3 * time.Second
	// ControlTail is how long controls go on after the last probe.
	ControlTail = ControlEvery + 200*time.Millisecond
)

// Lead is how long before its revocation a token is first used at the earliest,
// controls included: the longest of all patterns.
func (s *Scenario) Lead() (lead time.Duration) {
	for _, p := range s.Names() {
		lead = max(lead, s.Life(p)*5/4, s.Life(p)+ControlEvery)
	}
	if s.Revoke.Bulk && s.Revoke.Tokens > s.Probed() {
		lead = max(lead, BulkSpread)
	}
	return lead
}

// RevocationPhase is how long the revocation phase is planned to last, from the
// first priming to the last control; it may come out longer by one Revoke.Every.
func (s *Scenario) RevocationPhase() time.Duration {
	longest := time.Duration(0)
	for _, p := range s.Names() {
		longest = max(longest, s.Window(p))
	}
	return s.Lead() + time.Duration(s.moments()-1)*s.Revoke.Every + longest + ControlTail
}

// moments is how many revocation calls are planned.
func (s *Scenario) moments() int {
	if s.Revoke.Bulk {
		return len(s.Names())
	}
	return s.Revoke.Tokens * len(s.Names())
}

// bulkProbed is how many tokens of a bulk revocation are probed at every gateway.
// They have one moment in common, at which all their probes come at once; more of
// them would make a burst and no more certainty.
const bulkProbed = 20

// Probed is how many of the revoked tokens of a pattern are probed for
// time-to-revoke: all, or 20 of a bulk revocation. Each of the others is used once
// before the revocation, and once when the bound is over.
func (s *Scenario) Probed() int {
	if s.Revoke.Bulk {
		return min(s.Revoke.Tokens, bulkProbed)
	}
	return s.Revoke.Tokens
}

// probes is about how many probes the revocations take: with gaps that grow by g
// from f, the n-th probe is at f((1+g)^n - 1)/g, on each gateway.
func (s *Scenario) probes() float64 {
	total, g := 0.0, float64(s.Revoke.Growth)
	for _, p := range s.Names() {
		n := float64(s.Window(p)) / float64(s.Revoke.FirstGap)
		if g > 0 {
			n = math.Log1p(g*n) / math.Log1p(g)
		}
		total += float64(s.gateways(p)) * n * float64(s.Probed())
	}
	return total
}

// gateways is how many a pattern or a target has.
func (s *Scenario) gateways(name string) int {
	if t := s.target(name); t != nil {
		return len(t.Gateways)
	}
	return 3
}
