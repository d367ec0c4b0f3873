package harness

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/tokendrill/tokendrill/chaos"
	"github.com/tokendrill/tokendrill/scenarios"
)

// A scenario is refused for a place that no stage has, and for no other: what Parse
// knows of places is what the topology says.
func TestAScenarioTakesFaultsWhereThePlanHasTargets(t *testing.T) {
	const text = "name: x\nabout: y\npatterns: [%s]\nfaults: [{name: %s, %s: %s, for: 1s}]\n"
	for _, pattern := range []string{scenarios.Cache, scenarios.Remote, scenarios.Registry, scenarios.Hybrid} {
		p := planOf(t, fmt.Sprintf("name: x\nabout: y\npatterns: [%s]\n", pattern), 1)
		for _, link := range []string{
			linkClientGateway, linkGatewayAuthority, linkGatewayRegistry, linkGatewayCDN,
			linkCDNAuthority, linkAuthorityRegistry, linkGatewayUpstream, linkEdgeOrigin,
		} {
			_, err := scenarios.Parse(fmt.Appendf(nil, text, pattern, "link.cut", "link", link), "f")
			there := len(p.Targets(FaultWindow{Fault: scenarios.Fault{Link: link}})) > 0
			assert.Equal(t, there, err == nil, "%s at %s: %v", link, pattern, err)
		}
		for _, role := range []string{chaos.RoleGateway, chaos.RoleOrigin} {
			_, err := scenarios.Parse(fmt.Appendf(nil, text, pattern, "node.restart", "node", role), "f")
			there := len(p.Targets(FaultWindow{Fault: scenarios.Fault{Node: role}})) > 0
			assert.Equal(t, there, err == nil, "%s of %s: %v", role, pattern, err)
		}
	}
}
