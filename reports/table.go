package reports

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tokendrill/tokendrill/harness/measure"
)

// maxRows is how many systems the terminal shows; the page shows all.
const maxRows = 6

// column is one column of the terminal's table, heading first.
type column struct {
	cells []string
	left  bool
	spare bool // gives way to long names
}

// question is a group of columns with its two lines of heading.
type question struct {
	title, unit string
	columns     []column
}

// tableLines are the three questions, three lines of heading and a line per
// system, targets first.
func tableLines(r *measure.Report) []string {
	rows := slices.Clone(r.Patterns)
	slices.SortStableFunc(rows, func(a, b measure.Pattern) int {
		switch {
		case a.Target == b.Target:
			return 0
		case a.Target:
			return -1
		}
		return 1
	})
	if len(rows) > maxRows {
		rows = rows[:maxRows-1]
	}
	var blocks [][]string
	for _, q := range withNames(questions(r, rows), r, rows) {
		blocks = append(blocks, q.lines())
	}
	lines := beside(blocks, gap)
	if more := len(r.Patterns) - len(rows); more > 0 {
		lines = append(lines, fmt.Sprintf("and %s: see the report", plural(more, "more "+noun(r))))
	}
	if len(r.Patterns) == 0 {
		lines = append(lines, "no pattern was run")
	}
	return lines
}

// shortName and longName bound the column of names.
const (
	shortName = 10
	longName  = 20
)

// withNames puts the names of the systems before the questions. Where they are
// long, the spare columns give way to them, the last first; what does not fit then
// is squeezed.
func withNames(all []question, r *measure.Report, rows []measure.Pattern) []question {
	longest := utf8.RuneCountInString(noun(r))
	for i := range rows {
		longest = max(longest, min(utf8.RuneCountInString(clean(rows[i].Pattern)), longName))
	}
	room := nameRoom(all)
	for i := len(all) - 1; i >= 0 && room < longest; i-- {
		all[i].columns = slices.DeleteFunc(all[i].columns, func(c column) bool { return c.spare })
		room = nameRoom(all)
	}
	names := column{cells: []string{noun(r)}, left: true}
	for i := range rows {
		names.cells = append(names.cells, squeezed(rows[i].Pattern, min(longest, max(room, shortName))))
	}
	return append([]question{{columns: []column{names}}}, all...)
}

// nameRoom is how many columns the questions leave for names.
func nameRoom(all []question) int {
	room := Columns
	for _, q := range all {
		room -= gap + utf8.RuneCountInString(q.lines()[0])
	}
	return room
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

func fastColumns(r *measure.Report, rows []measure.Pattern) question {
	s := speedOf(r)
	u := s.unit(r)
	p50, p95 := column{cells: []string{"p50"}, spare: true}, column{cells: []string{"p95 ± noise"}, left: true}
	for i := range rows {
		d := s.of(&rows[i])
		p50.cells = append(p50.cells, plain(supported(d.P50, 0.50, int(d.Count)), u))
		p95.cells = append(p95.cells, strings.TrimSpace(noisy(d, u)+s.mark(&rows[i])+" "+tieMark(r, rows[i].Pattern)))
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
	switch n, same := gateways(r); {
	case !same:
		until = "until all its gateways refuse"
	case n == 2:
		until = "until both gateways refuse"
	case n > 1:
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
	no.spare = !slices.ContainsFunc(rows, func(p measure.Pattern) bool { return p.Requests.Unavailable > 0 })
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
