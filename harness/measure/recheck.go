package measure

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Check judges the history again: time-to-revoke, the safety of revoked and
// control tokens, violations, faults, why the run stopped and whether it is valid,
// the phases of all that, and the gates on revoke and safety figures.
//
// Latency, recovery, fallbacks, calls to the authority and counters of other
// traffic are not in a history; gates on them are left out with a warning, and
// Requests counts what the history holds. A run that was stopped or interrupted
// stays so. Wrong decisions on other tokens are counted as far as the history
// lists them: the first 20 of each kind at each gateway in each phase, each with
// the one request.
func (h *History) Check() (*Report, error) {
	report := newReport(&h.Meta)
	report.Verdict, report.Stopped, report.Undo = h.Ended, h.Ending.Stopped, h.Ending.Undo
	report.Elapsed = float64(h.Elapsed) / 1e6
	for i := range h.Meta.Patterns {
		report.Patterns = append(report.Patterns, h.pattern(&h.Meta.Patterns[i]))
	}
	report.Faults = faults(h.Events)
	report.Validity = validity(h.Ending.Invalid, report.Faults)
	report.Warnings = append(report.Warnings, h.Warnings...)
	for i := range report.Patterns {
		report.Warnings = append(report.Warnings, revokeWarnings(&report.Patterns[i])...)
	}
	gates, err := parseGates(h.Meta)
	if err != nil {
		return nil, err
	}
	kept := slices.DeleteFunc(slices.Clone(gates), func(g GateExpr) bool { return !g.inHistory() })
	if left := len(gates) - len(kept); left > 0 {
		report.Warnings = append(report.Warnings, fmt.Sprintf("%d of %d gates are left out: a history has no latency and no counters of other traffic", left, len(gates)))
	}
	if err := Judge(report, kept); err != nil {
		return nil, err
	}
	return report, nil
}

// inHistory says whether a history is enough to judge the gate.
func (g GateExpr) inHistory() bool {
	return strings.HasPrefix(g.Metric.Name, "revoke.") || strings.HasPrefix(g.Metric.Name, "safety.")
}

// pattern judges one pattern of the history.
func (h *History) pattern(meta *PatternMeta) Pattern {
	checked := check(meta, h.Events)
	l := maps.Clone(checked.safety)
	var listed []Violation
	for i := range h.Events {
		e := &h.Events[i]
		if e.Pattern != meta.Pattern || e.Kind != KindRequest && e.Kind != KindViolation {
			continue
		}
		var d decisions
		d.tally.add(e.Verdict)
		if e.Kind == KindViolation {
			listed = append(listed, restored(*e))
			d.safety.add(e.Violation)
		}
		l.add(place{e.Gateway, e.Phase}, d)
	}
	out := l.pattern(meta, h.Meta.Phases, h.Elapsed, &checked)
	out.Violations = append(append(out.Violations, listed...), checked.violations...)
	return out
}

// restored is a violation found while the run went on, from its line.
func restored(e Event) Violation {
	e.Kind, e.Violation = KindRequest, ""
	j := judge(&e)
	return Violation{Kind: j.kind, Gateway: e.Gateway, Token: e.Token, Cause: j.cause, Requests: []Event{e}}
}
