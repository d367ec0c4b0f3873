package reports

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/tokendrill/tokendrill/harness/measure"
)

// placed is a gate with the pattern it was evaluated on.
type placed struct {
	measure.Gate
	Pattern string
}

// gatesOf lists the gates of all patterns, the failed ones first, then the
// inconclusive ones, the tightest first among equals.
func gatesOf(r *measure.Report) []placed {
	var gates []placed
	for i := range r.Patterns {
		for _, g := range r.Patterns[i].Gates {
			gates = append(gates, placed{g, r.Patterns[i].Pattern})
		}
	}
	slices.SortStableFunc(gates, func(a, b placed) int {
		return cmp.Or(cmp.Compare(a.rank(), b.rank()), cmp.Compare(b.use(), a.use()))
	})
	return gates
}

// rank orders gates by how much they matter to the verdict; a wrong decision
// matters more than a slow one.
func (g placed) rank() int {
	switch {
	case g.Verdict == measure.Fail && strings.HasPrefix(g.Metric, "safety."):
		return 0
	case g.Verdict == measure.Fail:
		return 1
	case g.Verdict == measure.Inconclusive:
		return 2
	}
	return 3
}

// split cuts "METRIC OP LIMIT" into its three parts, trimmed.
func split(expr string) (metric, op, limit string) {
	i := strings.IndexAny(expr, "<>")
	if j := strings.Index(expr, "=="); i < 0 || j >= 0 && j < i {
		i = j
	}
	if j := strings.Index(expr, "!="); i < 0 || j >= 0 && j < i {
		i = j
	}
	if i < 0 {
		return strings.TrimSpace(expr), "", ""
	}
	rest := expr[i:]
	n := len(rest) - len(strings.TrimLeft(rest, "<>=!"))
	return strings.TrimSpace(expr[:i]), rest[:n], strings.TrimSpace(rest[n:])
}

// use is the share of its limit that a gate's value takes up: 1 is on the limit.
// A gate on zero, or without a value, counts as no use at all.
func (g placed) use() float64 {
	_, op, _ := split(g.Expr)
	v := g.Value
	if g.Upper != nil {
		v = g.Upper
	}
	switch {
	case v == nil:
		return 0
	case strings.HasPrefix(op, "<") && g.Limit > 0:
		return *v / g.Limit
	case strings.HasPrefix(op, ">") && *v > 0:
		return g.Limit / *v
	}
	return 0
}

// name is the metric with the pattern that it was read from.
func (g placed) name() string {
	metric, _, _ := split(g.Expr)
	if metric == "" {
		metric = g.Metric
	}
	if g.Pattern == "" || strings.Contains(metric, g.Pattern) {
		return metric
	}
	if labels, labelled := strings.CutSuffix(metric, "}"); labelled {
		return labels + ",pattern=" + g.Pattern + "}"
	}
	return metric + "{pattern=" + g.Pattern + "}"
}

// timed reports whether the gate's value is a duration.
func (g placed) timed() bool {
	metric, _, limit := split(g.Expr)
	for _, unit := range []string{"ns", "us", "µs", "ms", "s", "m", "h"} {
		if number := strings.TrimSuffix(limit, unit); number != limit && strings.TrimRight(number, "0123456789. ") == "" {
			return true
		}
	}
	return slices.ContainsFunc([]string{".p50", ".p95", ".p99", ".max"}, func(q string) bool { return strings.Contains(metric, q) })
}

// show formats a value or limit of the gate in its unit.
func (g placed) show(v *float64, to rounding) string {
	switch {
	case v == nil:
		return none
	case g.timed():
		return millis(*v, to)
	case *v == math.Trunc(*v) && math.Abs(*v) < 1e15:
		return count(int64(*v))
	}
	return figure(*v, to)
}

// limit formats the gate's limit in its unit.
func (g placed) limit() string {
	if g.timed() {
		return setting(g.Limit)
	}
	return g.show(&g.Limit, nearest)
}

// interval is the gate's value with what is known of it.
func (g placed) interval() string {
	switch {
	case g.Lower != nil && g.Upper != nil && g.timed():
		return span(g.Lower, g.Upper, nil)
	case g.Lower != nil && g.Upper != nil:
		return g.show(g.Lower, down) + " to " + g.show(g.Upper, up)
	case g.Lower != nil:
		return "> " + g.show(g.Lower, down)
	}
	return g.show(g.Value, nearest)
}

// verdictLine is the one-line verdict of a run: the word and what decided it.
func verdictLine(r *measure.Report) (word, text string) {
	gates := gatesOf(r)
	switch r.Verdict {
	case measure.Pass:
		return "PASS", passed(gates)
	case measure.Fail:
		return "FAIL", failed(r, gates)
	case measure.Stopped:
		return "STOPPED", cut(r)
	case measure.Interrupted:
		return "INTERRUPTED", cut(r)
	}
	return "INCONCLUSIVE", undecided(r, gates)
}

