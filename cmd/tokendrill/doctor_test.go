package main

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/fixtures/pattern"
	"github.com/tokendrill/tokendrill/fixtures/specimens"
	"github.com/tokendrill/tokendrill/fixtures/undisturbed"
	"github.com/tokendrill/tokendrill/harness/measure"
	"github.com/tokendrill/tokendrill/scenarios"
)

// ward is a scenario as small as can be, in which tokens are revoked.
const ward = `
name: ward
about: eight tokens are revoked
patterns: [cache, remote]
traffic: {recording: sample, rate: 50/s, rounds: 1, slice: 100ms}
revocations: {tokens: 8, every: 40ms, first_gap: 20ms, growth: 20%, window: 1700ms, rate: 20/s}
settings: {cache: {ttl: 200ms, timeout: 1s}}
gates: [safety.false_accepts == 0, safety.false_rejects == 0, "revoke.tokens{pattern=cache} >= 1"]
`

// ward loads that scenario, whatever its name.
func loadWard(string) (*scenarios.Scenario, error) { return scenarios.Parse([]byte(ward), "ward.yaml") }

// patient is a specimen of the list, for the ward.
func patient(t testing.TB, name string) specimens.Specimen {
	s, ok := specimens.Find(name)
	require.True(t, ok, name)
	s.Scenario = "ward"
	return s
}

// visit carries out a command line of a doctor.
func visit(d *doctor, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	c := d.command()
	c.SilenceErrors, c.SilenceUsage = true, true
	c.SetArgs(append([]string{}, args...)) // nil would be those of the test itself
	c.SetOut(&out)
	c.SetErr(&errs)
	err := c.Execute()
	if err != nil {
		errs.WriteString(err.Error())
	}
	return exitCode(err), out.String(), errs.String()
}

func TestDoctorIsContentWhenAllAreCaught(t *testing.T) {
	t.Parallel()
	undisturbed.Try(t, func(t *undisturbed.Attempt) {
		d := &doctor{load: loadWard, late: time.Hour, specimens: []specimens.Specimen{patient(t, "ttl-ignored")}}
		code, out, errs := visit(d)
		require.Equal(t, exitPass, code, "%s%s", out, errs)
		assert.Contains(t, out, "PASS  1 of 1 specimens caught")
		assert.Regexp(t, `(?m)^ttl-ignored +B12 +ward +safety.false_accepts == 0 +\d+\.\d +gw-\d let in t-\d+ at \d+\.\d+ s, revoked longer ago`, out)
	})
}

// What is not broken is not caught, and what is broken in another way neither.
func TestDoctorNamesSpecimensThatGotAway(t *testing.T) {
	t.Parallel()
	cured, other := patient(t, "ttl-ignored"), patient(t, "ttl-ignored")
	cured.Name, cured.Verifier = "cured", func(p pattern.Parts) pattern.Verifier { return p.Sound }
	other.Name, other.Want = "other", specimens.Want{Metric: "safety.false_rejects"}
	undisturbed.Try(t, func(t *undisturbed.Attempt) {
		d := &doctor{load: loadWard, late: time.Hour, specimens: []specimens.Specimen{cured, other}}
		code, out, errs := visit(d, "--jobs", "2", "--json")
		assert.Equal(t, exitFail, code)
		var found []finding
		require.NoError(t, json.Unmarshal([]byte(out), &found), errs)
		require.Len(t, found, 2)
		assert.Equal(t, measure.Pass, found[0].Result)
		assert.Equal(t, measure.Fail, found[1].Result, "it did fail")
		assert.Equal(t, []string{
			"cured was not caught by ward: a gate on safety.false_accepts should fail, for after_bound or resurrection, but every gate passed",
			"other was not caught by ward: " + found[1].Evidence,
		}, complaints(found))
		assert.Contains(t, found[1].Evidence, "a gate on safety.false_rejects should fail, but fail: safety.false_accepts == 0")
	})
}

func TestDoctorNamesASoundPatternThatIsNot(t *testing.T) {
	t.Parallel()
	undisturbed.Try(t, func(t *undisturbed.Attempt) {
		sick := patient(t, "ttl-ignored")
		code, out, _ := visit(&doctor{load: loadWard, late: time.Hour, specimens: []specimens.Specimen{sick}, sound: sick.Verifier})
		assert.Equal(t, exitFail, code)
		assert.Contains(t, out, "the sound cache is not green in ward")
		assert.NotContains(t, out, "was not caught")
		assert.Contains(t, out, "FAIL  0 of 1")
	})
}

func TestDoctorRefusesBadInput(t *testing.T) {
	d := func() *doctor {
		return &doctor{load: loadWard, late: time.Hour, specimens: []specimens.Specimen{patient(t, "ttl-ignored"), patient(t, "key-prefix")}}
	}
	code, _, errs := visit(d(), "ttl-ignord")
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, errs, `no specimen "ttl-ignord"; near: ttl-ignored`)
	code, _, errs = visit(d(), "--jobs", "0")
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, errs, "--jobs is 0")
	absent := d()
	absent.specimens[0].Pattern = "hybrid"
	code, out, _ := visit(absent, "ttl-ignored")
	assert.Equal(t, exitFail, code, "what cannot be run is not caught")
	assert.Contains(t, out, "scenario ward does not run hybrid, but cache, remote")
}

