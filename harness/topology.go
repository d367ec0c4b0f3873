package harness

import (
	"maps"
	"slices"
	"strings"

	"github.com/tokendrill/tokendrill/chaos"
	"github.com/tokendrill/tokendrill/scenarios"
)

// linksOf are the hops from an enforcement point, and the one to it.
func linksOf(pattern, role string) []string {
	hops := []string{linkClientGateway, linkGatewayCDN}
	if pattern != scenarios.Registry && role == chaos.RoleGateway {
		hops = append(hops, linkGatewayAuthority)
	}
	if pattern == scenarios.Registry || pattern == scenarios.Hybrid {
		hops = append(hops, linkGatewayRegistry)
	}
	if pattern == scenarios.Hybrid && role == chaos.RoleGateway {
		return append(hops, linkEdgeOrigin)
	}
	return append(hops, linkGatewayUpstream)
}

// topology are the nodes of the plan's reference stage that faults can act on, each
// with its hops. A role that is somebody else's software has none of ours.
func (p *Plan) topology() map[string][]string {
	nodes := map[string][]string{ // these a stage has once
		chaos.RoleAuthority: {linkAuthorityRegistry},
		chaos.RoleCDN:       {linkCDNAuthority},
		chaos.RoleRegistry:  {},
	}
	for _, i := range p.References() {
		s := p.Systems[i]
		for _, g := range s.Gateways {
			n := node(s.Pattern, g)
			nodes[n] = linksOf(s.Pattern, chaos.RoleGateway)
			if s.Pattern == scenarios.Hybrid {
				nodes[n+"/"+chaos.RoleOrigin] = linksOf(s.Pattern, chaos.RoleOrigin)
			}
		}
	}
	for role := range p.Scenario.Roles {
		if _, ours := nodes[role]; ours {
			nodes[role] = nil
		}
	}
	return nodes
}

// Nodes are the nodes of the plan's reference stage with a role, one of Roles, in
// order.
func (p *Plan) Nodes(role string) []string {
	if role == roleUpstream {
		return []string{roleUpstream}
	}
	var out []string
	for _, n := range slices.Sorted(maps.Keys(p.topology())) {
		if roleOf(n) == role {
			out = append(out, n)
		}
	}
	return out
}

// profile is what the scenario has one hop add.
func (p *Plan) profile(link, node string) LinkProfile {
	return LinkProfile{p.Scenario.Links[link].Chaos(), p.rng(link+" at "+node, 0).Uint64()}
}

// restartsRegistry says whether the registry goes down in the run.
func (p *Plan) restartsRegistry() bool {
	return slices.ContainsFunc(p.Faults, func(w FaultWindow) bool { return w.Node == chaos.RoleRegistry })
}

// Targets names what a fault acts on at the reference stage, sorted: hops such as
// "gateway-authority at cache/gw-1", or nodes such as "cache/gw-1". It is empty
// for a fault that commands inject.
func (p *Plan) Targets(w FaultWindow) []string {
	var out []string
	for n, hops := range p.topology() {
		switch {
		case !atNode(n, w.Pattern, w.Gateway):
		case w.Node != "" && roleOf(n) == w.Node:
			out = append(out, n)
		case slices.Contains(hops, w.Link):
			out = append(out, w.Link+" at "+n)
		}
	}
	slices.Sort(out)
	return out
}

// roleOf is the role of a node by its name: "cache/gw-1" is a gateway,
// "hybrid/gw-1/origin" an origin, and "authority" the authority.
func roleOf(n string) string {
	switch parts := strings.Split(n, "/"); len(parts) {
	case 1:
		return n
	case 2:
		return chaos.RoleGateway
	default:
		return parts[2]
	}
}

// systemPattern is the pattern of an enforcement point; empty for another node.
func systemPattern(n string) string {
	pattern, _, enforces := strings.Cut(n, "/")
	if !enforces {
		return ""
	}
	return pattern
}

// node names a gateway of a pattern among the nodes of a stage.
func node(pattern, gateway string) string { return pattern + "/" + gateway }

// atNode says whether a node is at a gateway of a pattern; empty means any. A
// node that is no gateway, such as the CDN, belongs to every pattern; an origin,
// named "hybrid/gw-1/origin", belongs to its edge.
func atNode(n, pattern, gateway string) bool {
	parts := strings.Split(n, "/")
	if len(parts) == 1 {
		return true
	}
	return (pattern == "" || pattern == parts[0]) && (gateway == "" || gateway == parts[1])
}
