package harness

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/scenarios"
)

// A plan names its targets before there is a stage; the stage must have just those.
func TestTheTopologyOfAPlanIsThatOfTheStage(t *testing.T) {
	p := planOf(t, smallScenario, 1)
	site, err := Embedded{}.Start(t.Context(), p)
	require.NoError(t, err)
	defer site.Close()
	var want, got []string
	for n, hops := range p.topology() {
		for _, hop := range hops {
			want = append(want, hop+" at "+n)
		}
	}
	for _, l := range site.Links {
		got = append(got, l.String())
	}
	assert.ElementsMatch(t, want, got)

	want, got = nil, nil
	for n := range p.topology() {
		want = append(want, n)
	}
	for _, n := range site.Nodes {
		got = append(got, n.Name)
	}
	assert.ElementsMatch(t, want, got)
}

func TestTargets(t *testing.T) {
	p := planOf(t, smallScenario, 1)
	fault := func(link, node, pattern, gateway string) FaultWindow {
		return FaultWindow{Fault: scenarios.Fault{Link: link, Node: node, Pattern: pattern, Gateway: gateway}}
	}
	for _, row := range []struct {
		name string
		w    FaultWindow
		want []string
	}{
		{"one hop at one gateway", fault("gateway-authority", "", "cache", "gw-2"), []string{"gateway-authority at cache/gw-2"}},
		{"the same hop at all gateways that have it", fault("gateway-authority", "", "", "gw-1"), []string{
			"gateway-authority at cache/gw-1", "gateway-authority at hybrid/gw-1", "gateway-authority at remote/gw-1",
		}},
		{"a hop that there is once", fault("cdn-authority", "", "", ""), []string{"cdn-authority at cdn"}},
		{"an edge and its origin both listen to the registry", fault("gateway-registry", "", "hybrid", "gw-3"), []string{
			"gateway-registry at hybrid/gw-3", "gateway-registry at hybrid/gw-3/origin",
		}},
		{"the nodes of a role", fault("", "origin", "", ""), []string{"hybrid/gw-1/origin", "hybrid/gw-2/origin", "hybrid/gw-3/origin"}},
		{"a node that there is once", fault("", "authority", "", ""), []string{"authority"}},
		{"a fault that a command injects", fault("", "", "", ""), nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := p.Targets(row.w)
			assert.Equal(t, row.want, got)
			assert.True(t, slices.IsSorted(got))
		})
	}
}