// A specimen is judged by the gate and the cause that it must fail for.
func TestWhatCountsAsCaught(t *testing.T) {
	report := func(verdict measure.RunVerdict, gate measure.Gate, causes ...string) *measure.Report {
		p := measure.Pattern{Pattern: "cache", Gates: []measure.Gate{gate}}
		for _, c := range causes {
			p.Violations = append(p.Violations, measure.Violation{Kind: measure.FalseAccept, Cause: c, Gateway: "gw-1"})
		}
		return &measure.Report{Verdict: verdict, Patterns: []measure.Pattern{p}}
	}
	accepts := func(v measure.RunVerdict) measure.Gate {
		n := 3.0
		return measure.Gate{Expr: "safety.false_accepts == 0", Metric: "safety.false_accepts", Verdict: v, Value: &n}
	}
	late := specimens.Want{Metric: "safety.false_accepts", Causes: []string{"after_bound", "resurrection"}}
	for _, row := range []struct {
		name   string
		want   specimens.Want
		report *measure.Report
		caught bool
		open   bool
	}{
		{"the gate with a cause", late, report(measure.Fail, accepts(measure.Fail), "expired", "resurrection"), true, false},
		{"the gate with another cause", late, report(measure.Fail, accepts(measure.Fail), "expired"), false, false},
		{"the gate, whatever the cause", specimens.Want{Metric: "safety.false_accepts"}, report(measure.Fail, accepts(measure.Fail)), true, false},
		{"another gate", specimens.Want{Metric: "authority_calls"}, report(measure.Fail, accepts(measure.Fail)), false, false},
		{"a gate that passed", late, report(measure.Pass, accepts(measure.Pass), "after_bound"), false, false},
		{"a gate that is open", late, report(measure.Inconclusive, accepts(measure.Inconclusive), "after_bound"), false, true},
		{"the gate of a run that is not valid otherwise", late, report(measure.Inconclusive, accepts(measure.Fail), "after_bound"), true, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			assert.Equal(t, row.caught, caught(row.want, row.report) != nil)
			assert.Equal(t, row.open, examination{specimen: &specimens.Specimen{Want: row.want}}.open(outcome{report: row.report}))
		})
	}
}

// On a busy machine requests come too late to meet what they should.
func TestALateSenderDecidesNothing(t *testing.T) {
	lag := 700.0
	sound, sick := examination{}, examination{specimen: &specimens.Specimen{Want: specimens.Want{Metric: "safety.false_accepts"}}}
	for _, row := range []struct {
		name    string
		e       examination
		verdict measure.RunVerdict
		late    bool
		open    bool
	}{
		{"a sound pattern that fails late", sound, measure.Fail, true, true},
		{"a sound pattern that passes late", sound, measure.Pass, true, false},
		{"a sound pattern that fails in time", sound, measure.Fail, false, false},
		{"a specimen that gets away late", sick, measure.Pass, true, true},
		{"a specimen that fails for another reason, late", sick, measure.Fail, true, true},
		{"a specimen that gets away in time", sick, measure.Pass, false, false},
		{"a run that was stopped late", sick, measure.Stopped, true, false},
	} {
		o := outcome{late: row.late, report: &measure.Report{Verdict: row.verdict, Sender: measure.Sender{Lag: measure.Dist{P95: &lag}}}}
		assert.Equal(t, row.open, row.e.open(o), row.name)
		if row.late {
			assert.Contains(t, o.happened(), "the sender was 700 ms late at p95", row.name)
		}
	}
}

// A gate can fail by what is known of a figure that was not measured to its end.
func TestTheEvidenceOfAGateWithoutAWitness(t *testing.T) {
	calls, lower := 700.0, 1900.0
	for _, row := range []struct {
		gate measure.Gate
		says string
	}{
		{measure.Gate{Metric: "authority_calls", Value: &calls}, "authority_calls is 700"},
		{measure.Gate{Metric: "revoke.fleet_upper.max", Value: &lower}, "revoke.fleet_upper.max is 1900 ms"},
		{measure.Gate{Metric: "revoke.fleet_upper.max", Lower: &lower}, "revoke.fleet_upper.max is over 1900 ms"},
		{measure.Gate{Metric: "revoke.fleet_upper.max", Why: "no samples"}, "revoke.fleet_upper.max: no samples"},
		{measure.Gate{Metric: "requests.sent"}, "requests.sent was not measured"},
	} {
		assert.Equal(t, row.says, evidence(specimens.Want{Metric: row.gate.Metric}, &row.gate, &measure.Report{}))
	}
}

