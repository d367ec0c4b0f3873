package reports

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tokendrill/tokendrill/harness/measure"
)

// maxRows is how many patterns the terminal shows; the page shows all.
const maxRows = 4

// column is one column of the terminal's table, heading first.
type column struct {
	cells []string
	left  bool
}

// question is a group of columns with its two lines of heading.
type question struct {
	title, unit string
	columns     []column
}

// tableLines are the three questions, three lines of heading and a line per pattern.
func tableLines(r *measure.Report) []string {
	rows := r.Patterns
	if len(rows) > maxRows {
		rows = rows[:maxRows-1]
	}
	var blocks [][]string
	names := question{columns: []column{nameColumn(rows)}}
	for _, q := range append([]question{names}, questions(r, rows)...) {
		blocks = append(blocks, q.lines())
	}
	lines := beside(blocks, gap)
	if more := len(r.Patterns) - len(rows); more > 0 {
		lines = append(lines, fmt.Sprintf("and %s: see the report", plural(more, "more pattern")))
	}
	if len(r.Patterns) == 0 {
		lines = append(lines, "no pattern was run")
	}
	return lines
}

// questions are those that the run can answer, numbered: a run that broke
// something has its own, and one that measured no speed is not asked for it.
func questions(r *measure.Report, rows []measure.Pattern) []question {
	var all []question
	switch {
	case broke(r):
		all = brokenQuestions(r, rows)
	case !speedMeasured(r) && sum(r, decisions) > 0:
		all = []question{revokedColumns(r, rows), wrongColumns(rows, "outside question 1")}
	default:
		all = []question{fastColumns(r, rows), revokedColumns(r, rows), wrongColumns(rows, "outside question 2")}
	}
	for i := range all {
		all[i].title = fmt.Sprintf("%d %s", i+1, all[i].title)
	}
	return all
}

func nameColumn(rows []measure.Pattern) column {
	c := column{cells: []string{"pattern"}, left: true}
	for i := range rows {
		c.cells = append(c.cells, short(rows[i].Pattern, 10))
	}
	return c
}

func fastColumns(r *measure.Report, rows []measure.Pattern) question {
	s := speedOf(r)
	u := s.unit(r)
	p50, p95 := column{cells: []string{"p50"}}, column{cells: []string{"p95 ± noise"}, left: true}
	for i := range rows {
		d := s.of(&rows[i])
		p50.cells = append(p50.cells, plain(supported(d.P50, 0.50, int(d.Count)), u))
		p95.cells = append(p95.cells, strings.TrimSpace(noisy(d, u)+" "+tieMark(r, rows[i].Pattern)))
	}
	p95.alignBefore("±")
	return question{"FAST?", s.heading(r, u), []column{p50, p95}}
}

func revokedColumns(r *measure.Report, rows []measure.Pattern) question {
	u := lifeUnit(r)
	p95 := column{cells: []string{"p95"}}
	worst := column{cells: []string{strings.TrimSpace("worst " + rangeOf(moments(r)))}}
	uses := column{cells: []string{"uses"}}
	for i := range rows {
		f := fleetOf(&rows[i])
		p95.cells = append(p95.cells, between(f.lower95, f.upper95, f.above95, u))
		worst.cells = append(worst.cells, between(f.lowerMax, f.upperMax, f.aboveMax, u))
		uses.cells = append(uses.cells, answered(&rows[i], rows[i].Safety.StaleAccepts))
	}
	until := "until it is refused"
	if n := gateways(r); n > 1 {
		until = fmt.Sprintf("until all %d gateways refuse", n)
	}
	columns := []column{p95, worst, uses}
	if _, most := moments(r); most > 0 && !supports(0.95, most) {
		columns = columns[1:] // no pattern has a p95
	}
	return question{"HOW LONG A REVOKED TOKEN LIVES", u.word + ", " + until, columns}
}

func wrongColumns(rows []measure.Pattern, unit string) question {
	in, out, no := column{cells: []string{"let in"}}, column{cells: []string{"shut out"}}, column{cells: []string{"no answer"}}
	for i := range rows {
		p := &rows[i]
		in.cells = append(in.cells, answered(p, p.Safety.FalseAccepts))
		out.cells = append(out.cells, answered(p, p.Safety.FalseRejects))
		cell := none
		if p.Requests.Sent > 0 {
			cell = compact(p.Requests.Unavailable)
		}
		no.cells = append(no.cells, cell)
	}
	return question{"EVER WRONG?", unit, []column{in, out, no}}
}

// answered is a count of decisions, "-" if there was no decision to be right or wrong.
func answered(p *measure.Pattern, n int) string {
	if decisions(p) == 0 {
		return none
	}
	return compact(n)
}

// plain is one figure in u, "-" if missing.
func plain(v *float64, u unit) string {
	if v == nil {
		return none
	}
	return figure(*v/u.ms, nearest)
}

// noisy is a p95 with its noise or, without an estimate of it, its sample size.
func noisy(d *measure.Dist, u unit) string {
	p95 := supported(d.P95, 0.95, int(d.Count))
	switch {
	case p95 == nil:
		return none
	case d.P95Noise == nil:
		return fmt.Sprintf("%s n=%s", plain(p95, u), compact(d.Count))
	}
	return plain(p95, u) + " ± " + fixed(*d.P95Noise/u.ms, decimals(*p95/u.ms), up)
}

// alignBefore pads the cells on the left so that the mark stands in one column.
func (c *column) alignBefore(mark string) {
	at := func(s string) int {
		before, _, found := strings.Cut(s, mark)
		if !found {
			before, _, _ = strings.Cut(s, " ")
			before += " "
		}
		return utf8.RuneCountInString(before)
	}
	widest := 0
	for _, s := range c.cells {
		widest = max(widest, at(s))
	}
	for i, s := range c.cells {
		c.cells[i] = strings.Repeat(" ", widest-at(s)) + s
	}
}

// lines pads the cells to one width.
func (c column) lines() []string {
	width := 0
	for _, s := range c.cells {
		width = max(width, utf8.RuneCountInString(s))
	}
	out := make([]string, len(c.cells))
	for i, s := range c.cells {
		if pad := strings.Repeat(" ", width-utf8.RuneCountInString(s)); c.left {
			out[i] = s + pad
		} else {
			out[i] = pad + s
		}
	}
	return out
}

// lines are the two headings and the columns side by side, all of one width:
// columns narrower than a heading are spread out under it.
func (q question) lines() []string {
	var blocks [][]string
	for _, c := range q.columns {
		blocks = append(blocks, c.lines())
	}
	table := beside(blocks, gap)
	wide := max(utf8.RuneCountInString(q.title), utf8.RuneCountInString(q.unit))
	if slack := wide - utf8.RuneCountInString(table[0]); slack > 0 && len(blocks) > 1 {
		table = beside(blocks, gap+slack/(len(blocks)-1))
	}
	return column{cells: append([]string{q.title, q.unit}, table...), left: true}.lines()
}

// gap is how many blanks stand between two columns.
const gap = 2

// beside sets blocks of equal height side by side, so many blanks apart.
func beside(blocks [][]string, blanks int) []string {
	out := slices.Clone(blocks[0])
	for _, b := range blocks[1:] {
		for i := range out {
			out[i] += strings.Repeat(" ", blanks) + b[i]
		}
	}
	return out
}
