package scenarios

import (
	"fmt"
	"slices"
	"time"

	"github.com/tokendrill/tokendrill/harness/measure"
)

// faults checks each fault by itself and against those before.
func (r *review) faults() {
	for i, f := range r.Faults {
		path := fmt.Sprintf("faults[%d]", i)
		r.choice(f.Name, faults, path+".name")
		r.choice(f.Link, links, path+".link")
		if f.Pattern != "" {
			r.choice(f.Pattern, r.Patterns, path+".pattern")
		}
		r.must(f.Gateway == "" || nameForm.MatchString(f.Gateway), path+".gateway", "%s.gateway is %s; expected such as gw-1", path, quote(f.Gateway))
		between(r, f.At, 0, maxPhase, path+".at")
		between(r, f.For, time.Millisecond, maxPhase, path+".for")
		end := r.RevocationPhase()
		r.must(f.At+f.For <= end, path+".at", "%s lasts until %v, after the end of the run; expected at most %v", path, f.At+f.For, end)
		r.must((f.Name == LinkDelay) == (f.Delay != Delay{}), path+".delay", "%s.delay is %v; expected one for %s, and for nothing else", path, f.Delay.P50, LinkDelay)
		r.delay(f.Delay, path+".delay")
		for j, before := range r.Faults[:i] {
			r.must(!f.meets(before), path, "%s contradicts faults[%d], which acts on the same link at the same time; expected one after the other", path, j)
		}
	}
}

// meets reports whether two faults act on the same link of a node at once. What
// the link should do then would depend on which came first.
func (f Fault) meets(g Fault) bool {
	same := func(a, b string) bool { return a == "" || b == "" || a == b }
	return f.Link == g.Link && same(f.Pattern, g.Pattern) && same(f.Gateway, g.Gateway) &&
		f.At < g.At+g.For && g.At < f.At+f.For
}

// gates checks the limits and the references.
func (r *review) gates() {
	for i, expr := range r.Gates {
		path := fmt.Sprintf("gates[%d]", i)
		g, err := measure.ParseGate(expr)
		if err != nil {
			r.must(false, path, "%v", err)
			continue
		}
		r.must(g.Pattern == "" || slices.Contains(r.Patterns, g.Pattern), path, "%s limits pattern %s, which does not run; expected %s", path, quote(g.Pattern), oneOf(r.Patterns))
	}
	for i, ref := range r.References {
		path := fmt.Sprintf("references[%d]", i)
		r.choice(ref.Pattern, r.Patterns, path+".pattern")
		r.choice(ref.Metric, metrics(), path+".metric")
		r.must(ref.Says != "", path+".says", "%s.says is missing; expected the published figure", path)
	}
}

// metrics are the names of what a report measures.
func metrics() []string {
	var names []string
	for _, m := range measure.Metrics() {
		names = append(names, m.Name)
	}
	return names
}