func TestFindingsThatAreNotAPass(t *testing.T) {
	for _, row := range []struct {
		name string
		f    finding
		want measure.RunVerdict
	}{
		{"caught beside a sound pattern that passes", finding{Caught: true, Result: measure.Fail, Sound: measure.Pass}, measure.Pass},
		{"not run", finding{}, measure.Fail},
		{"not caught", finding{Result: measure.Pass, Sound: measure.Pass}, measure.Fail},
		{"undecided", finding{Result: measure.Inconclusive, Sound: measure.Pass}, measure.Inconclusive},
		{"caught beside a sound pattern that fails", finding{Caught: true, Result: measure.Fail, Sound: measure.Fail}, measure.Fail},
		{"caught beside a sound pattern that is stopped", finding{Caught: true, Result: measure.Fail, Sound: measure.Stopped}, measure.Fail},
		{"caught beside a sound pattern that is undecided", finding{Caught: true, Result: measure.Fail, Sound: measure.Inconclusive}, measure.Inconclusive},
	} {
		assert.Equal(t, row.want, row.f.verdict(), row.name)
	}
	assert.Equal(t, exitInconclusive, exitCode(judgement([]finding{{Caught: true, Result: measure.Fail, Sound: measure.Inconclusive}})))
	assert.Equal(t, exitFail, exitCode(judgement([]finding{{Result: measure.Inconclusive, Sound: measure.Pass}, {Sound: measure.Pass, Result: measure.Pass}})))
	assert.Equal(t, exitPass, exitCode(judgement(nil)))
}

func TestSoundPatternsRunOnceForEachScenario(t *testing.T) {
	prefix, truncated := patient(t, "key-prefix"), patient(t, "key-truncated")
	todo := examinations([]specimens.Specimen{prefix, truncated, patient(t, "revoke-later")})
	var names []string
	for _, e := range todo {
		names = append(names, e.String())
	}
	assert.Equal(t, []string{"sound cache in ward", "key-prefix in ward", "key-truncated in ward", "sound remote in ward", "revoke-later in ward"}, names)
}

// Every specimen is caught by the scenario of the catalogue that it names, and the
// page that says so has a row for each. With -update the page is written.
func TestDocumentsTrackRecord(t *testing.T) {
	undisturbed.Long(t, "it runs every specimen")
	found := examined(t, specimens.List())
	const page = documents + "docs/track-record.md"
	if *update {
		var text bytes.Buffer
		require.NoError(t, trackRecord(&text, found))
		require.NoError(t, os.WriteFile(page, text.Bytes(), 0o644))
	}
	text, err := os.ReadFile(page)
	require.NoError(t, err, "run make docs")
	for _, s := range specimens.List() {
		assert.Contains(t, string(text), trackRecordRow(s.Name, s.Does, s.Bug, s.Source, s.Scenario, s.Pattern), "run make docs")
	}
}

// examined are the findings of a doctor that is content. What one attempt leaves
// undecided or missed is left to the next, one run at a time.
func examined(t *testing.T, todo []specimens.Specimen) (found []finding) {
	all, jobs := todo, "6"
	place := func(f finding) int {
		return slices.IndexFunc(all, func(s specimens.Specimen) bool { return s.Name == f.Specimen })
	}
	undisturbed.Again(t, func(t *undisturbed.Attempt) {
		_, out, errs := visit(&doctor{load: shipped, late: mostLate, specimens: todo}, "--json", "--jobs", jobs)
		var now []finding
		require.NoError(t, json.Unmarshal([]byte(out), &now), errs)
		jobs, todo = "1", nil
		for _, f := range now {
			if f.verdict() == measure.Pass {
				found = append(found, f)
			} else {
				todo = append(todo, all[place(f)])
			}
		}
		switch why := strings.Join(complaints(now), "\n"); exitCode(judgement(now)) {
		case exitPass:
		case exitInconclusive:
			t.ProveNothing(why)
		default:
			t.Fatal(why)
		}
	})
	slices.SortFunc(found, func(a, b finding) int { return place(a) - place(b) })
	return found
}

func TestATrackRecordHasARowForEachFinding(t *testing.T) {
	var page bytes.Buffer
	require.NoError(t, trackRecord(&page, []finding{
		{Specimen: "a", Does: "joins with |", Bug: "B05", Source: "x#1", Scenario: "s", Pattern: "cache", Caught: true, Gate: "g == 0", Evidence: "gw-1 let in t-1"},
		{Specimen: "b", Does: "nothing", Source: "y", Scenario: "s", Pattern: "remote", Evidence: "every gate passed"},
	}))
	_, rows, ok := strings.Cut(page.String(), "|---|---|---|---|---|\n")
	require.True(t, ok)
	assert.Equal(t, "| `a`: joins with \\| | B05 | x#1 | `s`, cache | `g == 0`: gw-1 let in t-1 |\n"+
		"| `b`: nothing | - | y | `s`, remote | **not caught**: every gate passed |\n", rows)
}
