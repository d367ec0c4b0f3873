package reports

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/tokendrill/tokendrill/harness/measure"
)

// faultRow is one line of the table of faults.
type faultRow struct {
	Name, From, To string
	Landed, Healed evidence
}

// evidence is what was seen of a fault, and whether that is good news.
type evidence struct {
	Text string
	Bad  bool
}

func faultRows(r *measure.Report) []faultRow {
	var rows []faultRow
	for _, f := range r.Faults {
		row := faultRow{Name: f.Name, From: setting(f.From), To: setting(f.To), Landed: evidence{Text: "yes"}, Healed: evidence{Text: "yes"}}
		if f.Met > 0 {
			row.Landed.Text = "yes: " + acted(f)
		}
		if f.Clear > 0 {
			row.Healed.Text = "yes: " + unharmed(f)
		}
		switch doubt := doubtOf(f); {
		case !f.Landed || f.Unknown != "" && f.Met == 0:
			row.Landed, row.Healed = evidence{"no: " + doubt, true}, evidence{Text: none}
		case doubt != "":
			row.Healed = evidence{"no: " + doubt, true}
		}
		if slices.Contains(r.Undo.Left, f.Name) {
			row.Healed = evidence{"no: still in place", true}
		}
		rows = append(rows, row)
	}
	return rows
}

// phaseTable is one pattern with a column for each phase and a line for each series.
type phaseTable struct {
	Pattern string
	Back    string // when it was as before
	Heads   []phaseHead
	Lines   []phaseLine
}

// phaseHead is the heading of a column; Broken says that faults were in place.
type phaseHead struct {
	Name, Span string
	Broken     bool
}

// phaseLine is one series over the phases.
type phaseLine struct {
	Name  string
	Group bool // begins a group of lines
	Cells []phaseCell
}

// phaseCell is one figure; Broken as in its heading.
type phaseCell struct {
	Text        string
	Bad, Broken bool
}

// figureOf is a line of the table before it is filled in: text is "" for a
// figure of which nothing is known.
type figureOf struct {
	name  string
	group bool
	text  func(*measure.Phase) string
	bad   func(*measure.Phase) bool
}

func phaseTables(r *measure.Report) []phaseTable {
	var all []phaseTable
	for i := range r.Patterns {
		p := &r.Patterns[i]
		if len(p.Phases) == 0 {
			continue
		}
		t := phaseTable{Pattern: p.Pattern, Back: backSentence(r, p)}
		for _, ph := range p.Phases {
			t.Heads = append(t.Heads, phaseHead{ph.Phase, setting(ph.From) + " to " + setting(ph.To), ph.Phase == during})
		}
		for _, f := range phaseFigures(p) {
			if l := f.line(p); l.known() {
				t.Lines = append(t.Lines, l)
			}
		}
		all = append(all, t)
	}
	return all
}

func (f figureOf) line(p *measure.Pattern) phaseLine {
	l := phaseLine{Name: f.name, Group: f.group}
	for i := range p.Phases {
		ph := &p.Phases[i]
		cell := phaseCell{Text: cmp.Or(f.text(ph), none), Broken: ph.Phase == during}
		cell.Bad = f.bad != nil && f.bad(ph)
		l.Cells = append(l.Cells, cell)
	}
	return l
}

// known reports whether there is a figure in any phase.
func (l phaseLine) known() bool {
	return slices.ContainsFunc(l.Cells, func(c phaseCell) bool { return c.Text != none })
}

// phaseFigures are the series of a phase, those of its fallbacks last.
func phaseFigures(p *measure.Pattern) []figureOf {
	decided := func(n func(*measure.Phase) int) func(*measure.Phase) string {
		return func(ph *measure.Phase) string {
			if ph.Requests.Accepted+ph.Requests.Rejected == 0 {
				return ""
			}
			return count(n(ph))
		}
	}
	latency := func(of func(*measure.Latency) measure.Dist, q string) func(*measure.Phase) string {
		return func(ph *measure.Phase) string { return quantile(of(&ph.Latency), q) }
	}
	derived := func(q string) func(*measure.Phase) string {
		return func(ph *measure.Phase) string {
			said := quantile(ph.Latency.Check, q)
			if ph.Latency.CheckDerived && said != none {
				said += derivedMark
			}
			return said
		}
	}
	response := func(l *measure.Latency) measure.Dist { return l.Response }
	in := func(ph *measure.Phase) int { return ph.Safety.FalseAccepts }
	out := func(ph *measure.Phase) int { return ph.Safety.FalseRejects }
	lines := []figureOf{
		{name: "requests", text: func(ph *measure.Phase) string { return count(ph.Requests.Sent) }},
		{name: "no answer", text: noAnswer, bad: func(ph *measure.Phase) bool { return ph.Requests.Unavailable > 0 }},
		{name: "response p50", text: latency(response, "p50"), group: true},
		{name: "response p95", text: latency(response, "p95")},
		{name: "check p50", text: derived("p50")},
		{name: "check p95", text: derived("p95")},
		{name: "tokens revoked", text: revokedIn, group: true},
		{name: "lived, p95", text: lifeP95},
		{name: "lived, worst", text: lifeWorst},
		{name: "not refused", text: censoredIn, bad: func(ph *measure.Phase) bool { return ph.Revocations.Censored > 0 }},
		{name: "uses", text: decided(func(ph *measure.Phase) int { return ph.Safety.StaleAccepts })},
		{name: "let in", text: decided(in), bad: func(ph *measure.Phase) bool { return in(ph) > 0 }, group: true},
		{name: "shut out", text: decided(out), bad: func(ph *measure.Phase) bool { return out(ph) > 0 }},
		{name: "calls to the authority", text: callsIn, group: true},
		{name: "cache hits", text: hitShare},
	}
	return append(lines, fallbackFigures(p)...)
}

