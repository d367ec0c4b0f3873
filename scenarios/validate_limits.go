package scenarios

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tokendrill/tokendrill/harness/measure"
)

// limits checks gates, stop conditions, caps and references.
func (r *review) limits() {
	between(r, r.Caps.For, 0, maxPhase, "caps.for")
	for i, expr := range r.Gates {
		r.gate(expr, fmt.Sprintf("gates[%d]", i))
	}
	for i, expr := range r.AbortWhen {
		_, err := measure.ParseStop(expr)
		r.must(err == nil, fmt.Sprintf("abort_when[%d]", i), "%v", err)
	}
	for i, ref := range r.References {
		path := fmt.Sprintf("references[%d]", i)
		r.choice(ref.Pattern, r.Names(), path+".pattern")
		r.choice(ref.Metric, metrics(), path+".metric")
		r.must(ref.Says != "", path+".says", "%s.says is missing; expected the published figure", path)
	}
}

// gate checks that a limit is one, and on something that the run has.
func (r *review) gate(expr, path string) {
	g, err := measure.ParseGate(expr)
	if err != nil {
		r.must(false, path, "%v", err)
		return
	}
	r.must(g.Pattern == "" || slices.Contains(r.Names(), g.Pattern), path, "%s limits pattern %s, which does not run; expected %s", path, quote(g.Pattern), oneOf(r.Names()))
	r.must(g.Phase == "" || slices.Contains(r.phases(), g.Phase), path, "%s limits phase %s, which the run does not have; expected %s", path, quote(g.Phase), oneOf(r.phases()))
}

// Names of the phases of a run. One with faults has before, during and after in
// the place of revocation.
const (
	PhaseLatency    = measure.LatencyPhase
	PhaseRevocation = "revocation"
	PhaseBefore     = "before"
	PhaseDuring     = "during"
	PhaseAfter      = "after"
)

// phases are the names of the phases that a run of the scenario has.
func (s *Scenario) phases() []string {
	var out []string
	if s.Traffic.Rounds > 0 {
		out = append(out, PhaseLatency)
	}
	if len(s.Faults) == 0 {
		return append(out, PhaseRevocation)
	}
	if !slices.ContainsFunc(s.Faults, func(f Fault) bool { return f.At == 0 }) {
		out = append(out, PhaseBefore)
	}
	return append(out, PhaseDuring, PhaseAfter)
}

// metrics are the names of what a report measures.
func metrics() []string {
	var names []string
	for _, m := range measure.Metrics() {
		names = append(names, m.Name)
	}
	return names
}

// cutLast cuts the last key off a path such as "faults[1].link".
func cutLast(path string) (before, last string) {
	i := strings.LastIndex(path, ".")
	return path[:i], path[i+1:]
}
