package reports

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/tokendrill/tokendrill/fixtures/token"
	"github.com/tokendrill/tokendrill/harness/measure"
)

// view is what the page shows: the report and what is computed from it.
type view struct {
	*measure.Report
	Word, Decided string // the verdict
	Started       string
	Sentences     []sentence
	WrongSaid     string
	Limits        []string
	GateRows      []gateRow
	Rows          []row
	SpeedName     string
	Noun          string
	Derived       string // explains the mark of derived figures
	Network       string
	Path          string // the stage and the way of its requests
	FloorSaid     string
	Coverage      []string
	Map           *chart
	Lives         []chart
	Timelines     []chart
	Latencies     []chart
	Matrix        matrix
	Wrong         []wrongRow
	Notes         []note
	FaultRows     []faultRow
	Answers       *chart
	Phases        []phaseTable
	ShowPhases    bool
	References    []referenceRow
	Reproduce     string
	Glossary      []sentence
}

// sentence is a few words about one thing.
type sentence struct{ Key, Text string }

// gateRow is one line of the table of gates.
type gateRow struct {
	Verdict, Expr, Pattern, Value, Interval, Why string
	N                                            int
}

// row is one line of the comparison.
type row struct {
	measure.Pattern
	P50, P95, Tie, Life50, Life95, LifeMax, Bound string
}

// series is a named latency.
type series struct {
	Name string
	measure.Dist
}

// Series are the latencies of a pattern that have a sample.
func (r row) Series() []series {
	l := r.Latency
	all := []series{
		{map[bool]string{false: "check", true: "check" + derivedMark}[l.CheckDerived], l.Check}, {"check, hit", l.Hit}, {"check, miss", l.Miss},
		{"response", l.Response}, {"service", l.Service}, {"control path", l.Bare}, {"lag", l.Lag},
	}
	return slices.DeleteFunc(all, func(s series) bool { return s.Count == 0 })
}

// Bare reports whether a control path was asked.
func (v *view) Bare() bool {
	return slices.ContainsFunc(v.Patterns, func(p measure.Pattern) bool { return p.Latency.Bare.Count > 0 })
}

// Counted reports whether calls to the authority are counted anywhere.
func (v *view) Counted() bool {
	return slices.ContainsFunc(v.Patterns, func(p measure.Pattern) bool { return p.Timeline.AuthorityCalls != nil })
}

// CacheTold reports whether the cache results are known: a target may tell none.
func (r row) CacheTold() bool { return !r.Target || r.Cache.Hits+r.Cache.Misses > 0 }

// HasSeries reports whether any pattern has a latency.
func (v *view) HasSeries() bool {
	return slices.ContainsFunc(v.Rows, func(r row) bool { return len(r.Series()) > 0 })
}

// referenceRow is a published figure beside ours.
type referenceRow struct{ Pattern, Metric, Says, Here string }

// wrongRow is a violation with the pattern that made it.
type wrongRow struct {
	measure.Violation
	Pattern, Did string
}

func newView(r *measure.Report) *view {
	v := &view{
		Report: r, Started: "not known", SpeedName: speedOf(r).name, Noun: noun(r), Derived: derivedLegend(r), Network: networkSentence(r), Path: stage(r), FloorSaid: floorSentence(r), Coverage: coverage(r), Limits: limitSentences(r), Reproduce: reproduce(r),
		Map: plotMap(r), Lives: plotLives(r), Timelines: plotTimelines(r), Latencies: plotLatencies(r),
		Matrix: matrixOf(r), Wrong: wrongRows(r), Glossary: glossary(r),
		Notes: faultNotes(r), FaultRows: faultRows(r), Answers: plotAnswers(r), Phases: phaseTables(r), ShowPhases: showPhases(r),
	}
	if !r.Started.IsZero() {
		v.Started = r.Started.UTC().Format(time.RFC3339)
	}
	v.Word, v.Decided = verdictLine(r)
	v.Sentences, v.WrongSaid = questionsOf(r), wrongSentence(r)
	for _, g := range gatesOf(r) {
		v.GateRows = append(v.GateRows, gateRow{
			Verdict: string(g.Verdict), Expr: g.Expr, Pattern: g.Pattern, Why: g.Why, N: g.N,
			Value: g.marked(), Interval: g.known(),
		})
	}
	for i := range r.Patterns {
		v.Rows = append(v.Rows, rowOf(r, &r.Patterns[i]))
	}
	for _, f := range r.References {
		g := placed{Gate: measure.Gate{Expr: f.Metric}}
		v.References = append(v.References, referenceRow{f.Pattern, f.Metric, f.Says, g.show(f.Value, nearest)})
	}
	return v
}

// questionsOf are the questions of a run with their answers.
func questionsOf(r *measure.Report) []sentence {
	all := []sentence{{"Fast?", fastSentence(r)}, {"How long a revoked token lives?", revokedSentence(r)}}
	if broke(r) {
		all = []sentence{
			{"What was broken?", strings.Join(brokenSentences(r), " ")}, {"Who answers meanwhile?", answersSentence(r)},
			{"Revoked meanwhile?", meanwhileSentence(r)}, {"When was it as before?", recoverySentence(r)},
		}
	}
	all = append(all, sentence{"Decided by exception?", fallbackSentence(r)}, sentence{"Ever wrong?", wrongSentence(r)})
	return slices.DeleteFunc(all, func(s sentence) bool { return s.Text == "" })
}

