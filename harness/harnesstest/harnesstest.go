// Package harnesstest runs scenarios from go test and requires their gates, and
// tests that a stage is one.
package harnesstest

import (
	"fmt"
	"testing"

	"github.com/tokendrill/tokendrill/fixtures/traffic"
	"github.com/tokendrill/tokendrill/harness"
	"github.com/tokendrill/tokendrill/harness/measure"
	"github.com/tokendrill/tokendrill/scenarios"
)

// Run carries a scenario out under a seed, over the recording that it names, and
// returns the report. It fails the test at once if nothing was measured; what the
// report says is for Require.
func Run(t testing.TB, sc *scenarios.Scenario, seed uint64, opts harness.Options) *measure.Report {
	t.Helper()
	rec, err := traffic.Open(sc.Traffic.Recording)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := harness.NewPlan(sc, rec, seed)
	if err != nil {
		t.Fatal(err)
	}
	result, err := harness.Run(t.Context(), plan, opts)
	if err != nil {
		t.Fatal(err)
	}
	return result.Report
}

// Require fails the test for each gate that does not pass on every pattern that
// it applies to. An inconclusive gate fails too: no samples are never a pass.
func Require(t testing.TB, r *measure.Report, gates ...string) {
	t.Helper()
	for _, expr := range gates {
		g, err := measure.ParseGate(expr)
		if err != nil {
			t.Error(err)
			continue
		}
		requireGate(t, r, g)
	}
}

func requireGate(t testing.TB, r *measure.Report, g measure.GateExpr) {
	t.Helper()
	judged := 0
	for i := range r.Patterns {
		p := &r.Patterns[i]
		if !g.Applies(p.Pattern) {
			continue
		}
		judged++
		if got := g.Evaluate(r, p); got.Verdict != measure.Pass {
			t.Errorf("%s: %s at %s: %s (n=%d)", got.Verdict, g.Expr, p.Pattern, why(got), got.N)
		}
	}
	if judged == 0 {
		t.Errorf("%s applies to no pattern of the report", g.Expr)
	}
}

// why says what was found in the place of what was wanted.
func why(g measure.Gate) string {
	if g.Why != "" {
		return g.Why
	}
	if g.Value == nil {
		return "not measured"
	}
	return fmt.Sprintf("it is %g", *g.Value)
}
