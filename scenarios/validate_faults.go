package scenarios

import (
	"fmt"
	"slices"
	"time"

	"github.com/tokendrill/tokendrill/chaos"
)

// faults checks each fault by itself and against those before.
func (r *review) faults() {
	for i, f := range r.Faults {
		path := fmt.Sprintf("faults[%d]", i)
		r.choice(f.Name, faultNames(), path+".name")
		if spec, ok := chaos.Find(f.Name); ok {
			r.place(f, spec, path)
			r.params(f, spec, path)
			r.caps(f, path)
			r.must(spec.Reversible(f.Params()) || slices.Contains(r.irreversible, f.Name), path,
				"%s is a fault that nothing undoes, %s without %[3]s; expected %[3]s, or --irreversible %[2]s", path, f.Name, healKey(spec))
		}
		r.during(f.At, f.For, leastFor(f.Name), path)
		for j, before := range r.Faults[:i] {
			r.must(!f.stopped(before) && !before.stopped(f), path, "%s and faults[%d] are in force together, and one of them stops what carries the other; expected one after the other", path, j)
			r.must(!f.contradicts(before), path, "%s contradicts faults[%d], which acts on the same %s at the same time; expected one after the other", path, j, f.Link+f.Node)
		}
	}
}

// leastFor is the shortest time that a fault can be in force.
func leastFor(name string) time.Duration {
	spec, _ := chaos.Find(name)
	return max(spec.Least, time.Millisecond)
}

// during checks that a fault or a stimulus lies within the run, and is not too short.
func (r *review) during(at, length, least time.Duration, path string) {
	end := r.RevocationPhase()
	between(r, at, 0, maxPhase, path+".at")
	between(r, length, least, maxPhase, path+".for")
	r.must(at+length <= end, path+".at", "%s lasts until %v, after the end of the run; expected at most %v", path, at+length, end)
}

// place checks where a fault acts.
func (r *review) place(f Fault, spec chaos.Spec, path string) {
	if spec.Place != chaos.OnLink {
		r.must(f.Link == "", path+".link", "%s.link is set, but %s acts on no link; expected %s", path, f.Name, needed(spec.Place))
	}
	if spec.Place != chaos.OnNode && spec.Place != chaos.OnContainer {
		r.must(f.Node == "", path+".node", "%s.node is set, but %s acts on no node; expected %s", path, f.Name, needed(spec.Place))
	}
	switch spec.Place {
	case chaos.OnLink:
		r.whereabouts(f, f.Link, path+".link", links, spec.Links)
		r.ourHop(f.Link, path+".link")
	case chaos.OnNode:
		r.whereabouts(f, f.Node, path+".node", roles, spec.Roles)
		r.ourNode(f, path+".node")
	case chaos.OnContainer:
		r.whereabouts(f, f.Node, path+".node", roles, spec.Roles)
	default:
		r.must(f.Pattern+f.Gateway == "", path, "%s has a pattern or a gateway, but %s acts anywhere; expected neither", path, f.Name)
	}
}

// healKey is the parameter that undoes a fault.
func healKey(spec chaos.Spec) string {
	for _, p := range spec.Params {
		if p.Name == "heal_call" {
			return p.Name
		}
	}
	return "heal"
}

// needed says what a fault of a place wants.
func needed(p chaos.Place) string {
	switch p {
	case chaos.OnLink:
		return "link"
	case chaos.OnNode, chaos.OnContainer:
		return "node"
	}
	return "neither link nor node"
}

// whereabouts checks the link or role of a fault, and how it is narrowed. All are
// those that there are, allowed those that the fault can act on; nil is all.
func (r *review) whereabouts(f Fault, where, path string, all, allowed []string) {
	if allowed == nil {
		allowed = all
	}
	if !slices.Contains(allowed, where) {
		if slices.Contains(all, where) {
			r.must(false, path, "%s %s is not what %s can act on; expected %s", path, quote(where), f.Name, oneOf(allowed))
		} else {
			r.choice(where, allowed, path)
		}
		return
	}
	of := owners[where]
	if of == nil {
		r.must(f.Pattern+f.Gateway == "", path, "%s %s is there once, for all patterns; expected neither pattern nor gateway", path, quote(where))
		return
	}
	running := intersect(r.Patterns, of)
	r.must(len(running) > 0, path, "%s %s is not there: no pattern that runs has it; expected a run of %s", path, quote(where), oneOf(of))
	at, _ := cutLast(path)
	if len(running) > 0 && f.Pattern != "" {
		r.choice(f.Pattern, running, at+".pattern")
	}
	r.must(f.Gateway == "" || nameForm.MatchString(f.Gateway), at+".gateway", "%s.gateway is %s; expected such as gw-1", at, quote(f.Gateway))
}

// caps checks a fault against what the scenario lets faults do.
func (r *review) caps(f Fault, path string) {
	c := r.Caps
	r.must(c.For == 0 || f.For <= c.For, path+".for", "%s.for is %v, over caps.for; expected at most %v", path, f.For, c.For)
	share := f.Share
	if share == 0 {
		share = 1
	}
	r.must(c.Share == 0 || share <= c.Share, path+".share", "%s acts on %v%% of what comes by, over caps.share; expected a share of at most %v%%", path, 100*share, 100*c.Share)
}

// contradicts reports whether what two faults do together depends on which came
// first: two on one link at once, unless one of them only delays, or the same one
// twice on a node.
func (f Fault) contradicts(g Fault) bool {
	switch {
	case f.Link+f.Node == "" || f.Link != g.Link || f.Node != g.Node, !same(f.Path, g.Path), !f.meets(g):
		return false
	case f.Name == g.Name:
		return true
	}
	return f.Link != "" && f.Name != linkDelay && g.Name != linkDelay
}

// meets reports whether two faults are in force at one gateway at one time.
func (f Fault) meets(g Fault) bool {
	return same(f.Pattern, g.Pattern) && same(f.Gateway, g.Gateway) && f.At < g.At+g.For && g.At < f.At+f.For
}

// same compares two names of which one that is empty stands for all.
func same(a, b string) bool { return a == "" || b == "" || a == b }

// linkDelay is the fault that composes with the others on a link: it changes when
// a request crosses, not what becomes of it.
const linkDelay = "link.delay"

// faultNames are the names of the catalogue of faults.
func faultNames() []string {
	var names []string
	for _, s := range chaos.Catalogue() {
		names = append(names, s.Name)
	}
	return names
}

// intersect keeps those of a that b has, too.
func intersect(a, b []string) []string {
	var out []string
	for _, s := range a {
		if slices.Contains(b, s) {
			out = append(out, s)
		}
	}
	return out
}
