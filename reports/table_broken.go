package reports

import (
	"github.com/tokendrill/tokendrill/harness/measure"
)

// brokenQuestions are the columns of a run that broke something: what each
// pattern did before, during and after.
func brokenQuestions(r *measure.Report, rows []measure.Pattern) []question {
	return []question{answerColumns(rows), slowColumns(rows), meanwhileColumns(r, rows), wrongMeanwhile(rows), backColumn(rows)}
}

func answerColumns(rows []measure.Pattern) question {
	q := question{title: "NO ANSWER", unit: "share of requests"}
	for _, phase := range []string{before, during, after} {
		c := column{cells: []string{phase}}
		for i := range rows {
			c.cells = append(c.cells, share(unanswered(&rows[i], phase)))
		}
		q.columns = append(q.columns, c)
	}
	return q
}

func slowColumns(rows []measure.Pattern) question {
	q := question{title: "HOW SLOW?", unit: "response p95, ms"}
	for _, phase := range []string{before, during} {
		c := column{cells: []string{phase}}
		for i := range rows {
			c.cells = append(c.cells, plain(responseP95(&rows[i], phase), units[0]))
		}
		q.columns = append(q.columns, c)
	}
	return q
}

// meanwhileColumns show the worst of the tokens revoked during the fault: there
// are too few of them for a quantile.
func meanwhileColumns(r *measure.Report, rows []measure.Pattern) question {
	u := meanwhileUnit(r)
	worst := column{cells: []string{"worst " + rangeOf(momentsIn(r, during))}}
	for i := range rows {
		l := livedIn(&rows[i], during)
		worst.cells = append(worst.cells, between(l.lower, l.upper, l.above, u))
	}
	return question{"REVOKED MEANWHILE", "lives, " + u.word, []column{worst}}
}

// meanwhileUnit is the unit for the lives of tokens revoked during the fault.
func meanwhileUnit(r *measure.Report) unit {
	m := 0.0
	for i := range r.Patterns {
		l := livedIn(&r.Patterns[i], during)
		m = max(m, largest(l.lower, l.upper, l.above))
	}
	return lifeUnitFor(m)
}

func wrongMeanwhile(rows []measure.Pattern) question {
	q := wrongColumns(rows, "outside 3")
	q.columns = q.columns[:2] // question 1 has the third
	return q
}

func backColumn(rows []measure.Pattern) question {
	c := column{cells: []string{""}}
	for i := range rows {
		c.cells = append(c.cells, recovered(&rows[i]))
	}
	return question{"BACK?", "after", []column{c}}
}
