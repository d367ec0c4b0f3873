package harness

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/fixtures/pattern"
	"github.com/tokendrill/tokendrill/fixtures/token"
	"github.com/tokendrill/tokendrill/fixtures/traffic"
	"github.com/tokendrill/tokendrill/fixtures/undisturbed"
	"github.com/tokendrill/tokendrill/harness/measure"
	"github.com/tokendrill/tokendrill/scenarios"
)

// few are walked every time, the others in the slow tests: an outage, a tampered
// answer, a push that is lost, and crafted traffic without a fault.
var few = []string{"authority-outage", "unsigned-answer", "push-lost", "scope-change"}

// loads leave too little of the machine to another one, and run alone: comparisons,
// and a thousand tokens at once.
var loads = []string{"quick", "field-review", "mass-compromise"}

// Each scenario says in its header what verdict it ends with.
func TestTheCatalogueKeepsItsPromises(t *testing.T) {
	undisturbed.Alone(t)
	for _, sc := range scenarios.Catalogue() {
		if testing.Short() && !slices.Contains(few, sc.Name) {
			continue
		}
		t.Run(sc.Name, func(t *testing.T) {
			if !slices.Contains(loads, sc.Name) {
				t.Parallel()
			}
			p, promised := promise(t, sc)
			if why := p.NeedsContainers(); why != "" {
				t.Skip(why) // package containers walks them
			}
			undisturbed.Try(t, func(t *undisturbed.Attempt) {
				var audit bytes.Buffer
				result, err := Run(t.Context(), p, Options{Stage: Embedded{Audit: pattern.NewAuditLog(&audit)}})
				require.NoError(t, err)
				if result.Report.Verdict != promised && late(result.Report) {
					t.ProveNothing(against(result.Report))
				}
				assert.Equal(t, promised, result.Report.Verdict, against(result.Report))
				if strings.Contains(strings.Join(sc.Gates, " "), "fallbacks.") {
					assert.Equal(t, fallbacks(result.Report), events(t, &audit), "each fallback in the report has its audit event")
				}
			})
		})
	}
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

// fallbacks are those of a report, by pattern and cause.
func fallbacks(r *measure.Report) map[string]int {
	out := map[string]int{}
	for _, p := range r.Patterns {
		for _, f := range p.Fallbacks {
			out[p.Pattern+" "+f.Cause] += f.Count
		}
	}
	return out
}

// events are the audit events of what the gateways let in or asked to step up, by
// pattern and cause.
func events(t testing.TB, log *bytes.Buffer) map[string]int {
	out := map[string]int{}
	for line := range strings.Lines(log.String()) {
		var e pattern.AuditEvent
		require.NoError(t, json.Unmarshal([]byte(line), &e))
		if name, _, _ := strings.Cut(e.Node, "/"); e.Verdict == token.Accept || e.Cause == token.CauseStepUp {
			out[name+" "+e.Cause]++
		}
	}
	return out
}

var promised = regexp.MustCompile(`(?m)^# Verdict: ([a-z]+)$`)

// promise is the plan of a scenario and the verdict that its header promises.
func promise(t *testing.T, sc *scenarios.Scenario) (*Plan, measure.RunVerdict) {
	source, err := scenarios.Source(sc.Name)
	require.NoError(t, err)
	found := promised.FindSubmatch(source)
	require.NotNil(t, found, "no verdict is promised")
	rec, err := traffic.Open(sc.Traffic.Recording)
	require.NoError(t, err)
	p, err := NewPlan(sc, rec, 7)
	require.NoError(t, err)
	return p, measure.RunVerdict(found[1])
}

// against is what was against a pass.
func against(r *measure.Report) string {
	found := r.Validity.Reasons
	for _, p := range r.Patterns {
		for _, g := range p.Gates {
			if g.Verdict != measure.Pass {
				found = append(found, fmt.Sprintf("%s: %s: %s, %s", p.Pattern, g.Expr, g.Verdict, g.Why))
			}
		}
	}
	return fmt.Sprintf("%s\nthe sender was %.0f ms late at p95", strings.Join(found, "\n"), *r.Sender.Lag.P95)
}

// The same scenario, recording and seed are the same plan, to the last probe.
func TestAPlanOfTheCatalogueHasOneDigest(t *testing.T) {
	undisturbed.Alone(t) // the race detector would take 90 s over what nothing runs beside
	for _, sc := range scenarios.Catalogue() {
		if testing.Short() && !slices.Contains(few, sc.Name) {
			continue
		}
		rec, err := traffic.Open(sc.Traffic.Recording)
		require.NoError(t, err)
		one, err := NewPlan(sc, rec, 7)
		require.NoError(t, err, sc.Name)
		again, err := scenarios.Load(sc.Name)
		require.NoError(t, err)
		two, err := NewPlan(again, rec, 7)
		require.NoError(t, err, sc.Name)
		assert.Equal(t, one.Digest, two.Digest, sc.Name)
	}
}
