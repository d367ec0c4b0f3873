package harness

import (
	"slices"

	"github.com/tokendrill/tokendrill/chaos"
	"github.com/tokendrill/tokendrill/scenarios"
)

// linksOf are the hops from an enforcement point.
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

// topology are the nodes of the plan's reference stage, each with its hops.
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
	return nodes
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
