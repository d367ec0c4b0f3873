package harness

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tokendrill/tokendrill/chaos"
	"github.com/tokendrill/tokendrill/fixtures/token"
	"github.com/tokendrill/tokendrill/scenarios"
)

// System is what a plan knows of one pattern, or of one target.
type System struct {
	Pattern  string
	Gateways []string
	// Bound is how long a revoked token may live by design, and BoundWhy says why.
	Bound    time.Duration
	BoundWhy string
	Format   token.Format
	// Offline says that tokens are verified without asking the authority.
	Offline bool
	// Target is a system of the user's own; nil is a reference pattern.
	Target *scenarios.Target
}

// systems describes the scenario's patterns as the reference stage runs them, and
// its targets.
func systems(sc *scenarios.Scenario) []System {
	var out []System
	for _, name := range sc.Patterns {
		s := System{Pattern: name, Gateways: []string{"gw-1", "gw-2", "gw-3"}, Format: token.Opaque}
		s.Bound, s.BoundWhy = sc.Bound(name)
		switch name {
		case scenarios.Remote:
			s.Format = token.JWT // so that a route may verify offline in an outage
		case scenarios.Registry:
			s.Format, s.Offline = token.JWT, true
		}
		out = append(out, s)
	}
	for _, t := range sc.Targets {
		s := System{Pattern: t.Name, Format: token.Format(t.Authority.TokenType), Target: t}
		s.Bound, s.BoundWhy = sc.Bound(t.Name)
		for _, g := range t.Gateways {
			s.Gateways = append(s.Gateways, g.Name)
		}
		out = append(out, s)
	}
	return out
}

// References are the indices of the systems that a reference stage runs.
func (p *Plan) References() []int {
	var out []int
	for i, s := range p.Systems {
		if s.Target == nil {
			out = append(out, i)
		}
	}
	return out
}

// String is all there is to know of a system, the same every time.
func (s System) String() string {
	target, _ := json.Marshal(s.Target) // plain data
	return fmt.Sprintf("%s %v %v %q %s %t %s", s.Pattern, s.Gateways, s.Bound, s.BoundWhy, s.Format, s.Offline, target)
}

// Scopes are those that some route of the reference gateways asks for, sorted.
func (p *Plan) Scopes() []string { return slices.Clone(p.scopes) }

// scopesOf is what a usual token of a system may do: all that there is.
func (p *Plan) scopesOf(system int) []string {
	if t := p.Systems[system].Target; t != nil {
		return strings.Fields(t.Authority.Scope)
	}
	return p.scopes
}

// audience is the resource that the reference tokens are for.
const audience = "tokendrill-api"

// leeway is how far clocks may lie apart: tokens are taken for that long after exp.
const leeway = scenarios.Leeway

// policyOf is the policy of every gateway; its issuer is known once a stage is up.
func policyOf(sc *scenarios.Scenario) token.Policy {
	p := sc.Policy()
	p.Audience, p.Leeway = audience, leeway
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

// NeedsContainers says why the plan can only run on containers; empty if it can run
// anywhere.
func (p *Plan) NeedsContainers() string {
	for _, role := range slices.Sorted(maps.Keys(p.Scenario.Roles)) {
		return fmt.Sprintf("roles.%s is an image: it takes --stage containers", role)
	}
	for _, w := range p.Faults {
		if spec, _ := chaos.Find(w.Name); spec.Place == chaos.OnContainer {
			return fmt.Sprintf("fault %s acts on a container: it takes --stage containers", w.Name)
		}
	}
	return ""
}