func noAnswer(ph *measure.Phase) string {
	if ph.Requests.Sent == 0 {
		return ""
	}
	return share(ph.Requests.UnavailableRate)
}

func revokedIn(ph *measure.Phase) string {
	n := ph.Revocations
	if n.Moments == n.Tokens {
		return count(n.Tokens)
	}
	return fmt.Sprintf("%s in %s", count(n.Tokens), plural(n.Moments, "call"))
}

// lifeP95 is the p95 of the lives of the tokens revoked in a phase if there are enough.
func lifeP95(ph *measure.Phase) string {
	if ph.Revoke == nil || !supports(0.95, ph.Revocations.Moments) {
		return ""
	}
	var lower, above *float64
	if ph.RevokeLower != nil {
		lower = ph.RevokeLower.P95
	}
	if ph.Revoke.Above != nil {
		above = ph.Revoke.Above.P95
	}
	return span(lower, ph.Revoke.P95, above)
}

func lifeWorst(ph *measure.Phase) string {
	l := lifeOf(ph)
	return span(l.lower, l.upper, l.above)
}

func censoredIn(ph *measure.Phase) string {
	if ph.Revocations.Moments == 0 {
		return ""
	}
	return count(ph.Revocations.Censored)
}

// callsIn counts calls to the authority, and tells their rate: phases differ in length.
func callsIn(ph *measure.Phase) string {
	if ph.AuthorityCalls == nil {
		return ""
	}
	calls := *ph.AuthorityCalls
	if ph.To <= ph.From {
		return count(calls)
	}
	perSecond := float64(calls) / (ph.To - ph.From) * 1000
	return fmt.Sprintf("%s (%s/s)", count(calls), figure(perSecond, nearest))
}

func hitShare(ph *measure.Phase) string {
	all := ph.Cache.Hits + ph.Cache.Misses
	if all == 0 {
		return ""
	}
	return percent(float64(ph.Cache.Hits) / float64(all))
}

// fallbackFigures are a line for each cause by which a pattern decided without
// an ordinary check.
func fallbackFigures(p *measure.Pattern) []figureOf {
	var lines []figureOf
	for _, cause := range causes(p) {
		lines = append(lines, figureOf{name: fallbackName(cause), group: len(lines) == 0, text: func(ph *measure.Phase) string {
			n := 0
			for _, f := range p.Fallbacks {
				if f.Cause == cause && f.Phase == ph.Phase {
					n += f.Count
				}
			}
			return count(n)
		}})
	}
	return lines
}

// causes are those of a pattern's fallbacks, in order.
func causes(p *measure.Pattern) []string {
	var names []string
	for _, f := range p.Fallbacks {
		if !slices.Contains(names, f.Cause) {
			names = append(names, f.Cause)
		}
	}
	return names
}

// fallbackName says what a cause does.
func fallbackName(cause string) string {
	if cause == measure.CauseStepUp {
		return "asked to step up"
	}
	return "let in by " + strings.ReplaceAll(cause, "_", " ")
}

// backSentence says when a pattern was as before the faults.
func backSentence(r *measure.Report, p *measure.Pattern) string {
	switch {
	case len(r.Faults) == 0:
		return ""
	case p.Recovery != nil && *p.Recovery == 0:
		return "As before as soon as the last fault ended."
	case p.Recovery != nil:
		return fmt.Sprintf("As before %s after the last fault ended.", millis(*p.Recovery, up))
	case p.RecoveryAbove != nil:
		return fmt.Sprintf("Not as before within %s after the last fault ended.", millis(*p.RecoveryAbove, down))
	}
	return "Not known when it was as before: " + cmp.Or(p.RecoveryWhy, "the level before or after was not measured") + "."
}
