package containers

import (
	"flag"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/fixtures/traffic"
	"github.com/tokendrill/tokendrill/fixtures/undisturbed"
	"github.com/tokendrill/tokendrill/harness"
	"github.com/tokendrill/tokendrill/harness/measure"
	"github.com/tokendrill/tokendrill/scenarios"
)

// alike are scenarios that need no containers and end the same on them: the
// comparison, two outages, two partitions and two restarts.
var alike = []string{
	"quick", "authority-outage", "authority-hangs", "one-gateway-cut-off", "registry-cut-off", "gateway-restart", "registry-restart",
}

// oneEach has a scenario for each fault of containers; -whole walks the others too.
var oneEach = []string{"gateway-paused", "registry-killed", "registry-disconnected", "authority-throttled", "gateway-short-of-memory"}

var whole = flag.Bool("whole", false, "walk every scenario of containers, and replace each role under each fault")

// Each scenario says in its header what verdict it ends with, wherever it runs.
func TestTheCatalogueKeepsItsPromisesOnContainers(t *testing.T) {
	undisturbed.Long(t, "starts containers")
	undisturbed.Alone(t)
	o := options(t)
	for _, sc := range scenarios.Catalogue() {
		p, promised := promise(t, sc)
		if !slices.Contains(slices.Concat(alike, oneEach), sc.Name) && (p.NeedsContainers() == "" || !*whole) {
			continue
		}
		t.Run(sc.Name, func(t *testing.T) {
			undisturbed.Try(t, func(t *undisturbed.Attempt) {
				result, err := harness.Run(t.Context(), p, harness.Options{Stage: Stage{Options: o}, State: t.TempDir()})
				require.NoError(t, err)
				r := result.Report
				if r.Verdict != promised && late(r) {
					t.ProveNothing(against(r))
				}
				assert.Equal(t, promised, r.Verdict, against(r))
				for _, f := range r.Faults {
					assert.True(t, f.Landed && f.Healed, "%s: %s", f.Name, f.Unknown)
				}
			})
		})
	}
}

var promised = regexp.MustCompile(`(?m)^# Verdict: ([a-z]+)$`)

// promise is the plan of a scenario and the verdict that its header promises.
func promise(t *testing.T, sc *scenarios.Scenario) (*harness.Plan, measure.RunVerdict) {
	source, err := scenarios.Source(sc.Name)
	require.NoError(t, err)
	found := promised.FindSubmatch(source)
	require.NotNil(t, found, "no verdict is promised")
	rec, err := traffic.Open(sc.Traffic.Recording)
	require.NoError(t, err)
	p, err := harness.NewPlan(sc, rec, 7)
	require.NoError(t, err)
	return p, measure.RunVerdict(found[1])
}

// late says whether the sender did not get round to what was due, so that a report
// without a wrong decision tells of the machine only.
func late(r *measure.Report) bool {
	for _, p := range r.Patterns {
		if p.Safety.FalseAccepts+p.Safety.FalseRejects > 0 {
			return false
		}
	}
	return *r.Sender.Lag.P95 > 100
}

// against is what was against a pass, and how busy the machine was.
func against(r *measure.Report) string {
	found := slices.Concat(r.Validity.Reasons, r.Warnings)
	for _, p := range r.Patterns {
		for _, g := range p.Gates {
			if g.Verdict != measure.Pass {
				found = append(found, fmt.Sprintf("%s: %s: %s, %s", p.Pattern, g.Expr, g.Verdict, g.Why))
			}
		}
	}
	return fmt.Sprintf("%s\nthe sender was %.0f ms late at p95", strings.Join(found, "\n"), *r.Sender.Lag.P95)
}