func passed(gates []placed) string {
	if len(gates) == 0 {
		return "no gate was set"
	}
	n := expressions(gates, func(placed) bool { return true })
	said := fmt.Sprintf("%d of %d %s", n-expressions(gates, notPassed), n, map[bool]string{true: "gate", false: "gates"}[n == 1])
	tight := slices.MaxFunc(gates, func(a, b placed) int { return cmp.Compare(a.use(), b.use()) })
	_, op, _ := split(tight.Expr)
	v := tight.Upper
	if v == nil || strings.HasPrefix(op, ">") {
		v = cmp.Or(tight.Value, tight.Upper)
	}
	return fmt.Sprintf("%s; tightest %s %s %s %s (%s)",
		said, tight.name(), tight.show(v, nearest), op, tight.limit(), tight.sample())
}

func notPassed(g placed) bool { return g.Verdict != measure.Pass }

// expressions counts the distinct gates of which some evaluation satisfies keep.
func expressions(gates []placed, keep func(placed) bool) int {
	seen := map[string]bool{}
	for _, g := range gates {
		if keep(g) {
			seen[g.Expr] = true
		}
	}
	return len(seen)
}

func failed(r *measure.Report, gates []placed) string {
	if len(gates) == 0 || gates[0].Verdict != measure.Fail {
		return "reproduce: " + reproduce(r)
	}
	g := gates[0]
	said := g.broken()
	if g.Witness != nil {
		said += fmt.Sprintf("; witness %s at %s", g.Witness.Token, g.Witness.Gateway)
	}
	if more := expressions(gates, func(o placed) bool { return o.Verdict == measure.Fail && o.Expr != g.Expr }); more > 0 {
		said += fmt.Sprintf("; %s failed too", plural(more, "other gate"))
	}
	return said + "; reproduce: " + reproduce(r)
}

// broken says by how much a failed gate fails: by the end of its interval that
// is nearer to the limit.
func (g placed) broken() string {
	_, op, _ := split(g.Expr)
	sign, v, to := "=", g.Value, nearest
	switch {
	case strings.HasPrefix(op, "<") && g.Lower != nil:
		sign, v, to = ">=", g.Lower, down
	case strings.HasPrefix(op, ">") && g.Upper != nil:
		sign, v, to = "<=", g.Upper, up
	}
	limit := g.limit()
	if op == "==" || op == "!=" {
		limit = op + " " + limit
	}
	said := fmt.Sprintf("%s %s %s, limit %s (%s)", g.name(), sign, g.show(v, to), limit, g.sample())
	if v == nil {
		said = fmt.Sprintf("%s has no value, limit %s", g.name(), limit)
	}
	return said
}

func undecided(r *measure.Report, gates []placed) string {
	if doubts := faultDoubts(r); len(doubts) > 0 {
		return firstOf(doubts)
	}
	if !r.Validity.OK {
		return "the run is invalid: " + strings.Join(r.Validity.Reasons, "; ")
	}
	i := slices.IndexFunc(gates, func(g placed) bool { return g.Verdict == measure.Inconclusive })
	if i < 0 {
		return "no gate could be decided"
	}
	g := gates[i]
	said := fmt.Sprintf("%s: %s, limit %s", g.name(), g.interval(), g.limit())
	switch {
	case strings.Contains(g.Why, "straddles"):
		said = g.name() + " " + g.Why
	case g.Why != "":
		said = fmt.Sprintf("%s: %s", g.name(), g.Why)
	case g.Lower != nil && g.Upper != nil && *g.Lower <= g.Limit && *g.Upper >= g.Limit:
		said = fmt.Sprintf("%s %s straddles %s", g.name(), g.interval(), g.limit())
	}
	return fmt.Sprintf("%s (%s)", said, g.sample())
}

// sample is what the gate's value comes from: "n=1,200", or "n=1,200, derived".
func (g placed) sample() string {
	if g.Derived {
		return "n=" + count(g.N) + ", derived"
	}
	return "n=" + count(g.N)
}

// cut says why a run ended early and in which state it left the stage.
func cut(r *measure.Report) string {
	said := []string{cmp.Or(r.Stopped, "after "+length(r.Elapsed))}
	reason := cmp.Or(strings.Join(r.Validity.Reasons, ", "), strings.Join(r.Warnings, ", "))
	if r.Stopped == "" && reason != "" && reason != string(r.Verdict) {
		said[0] += ": " + reason
	}
	if u := undone(r); u != "" {
		said = append(said, u)
	}
	if r.Sender.Planned > 0 {
		return strings.Join(said, "; ") + fmt.Sprintf("; partial: %s of %s planned requests sent", count(r.Sender.Sent), count(r.Sender.Planned))
	}
	return strings.Join(append(said, "partial"), "; ")
}

// reproduce is the command that runs this again.
func reproduce(r *measure.Report) string {
	return cmp.Or(r.Reproduce, fmt.Sprintf("tokendrill run %s --stage %s --seed %d", r.Scenario, stageKind(r), r.Seed))
}
