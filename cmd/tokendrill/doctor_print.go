package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tokendrill/tokendrill/fixtures/specimens"
	"github.com/tokendrill/tokendrill/harness/measure"
)

// printFindings prints a row for each specimen, then what is not as it should be.
func printFindings(w io.Writer, found []finding, took time.Duration) error {
	rows := [][]string{{"specimen", "bug", "scenario", "caught by", "seconds", "witness"}}
	good := 0
	for _, f := range found {
		by := "NOT CAUGHT"
		if f.Caught {
			by = f.Gate
		}
		rows = append(rows, []string{f.Specimen, cmp.Or(f.Bug, "-"), f.Scenario, by, fmt.Sprintf("%.1f", f.Seconds), f.Evidence})
		if f.verdict() == measure.Pass {
			good++
		}
	}
	if err := printRows(w, rows); err != nil {
		return err
	}
	fmt.Fprintln(w)
	for _, line := range complaints(found) {
		fmt.Fprintln(w, line)
	}
	word := map[int]string{exitPass: "PASS", exitFail: "FAIL"}[exitCode(judgement(found))]
	word = cmp.Or(word, "INCONCLUSIVE")
	_, err := fmt.Fprintf(w, "%s  %d of %d specimens caught, the sound pattern green beside them; %s\n", word, good, len(found), took.Round(time.Second))
	return err
}

// complaints name the specimens that were not caught and the sound patterns that
// were not green.
func complaints(found []finding) (lines []string) {
	seen := map[string]bool{}
	for _, f := range found {
		if !f.Caught {
			lines = append(lines, fmt.Sprintf("%s was not caught by %s: %s", f.Specimen, f.Scenario, f.Evidence))
		}
		sound := fmt.Sprintf("the sound %s is not green in %s: %s", f.Pattern, f.Scenario, f.SoundWhy)
		if f.Sound != measure.Pass && !seen[sound] {
			seen[sound] = true
			lines = append(lines, sound)
		}
	}
	return lines
}

// wanted says what a specimen should have been caught by.
func wanted(w specimens.Want) string {
	if len(w.Causes) == 0 {
		return "a gate on " + w.Metric + " should fail"
	}
	return fmt.Sprintf("a gate on %s should fail, for %s", w.Metric, strings.Join(w.Causes, " or "))
}

// happened says what a run came to.
func (o outcome) happened() string {
	r := o.report
	parts := slices.Clone(r.Validity.Reasons)
	if o.late {
		parts = append(parts, fmt.Sprintf("the sender was %s ms late at p95", figure(*r.Sender.Lag.P95)))
	}
	for _, p := range r.Patterns {
		for _, g := range p.Gates {
			if g.Verdict != measure.Pass {
				parts = append(parts, fmt.Sprintf("%s: %s (%s%s)", g.Verdict, g.Expr, g.Metric, because(g)))
			}
		}
		if len(p.Violations) > 0 {
			parts = append(parts, sentence(&p.Violations[0]))
		}
	}
	switch {
	case r.Verdict == measure.Stopped:
		parts = append(parts, "stopped: "+r.Stopped)
	case len(parts) == 0 && r.Verdict == measure.Pass:
		return "every gate passed"
	case len(parts) == 0:
		return "the run is " + string(r.Verdict)
	}
	return strings.Join(parts, "; ")
}

// because says what decided a gate, as far as it is known.
func because(g measure.Gate) string {
	unit := ""
	if m := slices.IndexFunc(measure.Metrics(), func(m measure.Metric) bool { return m.Name == g.Metric && m.Unit == "ms" }); m >= 0 {
		unit = " ms"
	}
	switch {
	case g.Value != nil:
		return " is " + figure(*g.Value) + unit
	case g.Lower != nil:
		return " is over " + figure(*g.Lower) + unit
	case g.Why != "":
		return ": " + g.Why
	}
	return " was not measured"
}

func figure(v float64) string { return strconv.FormatFloat(v, 'g', 4, 64) }

// evidence is the witness of a gate that failed, in a sentence.
func evidence(w specimens.Want, g *measure.Gate, r *measure.Report) string {
	for i := range r.Patterns {
		if v := witness(w, &r.Patterns[i]); v != nil {
			return sentence(v)
		}
	}
	return g.Metric + because(*g)
}

// sentence tells of one wrong decision.
func sentence(v *measure.Violation) string {
	did := "let in"
	if v.Kind == measure.FalseReject {
		did = "refused"
	}
	when := ""
	if n := len(v.Requests); n > 0 {
		when = fmt.Sprintf(" at %.2f s", float64(v.Requests[n-1].Start)/1e9)
	}
	return fmt.Sprintf("%s %s %s%s%s", v.Gateway, did, cmp.Or(string(v.Token), "a token"), when, why(v))
}

func why(v *measure.Violation) string {
	switch v.Cause {
	case "":
		return ""
	case measure.CauseResurrection:
		return ", which it had refused before"
	case measure.CauseAfterBound:
		return ", revoked longer ago than it may go on"
	case measure.CauseExpired:
		return ", which had expired"
	case measure.CauseRefused:
		return ", which was good"
	case measure.CauseWrongReason:
		return ", for the wrong reason"
	}
	return ": " + v.Cause
}

// trackRecord writes the findings as a page of Markdown.
func trackRecord(w io.Writer, found []finding) error {
	fmt.Fprint(w, trackRecordHead)
	for _, f := range found {
		caught := "**not caught**: " + f.Evidence
		if f.Caught {
			caught = fmt.Sprintf("`%s`: %s", f.Gate, f.Evidence)
		}
		if _, err := fmt.Fprintf(w, "%s %s |\n", trackRecordRow(f.Specimen, f.Does, f.Bug, f.Source, f.Scenario, f.Pattern), cell(caught)); err != nil {
			return err
		}
	}
	return nil
}

// trackRecordRow is what a row of the track record says before any run.
func trackRecordRow(name, does, bug, source, scenario, pattern string) string {
	return fmt.Sprintf("| `%s`: %s | %s | %s | `%s`, %s |", name, cell(does), cmp.Or(bug, "-"), cell(source), scenario, pattern)
}

// cell is a text that ends no cell of a table.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

const trackRecordHead = `# Track record

Each row is a bug that somebody has shipped, built again as a specimen
(` + "`fixtures/specimens`" + `), and the scenario that must catch it. ` + "`tokendrill doctor`" + `
runs them all, each beside the sound pattern, which has to pass where the specimen
fails. This page is the result of one such run: ` + "`make docs`" + ` writes it again.

| specimen | bug | source | scenario, pattern | caught by |
|---|---|---|---|---|
`