// marked is the gate's value, with the mark of one that is derived.
func (g placed) marked() string {
	if g.Derived && g.Value != nil {
		return g.show(g.Value, nearest) + derivedMark
	}
	return g.show(g.Value, nearest)
}

// known is the interval of a gate's value, "-" if it has none.
func (g placed) known() string {
	if g.Lower == nil && g.Upper == nil {
		return none
	}
	return g.interval()
}

func rowOf(r *measure.Report, p *measure.Pattern) row {
	f, d := fleetOf(p), speedOf(r).of(p)
	out := row{
		Pattern: *p, Tie: tieMark(r, p.Pattern), P50: quantile(*d, "p50"), P95: none,
		Life50:  span(f.lower50, f.upper50, f.above50),
		Life95:  span(f.lower95, f.upper95, f.above95),
		LifeMax: span(f.lowerMax, f.upperMax, f.aboveMax),
	}
	if speedOf(r).p95(p) != nil {
		out.P95 = speedOf(r).told(p)
	}
	if p.Bound > 0 || p.BoundWhy != "" {
		out.Bound = setting(p.Bound)
	}
	return out
}

// showPhases reports whether there is more than the latency and the revocation
// phase, or a fault.
func showPhases(r *measure.Report) bool {
	return len(r.Faults) > 0 || slices.ContainsFunc(r.Patterns, func(p measure.Pattern) bool {
		return slices.ContainsFunc(p.Phases, func(ph measure.Phase) bool {
			return ph.Phase != "latency" && ph.Phase != "revocation"
		})
	})
}

// matrix is mutation by pattern.
type matrix struct {
	Patterns []string
	Rows     []matrixRow
}

// matrixRow is what all patterns made of one mutation.
type matrixRow struct {
	Mutation string
	Expect   token.Outcome
	Cells    []*measure.Mutation // nil where the pattern got none
}

func matrixOf(r *measure.Report) matrix {
	var m matrix
	at := map[string]int{}
	for i := range r.Patterns {
		m.Patterns = append(m.Patterns, r.Patterns[i].Pattern)
		for j := range r.Patterns[i].Mutations {
			mu := &r.Patterns[i].Mutations[j]
			key := mu.Mutation + "\x00" + outcome(mu.Expect)
			k, ok := at[key]
			if !ok {
				k = len(m.Rows)
				at[key] = k
				m.Rows = append(m.Rows, matrixRow{mu.Mutation, mu.Expect, make([]*measure.Mutation, len(r.Patterns))})
			}
			m.Rows[k].Cells[i] = mu
		}
	}
	return m
}

// outcome is a verdict with its reason in words.
func outcome(o token.Outcome) string {
	switch {
	case o.Verdict == "":
		return "-"
	case o.Reason == "":
		return string(o.Verdict)
	}
	return string(o.Verdict) + " " + string(o.Reason)
}

// wrongRows are the violations, the worst first.
func wrongRows(r *measure.Report) []wrongRow {
	var rows []wrongRow
	for i := range r.Patterns {
		for _, v := range r.Patterns[i].Violations {
			rows = append(rows, wrongRow{v, r.Patterns[i].Pattern, did(v.Kind)})
		}
	}
	slices.SortStableFunc(rows, func(a, b wrongRow) int {
		return cmp.Compare(badness(&b.Violation), badness(&a.Violation))
	})
	return rows
}

// witnessRow is one request of a violation, with what it should have got.
type witnessRow struct {
	measure.Event
	Expected token.Outcome
}

// Witnesses are the requests that prove the violation.
func (w wrongRow) Witnesses() []witnessRow {
	var rows []witnessRow
	for i, e := range w.Requests {
		rows = append(rows, witnessRow{e, w.expected(i)})
	}
	return rows
}

// expected is what request i should have got. Expect leaves out that the token may
// be revoked or expired by then, but the kind says it: the last request was wrong,
// and those before it were right.
func (w wrongRow) expected(i int) token.Outcome {
	e, wrong := w.Requests[i], i == len(w.Requests)-1
	refused := e.Verdict == token.Reject
	if wrong {
		refused = w.Kind == measure.FalseAccept || w.Cause == measure.CauseWrongReason
	}
	if refused && e.Expect.Verdict == token.Accept {
		return token.Outcome{Verdict: token.Reject, Reason: token.InvalidToken}
	}
	return e.Expect
}

// FirstWrong and MoreWrong split the violations: the first are shown, the rest unfold.
func (v *view) FirstWrong() []wrongRow { return v.Wrong[:min(len(v.Wrong), 8)] }
func (v *view) MoreWrong() []wrongRow  { return v.Wrong[min(len(v.Wrong), 8):] }
