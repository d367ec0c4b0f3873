package measure

import (
	"cmp"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
)

// evidence is what the moments of one group say about a limit from above.
type evidence struct {
	n, breaches, open int
	// lower and upper bound the quantile; upper may be infinite.
	lower, upper float64
	verdict      RunVerdict
}

// weigh judges samples against a limit from above; with strict, a value equal to
// the limit breaches it.
func weigh(samples []span, q, limit float64, strict bool) evidence {
	e := evidence{n: len(samples), verdict: Inconclusive}
	if e.n == 0 {
		return e
	}
	over := func(v float64) bool { return v > limit || strict && v == limit }
	var lowers, uppers []float64
	for _, s := range samples {
		switch {
		case over(s.lower):
			e.breaches++
		case over(s.upper):
			e.open++
		}
		lowers, uppers = append(lowers, s.lower), append(uppers, s.upper)
	}
	slices.Sort(lowers)
	slices.Sort(uppers)
	e.lower, e.upper = rank(lowers, q), rank(uppers, q)
	e.verdict = e.decide(q)
	return e
}

// tally is the evidence in words.
func (e evidence) tally() string {
	return fmt.Sprintf("%s, %d over and %d open", plural(e.n, "moment"), e.breaches, e.open)
}

func (e evidence) decide(q float64) RunVerdict {
	switch {
	case q >= 1 && e.breaches > 0:
		return Fail
	case q >= 1 && e.open > 0:
		return Inconclusive
	case q >= 1 || keeps(e.breaches+e.open, e.n, q):
		return Pass
	case breaks(e.breaches, e.n, q):
		return Fail
	}
	return Inconclusive
}

// severity orders verdicts from best to worst.
func severity(v RunVerdict) int {
	return slices.Index([]RunVerdict{Pass, Inconclusive, Fail}, v)
}

// contrary is the verdict on the opposite claim.
func contrary(v RunVerdict) RunVerdict {
	switch v {
	case Pass:
		return Fail
	case Fail:
		return Pass
	}
	return v
}

// judgeRevoke judges a quantile of time-to-revoke. Where there are several
// groups, as at several gateways, each must keep the limit.
func (g GateExpr) judgeRevoke(s scope, out *Gate) {
	below := g.Op == ">=" || g.Op == ">"
	strict := g.Op == "<" || g.Op == ">="
	bound := strings.Split(g.Metric.Name, ".")[1]
	var worst evidence
	for i, group := range s.intervals(bound) {
		samples, _ := spans(group, false)
		e := weigh(samples, g.Metric.quantile, g.Limit, strict)
		if below {
			e.verdict = contrary(e.verdict)
		}
		if i == 0 || severity(e.verdict) > severity(worst.verdict) || e.verdict == worst.verdict && e.upper > worst.upper {
			worst = e
		}
	}
	out.Verdict, out.N = cmp.Or(worst.verdict, Inconclusive), worst.n
	if worst.n > 0 {
		out.Lower = &worst.lower
		if !math.IsInf(worst.upper, 1) {
			out.Upper = &worst.upper
		}
	}
	switch {
	case out.Verdict == Pass:
	case worst.n == 0:
		out.Why = "no revocation was measured"
	case below:
		out.Why = worst.tally()
	case out.Verdict == Fail:
		out.Why = fmt.Sprintf("%d of %s over %s", worst.breaches, plural(worst.n, "moment"), formatMS(g.Limit))
		out.Witness = lateRevoke(s, g.Limit)
	default:
		out.Why = g.undecided(worst)
	}
}

// undecided says why a limit from above is open, and how many tokens would decide it.
func (g GateExpr) undecided(e evidence) string {
	why := e.tally()
	switch {
	case math.IsInf(e.upper, 1):
		why = fmt.Sprintf("over %s, without an upper bound", formatMS(e.lower))
	case e.lower <= g.Limit && g.Limit < e.upper:
		why = fmt.Sprintf("%s straddles %s", formatRange(e.lower, e.upper), formatMS(g.Limit))
	}
	if g.Metric.quantile >= 1 {
		return why
	}
	if more, ok := enough(e.breaches+e.open, e.n, g.Metric.quantile); ok {
		return fmt.Sprintf("%s; try --tokens %d", why, more)
	}
	return why + "; more tokens alone would not decide it"
}

// formatRange renders two times in the unit of the larger one.
func formatRange(low, high float64) string {
	if high >= 1000 {
		return fmt.Sprintf("%.3g to %.3g s", low/1e3, high/1e3)
	}
	return fmt.Sprintf("%.3g to %.3g ms", low, high)
}

// OverLimit is the kind of violation that witnesses a failed limit on
// time-to-revoke: the revocation and the last request that was let in.
const OverLimit = "over_limit"

// lateRevoke is the witness with the largest lower bound, if it breaches the limit.
func lateRevoke(s scope, limit float64) *Violation {
	var worst *Violation
	most := limit
	for gateway, pair := range s.worst() {
		if s.gateway != "" && s.gateway != gateway || len(pair) != 2 {
			continue
		}
		last := pair[1]
		if ms := float64(last.Start-pair[0].Start) / 1e6; ms >= most {
			most = ms
			worst = &Violation{Kind: OverLimit, Gateway: gateway, Token: last.Token, Requests: pair}
		}
	}
	return worst
}

// worst yields for each gateway the revocation and the last accept with the
// largest lower bound in the scope, if there is one.
func (s scope) worst() iter.Seq2[string, []Event] {
	return func(yield func(string, []Event) bool) {
		for i := range s.pattern.Revoke.Gateways {
			if at := &s.pattern.Revoke.Gateways[i]; s.phase == nil && !yield(at.Gateway, at.Worst) {
				return
			}
		}
		if s.phase == nil {
			return
		}
		for i := range s.phase.Gateways {
			if at := &s.phase.Gateways[i]; !yield(at.Gateway, at.Worst) {
				return
			}
		}
	}
}

// referenceValue is the figure of this run that stands beside a published one;
// null if there is none.
func referenceValue(r *Report, ref *Reference) *float64 {
	m, ok := metric(ref.Metric)
	if !ok {
		return nil
	}
	for i := range r.Patterns {
		if r.Patterns[i].Pattern == ref.Pattern {
			v, _ := m.value(scope{report: r, pattern: &r.Patterns[i]})
			return v
		}
	}
	return nil
}
