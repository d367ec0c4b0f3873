package measure

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Judge evaluates the gates on every pattern that they apply to, replaces the
// gates of the report by the results and sets its verdict: fail if any gate
// fails; otherwise inconclusive if any is or the run is not valid; otherwise
// pass. A report that was stopped or interrupted stays so. A gate that names a
// pattern or gateway that the report does not have is an error.
func Judge(r *Report, gates []GateExpr) error {
	for _, g := range gates {
		if err := g.names(r.have(g)); err != nil {
			return fmt.Errorf("gate %w", err)
		}
	}
	verdict := Pass
	if !r.Validity.OK {
		verdict = Inconclusive
	}
	for i := range r.Patterns {
		p := &r.Patterns[i]
		p.Gates = []Gate{}
		for _, g := range gates {
			if !g.Applies(p.Pattern) || g.Gateway != "" && !p.has(g.Gateway) {
				continue
			}
			result := g.Evaluate(r, p)
			p.Gates = append(p.Gates, result)
			if result.Verdict == Fail || verdict == Pass {
				verdict = result.Verdict
			}
		}
	}
	if r.Verdict != Stopped && r.Verdict != Interrupted {
		r.Verdict = verdict
	}
	return nil
}

// have is what a report has: its patterns and, of those that a gate applies to,
// gateways and phases.
func (r *Report) have(g GateExpr) existing {
	var out existing
	for i := range r.Patterns {
		p := &r.Patterns[i]
		out.patterns = append(out.patterns, p.Pattern)
		if !g.Applies(p.Pattern) {
			continue
		}
		for _, at := range p.Revoke.Gateways {
			out.gateways = append(out.gateways, at.Gateway)
		}
		for _, phase := range p.Phases {
			out.phases = append(out.phases, phase.Phase)
		}
	}
	return out
}

func (p *Pattern) has(gateway string) bool {
	return slices.ContainsFunc(p.Revoke.Gateways, func(g GatewayRevoke) bool { return g.Gateway == gateway })
}

// Evaluate judges one pattern of a report, fresh or loaded from a file.
//
// Without a sample the verdict is inconclusive, never pass. A quantile of
// time-to-revoke passes or fails only if the moments show it at 95 %: each is a
// breach (its lower bound is over the limit), fine (its upper bound is within)
// or open, and open ones count as breaches against a pass and as fine against a
// fail. One breach fails a maximum, and one open moment leaves it open. A limit
// from below (>=, >) is the contrary of the limit from above. A latency quantile
// needs 10 requests beyond it, and on response and service a lag p95 within 10 %
// of the limit; check latency is measured inside the gateway, so that a late
// sender does not touch it, unless it is derived. Anything else is compared as it is.
func (g GateExpr) Evaluate(r *Report, p *Pattern) Gate {
	out := Gate{Expr: g.Expr, Metric: g.Metric.Name, Limit: g.Limit, Verdict: Inconclusive}
	s := scope{report: r, pattern: p, gateway: g.Gateway}
	if g.Phase != "" {
		i := slices.IndexFunc(p.Phases, func(at Phase) bool { return at.Phase == g.Phase })
		if i < 0 {
			out.Why = "no phase " + g.Phase + " in this run"
			return out
		}
		s.phase = &p.Phases[i]
	}
	out.Value, out.N = g.Metric.value(s)
	out.Derived = strings.HasPrefix(g.Metric.Name, "latency.check.") && s.latency().CheckDerived
	switch g.Metric.family {
	case revoke:
		g.judgeRevoke(s, &out)
	case latency, late:
		g.judgeLatency(s, &out)
	case recovered:
		g.judgeRecovery(p, &out)
	default:
		g.judgePlain(s, &out)
	}
	return out
}

// judgePlain compares a figure that has no uncertainty of its own.
func (g GateExpr) judgePlain(s scope, out *Gate) {
	if out.N == 0 || out.Value == nil {
		out.Why = cmp.Or(g.Metric.unknown, "nothing was measured")
		return
	}
	if g.holds(*out.Value) {
		out.Verdict = Pass
		return
	}
	out.Verdict = Fail
	out.Why = fmt.Sprintf("%s, limit %s", g.format(*out.Value), g.format(g.Limit))
	out.Witness = g.wrongDecision(s)
}

