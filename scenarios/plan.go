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

// Bound is how long a revoked token may live by the design of a pattern, with a
// few words that say why. It is zero for a pattern that is not known.
func (s *Scenario) Bound(pattern string) (bound time.Duration, why string) {
	switch set := s.Settings; pattern {
	case Cache:
		return set.Cache.TTL + set.Cache.Timeout,
			fmt.Sprintf("TTL %v + authority timeout %v", set.Cache.TTL, set.Cache.Timeout)
	case Remote:
		return 0, "every request asks the authority"
	case Registry:
		return set.Registry.Staleness, fmt.Sprintf("staleness limit %v", set.Registry.Staleness)
	case Hybrid:
		return set.Hybrid.MintedTTL, fmt.Sprintf("life of a minted token %v", set.Hybrid.MintedTTL)
	}
	return 0, ""
}

// LatencyPhase is how long the latency phase is planned to last.
func (s *Scenario) LatencyPhase() time.Duration {
	return time.Duration(s.Traffic.Rounds*len(s.Patterns)) * s.Traffic.Slice
}

// Quiet is how long a token must be watched after its first reject before that
// counts as final: the bound, and never under half a second.
func (s *Scenario) Quiet(pattern string) time.Duration {
	bound, _ := s.Bound(pattern)
	return max(bound, 500*time.Millisecond)
}

// Window is how long a revoked token of a pattern is watched: Revoke.Window, or
// twice the quiet period plus 0.5 s.
func (s *Scenario) Window(pattern string) time.Duration {
	if s.Revoke.Window > 0 {
		return s.Revoke.Window
	}
	return 2*s.Quiet(pattern) + 500*time.Millisecond
}

// RevocationPhase is how long the revocation phase is planned to last, priming
// left out: all revocations and the watch on the last of them.
func (s *Scenario) RevocationPhase() time.Duration {
	longest := time.Duration(0)
	for _, p := range s.Patterns {
		longest = max(longest, s.Window(p))
	}
	return time.Duration(s.Revoke.Tokens*len(s.Patterns))*s.Revoke.Every + longest
}

// probes is about how many probes the revocations take: with gaps that grow by g
// from f, the n-th probe is at f((1+g)^n - 1)/g, on each of three gateways.
func (s *Scenario) probes() float64 {
	total, g := 0.0, float64(s.Revoke.Growth)
	for _, p := range s.Patterns {
		n := float64(s.Window(p)) / float64(s.Revoke.FirstGap)
		if g > 0 {
			n = math.Log1p(g*n) / math.Log1p(g)
		}
		total += 3 * n * float64(s.Revoke.Tokens)
	}
	return total
}
