package measure

import (
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
		if err := g.names(gatewaysOf(r, g)); err != nil {
			return err
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
			if !g.Applies(p.Pattern) || g.Gateway != "" && p.gateway(g.Gateway) == nil {
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

// gatewaysOf lists the patterns of a report, and the gateways of those that a gate applies to.
func gatewaysOf(r *Report, g GateExpr) (patterns, gateways []string) {
	for i := range r.Patterns {
		patterns = append(patterns, r.Patterns[i].Pattern)
		if !g.Applies(r.Patterns[i].Pattern) {
			continue
		}
		for _, at := range r.Patterns[i].Revoke.Gateways {
			gateways = append(gateways, at.Gateway)
		}
	}
	return patterns, gateways
}

func (p *Pattern) gateway(name string) *GatewayRevoke {
	i := slices.IndexFunc(p.Revoke.Gateways, func(g GatewayRevoke) bool { return g.Gateway == name })
	if i < 0 {
		return nil
	}
	return &p.Revoke.Gateways[i]
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
// sender does not touch it. Anything else is compared as it is.
func (g GateExpr) Evaluate(r *Report, p *Pattern) Gate {
	out := Gate{Expr: g.Expr, Metric: g.Metric.Name, Limit: g.Limit, Verdict: Inconclusive}
	s := scope{report: r, pattern: p, gateway: p.gateway(g.Gateway)}
	if g.Phase != "" {
		i := slices.IndexFunc(p.Phases, func(phase Phase) bool { return phase.Phase == g.Phase })
		if i < 0 {
			out.Why = "no phase " + g.Phase + " in this run"
			return out
		}
		s.phase = &p.Phases[i]
	}
	out.Value, out.N = g.Metric.value(s)
	switch g.Metric.family {
	case revoke:
		g.judgeRevoke(s, &out)
	case latency, late:
		g.judgeLatency(s, &out)
	default:
		g.judgePlain(s, &out)
	}
	return out
}

// judgePlain compares a figure that has no uncertainty of its own.
func (g GateExpr) judgePlain(s scope, out *Gate) {
	if out.N == 0 || out.Value == nil {
		out.Why = "nothing was measured"
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

// wrongDecision is the first violation of the kind that a failed gate counts.
func (g GateExpr) wrongDecision(s scope) *Violation {
	kind := map[string]string{"safety.false_accepts": FalseAccept, "safety.false_rejects": FalseReject}[g.Metric.Name]
	for i := range s.pattern.Violations {
		v := &s.pattern.Violations[i]
		wrong := v.Requests[len(v.Requests)-1]
		if v.Kind == kind && (s.phase == nil || wrong.Phase == s.phase.Phase) {
			return v
		}
	}
	if g.Metric.Name != "revoke.resurrections" {
		return nil
	}
	for i := range s.pattern.Violations {
		v := &s.pattern.Violations[i]
		if v.Cause == CauseResurrection && (s.gateway == nil || s.gateway.Gateway == v.Gateway) {
			return v
		}
	}
	return nil
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
	case !s.report.Validity.OK:
		out.Why = "the run is not valid: " + strings.Join(s.report.Validity.Reasons, "; ")
		return
	case out.N < needed || out.Value == nil:
		out.Why = fmt.Sprintf("%d requests, it takes %d", out.N, needed)
		return
	}
	if lag := s.latency().Lag.P95; g.Metric.family == late && lag != nil && *lag > lagShare*g.Limit {
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

// formatMS renders milliseconds to three digits.
func formatMS(ms float64) string {
	if ms >= 1000 {
		return fmt.Sprintf("%.3g s", ms/1e3)
	}
	return fmt.Sprintf("%.3g ms", ms)
}