// wrongDecision is the first violation of what a failed gate counts.
func (g GateExpr) wrongDecision(s scope) *Violation {
	for i := range s.pattern.Violations {
		v := &s.pattern.Violations[i]
		wrong := v.Requests[len(v.Requests)-1]
		if g.counts(v) && (s.phase == nil || wrong.Phase == s.phase.Phase) && (s.gateway == "" || s.gateway == v.Gateway) {
			return v
		}
	}
	return nil
}

// counts says whether the metric of the gate counts a violation.
func (g GateExpr) counts(v *Violation) bool {
	switch g.Metric.Name {
	case "safety.false_accepts":
		return v.Kind == FalseAccept
	case "safety.false_rejects":
		return v.Kind == FalseReject
	}
	return g.Metric.Name == "revoke.resurrections" && v.Cause == CauseResurrection
}

// judgeRecovery compares the time of recovery. If it is not known, what it is
// known to exceed can decide.
func (g GateExpr) judgeRecovery(p *Pattern, out *Gate) {
	out.Lower = p.RecoveryAbove
	switch below := g.Op == "<=" || g.Op == "<"; {
	case out.Value != nil:
		g.judgePlain(scope{pattern: p}, out)
		return
	case p.RecoveryAbove == nil, *p.RecoveryAbove < g.Limit:
	case below:
		out.Verdict = Fail
	case g.Op == ">=", g.Op == ">":
		out.Verdict = Pass
		return
	}
	out.Why = cmp.Or(p.RecoveryWhy, "there was no fault to recover from")
}

const (
	// beyond is how many requests must lie beyond a latency quantile that is judged.
	beyond = 10
	// lagShare is how late the sender may be at p95, as a share of the limit.
	lagShare = 0.1
)

// judgeLatency compares a quantile of a latency histogram.
func (g GateExpr) judgeLatency(s scope, out *Gate) {
	needed := 1
	if g.Metric.quantile < 1 {
		needed = int(beyond * supports(g.Metric.quantile))
	}
	switch {
	case !s.report.Validity.figures():
		out.Why = "the run is not valid: " + strings.Join(s.report.Validity.Reasons, "; ")
		return
	case out.Derived && out.Value == nil && out.N >= needed:
		out.Why = "a derived check latency has p50 and p95 only"
		return
	case out.N < needed || out.Value == nil:
		out.Why = fmt.Sprintf("%s, it takes %d", plural(out.N, "request"), needed)
		return
	}
	if lag := s.latency().Lag.P95; (g.Metric.family == late || out.Derived) && lag != nil && *lag > lagShare*g.Limit {
		out.Why = fmt.Sprintf("the sender is late: lag p95 %s is over 10 %% of the limit", formatMS(*lag))
		return
	}
	g.judgePlain(s, out)
}

// holds compares a value with the limit.
func (g GateExpr) holds(v float64) bool {
	switch g.Op {
	case "<=":
		return v <= g.Limit
	case "<":
		return v < g.Limit
	case ">=":
		return v >= g.Limit
	case ">":
		return v > g.Limit
	case "==":
		return v == g.Limit
	default:
		return v != g.Limit
	}
}

// format renders a value of the gate's metric.
func (g GateExpr) format(v float64) string {
	switch g.Metric.Unit {
	case "ms":
		return formatMS(v)
	case "share":
		return fmt.Sprintf("%.3g %%", 100*v)
	case "/s":
		return fmt.Sprintf("%.4g/s", v)
	default:
		return fmt.Sprintf("%.0f", v)
	}
}

// formatMS renders milliseconds to three digits, whole seconds to all of them.
func formatMS(ms float64) string {
	switch {
	case ms >= 1e6:
		return fmt.Sprintf("%.0f s", ms/1e3)
	case ms >= 1000:
		return fmt.Sprintf("%.3g s", ms/1e3)
	}
	return fmt.Sprintf("%.3g ms", ms)
}
