package measure

import "time"

// GateExpr is one parsed limit: METRIC[{label=value,...}] OP VALUE[UNIT], such
// as "latency.check.p95{pattern=cache} <= 75ms". Create it with ParseGate.
type GateExpr struct {
	// Expr is the expression as it was written.
	Expr   string
	Metric Metric
	// Pattern, Gateway and Phase are the labels; empty means all of them together.
	Pattern string
	Gateway string
	Phase   string
	// Op is one of <= < >= > == !=.
	Op string
	// Limit is in the metric's unit: ms, a count, a share of one, or per second.
	Limit float64
}

// Metric is a figure of a report that a gate can limit.
type Metric struct {
	// Name is its path in report.json within a pattern, with dots.
	Name string
	// Unit is "ms", "count", "share" (of one) or "/s".
	Unit string
	// Labels are the labels it takes besides pattern: gateway, phase.
	Labels []string
	Doc    string
}

// Metrics lists every metric of the gate grammar, in the order of the report.
func Metrics() []Metric { return nil }

// ParseGate parses a gate. Units are us, ms, s, m, h, %, /s or none, as the
// metric demands. An unknown metric or label is an error that lists near names.
func ParseGate(expr string) (GateExpr, error) { return GateExpr{}, nil }

// Applies says whether the gate limits a pattern: without a pattern label it
// limits every one.
func (g GateExpr) Applies(pattern string) bool { return false }

// RevokeLimit is the time-to-revoke that the gate sets as a limit, for a planner
// that adds a probe just before and one just after it; false if it sets none.
func (g GateExpr) RevokeLimit() (time.Duration, bool) { return 0, false }

// Evaluate judges one pattern of a report, fresh or loaded from a file.
func (g GateExpr) Evaluate(r *Report, p *Pattern) Gate { return Gate{} }

// Judge evaluates the gates on every pattern that they apply to, replaces the
// gates of the report by the results and sets its verdict: fail if any gate
// fails; otherwise inconclusive if any is or the run is not valid; otherwise
// pass. A report that was stopped or interrupted stays so. A gate that names a
// pattern or gateway that the report does not have is an error.
func Judge(r *Report, gates []GateExpr) error { return nil }

// Need is how many moments with no breach it takes to show at 95 % that the
// quantile q of time-to-revoke keeps a limit: 59 for 0.95, 299 for 0.99.
func Need(q float64) int { return 0 }
