package measure

import (
	"fmt"
	"strings"
)

// Check judges the history again: time-to-revoke, the safety of revoked and
// control tokens, violations, and the gates on revoke and safety figures.
//
// Latency and counters of other traffic are not in a history; gates on them are
// left out with a warning, and Requests counts what the history holds. A run that
// was stopped or interrupted stays so. Wrong
// decisions on other tokens are counted as far as the history lists them: the
// first 20 of each kind at each gateway, each with the one request.
func (h *History) Check() (*Report, error) {
	report := newReport(&h.Meta)
	report.Validity.OK, report.Verdict = true, h.Ended
	for i := range h.Meta.Patterns {
		report.Patterns = append(report.Patterns, h.pattern(&h.Meta.Patterns[i]))
	}
	for i := range h.Events {
		report.Elapsed = max(report.Elapsed, float64(h.Events[i].End)/1e6)
	}
	report.Faults = faults(h.Events)
	report.Warnings = append(report.Warnings, h.Warnings...)
	for i := range report.Patterns {
		report.Warnings = append(report.Warnings, revokeWarnings(&report.Patterns[i])...)
	}
	gates, err := parseGates(h.Meta)
	if err != nil {
		return nil, err
	}
	var kept []GateExpr
	for _, g := range gates {
		if g.inHistory() {
			kept = append(kept, g)
		}
	}
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
	return g.Phase == "" && (strings.HasPrefix(g.Metric.Name, "revoke.") || strings.HasPrefix(g.Metric.Name, "safety."))
}

// pattern judges one pattern of the history.
func (h *History) pattern(meta *PatternMeta) Pattern {
	out := newPattern(meta)
	checked := check(meta, h.Events)
	out.Revoke = checked.revoke
	for _, s := range checked.safety {
		out.Safety.merge(s)
	}
	var requests tally
	for i := range h.Events {
		e := &h.Events[i]
		switch {
		case e.Pattern != meta.Pattern:
		case e.Kind == KindRequest:
			requests.add(e.Verdict)
		case e.Kind == KindViolation:
			requests.add(e.Verdict)
			v := restored(*e)
			out.Safety.add(v.Kind)
			out.Violations = append(out.Violations, v)
		}
	}
	out.Violations = append(out.Violations, checked.violations...)
	out.Requests = requests.requests()
	return out
}

// restored is a violation found while the run went on, from its line.
func restored(e Event) Violation {
	e.Kind, e.Violation = KindRequest, ""
	j := judge(&e)
	return Violation{Kind: j.kind, Gateway: e.Gateway, Token: e.Token, Cause: j.cause, Requests: []Event{e}}
}
