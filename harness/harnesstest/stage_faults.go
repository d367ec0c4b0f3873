package harnesstest

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"

	"github.com/tokendrill/tokendrill/chaos"
	"github.com/tokendrill/tokendrill/harness"
	"github.com/tokendrill/tokendrill/scenarios"
)

// testHops tests that faults reach each hop of the plan once, and no other.
func testHops(t *testing.T, site *harness.Site, p *harness.Plan) {
	var want, got []string
	for _, link := range scenarios.Links() {
		want = append(want, p.Targets(harness.FaultWindow{Fault: scenarios.Fault{Link: link}})...)
	}
	for _, l := range site.Links {
		got = append(got, l.String())
	}
	for _, f := range site.Far {
		for _, hop := range f.Hops() {
			got = append(got, hop+" at "+f.Node)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(want, got) {
		t.Errorf("faults reach the hops\n%q, the plan has\n%q", got, want)
	}
}

// testNodes tests that faults reach each node of the plan that they may act on, once.
func testNodes(t *testing.T, site *harness.Site, p *harness.Plan) {
	times := map[string]int{}
	for _, n := range site.Nodes {
		times[n.Name]++
	}
	for _, role := range harness.Roles() {
		for _, node := range p.Targets(harness.FaultWindow{Fault: scenarios.Fault{Node: role}}) {
			if times[node] != 1 {
				t.Errorf("faults reach %s %d times, want once", node, times[node])
			}
		}
	}
}

// testLinkFault tests that a fault of the hop behind a gateway lands and heals.
func testLinkFault(t *testing.T, site *harness.Site, node, url, raw string) {
	fault, err := inject(t.Context(), site, node)
	if err != nil {
		t.Fatal(err)
	}
	if got := get(t, site, url, raw); got < http.StatusInternalServerError {
		t.Errorf("got %d while nothing behind the gateway answers, want 5xx", got)
	}
	if fault.Met() == 0 {
		t.Error("the fault has met nothing")
	}
	if err := fault.Heal(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := fault.Clear()
	if got := get(t, site, url, raw); got != http.StatusOK {
		t.Errorf("got %d after the fault was healed, want 200", got)
	}
	if fault.Clear() == before {
		t.Error("nothing came through after the fault was healed")
	}
}

// inject has nothing behind a gateway answer, here or in another process.
func inject(ctx context.Context, site *harness.Site, node string) (*chaos.Injected, error) {
	behind := []string{"gateway-upstream", "edge-origin"} // a gateway has one of them
	spec, _ := chaos.Find("http.error")
	for _, l := range site.Links {
		if l.Node == node && slices.Contains(behind, l.Name) {
			return spec.New(chaos.Params{}).Inject(ctx, chaos.Target{Links: []*chaos.Link{l}, Seed: 1})
		}
	}
	for _, f := range site.Far {
		for _, hop := range f.Hops() {
			if f.Node == node && slices.Contains(behind, hop) {
				return f.Inject(ctx, spec.Name, chaos.Params{}, []string{hop}, 1)
			}
		}
	}
	return nil, errors.New(node + " has no hop to what it protects")
}

// testVerb tests that a gateway's clock can be set wrong and right again.
func testVerb(t *testing.T, site *harness.Site, node, url, raw string) {
	i := slices.IndexFunc(site.Nodes, func(n chaos.Node) bool { return n.Name == node })
	if i < 0 {
		t.Fatalf("%s cannot be steered", node)
	}
	control := site.Nodes[i].Control
	tell := func(offset float64) (met, clear int64) {
		met, clear = control.Count(chaos.VerbClock)
		if err := control.Do(t.Context(), chaos.Command{Verb: chaos.VerbClock, Amount: offset}); err != nil {
			t.Fatal(err)
		}
		if got := get(t, site, url, raw); got != http.StatusOK {
			t.Errorf("got %d with a clock %v s off, want 200", got, offset)
		}
		m, c := control.Count(chaos.VerbClock)
		return m - met, c - clear
	}
	if met, _ := tell(0.2); met == 0 { // less than any leeway
		t.Error("nobody has read the clock while it was wrong")
	}
	if _, clear := tell(0); clear == 0 {
		t.Error("nobody has read the clock since it was set right")
	}
}
