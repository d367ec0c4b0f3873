package reports

import (
	"bytes"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tokendrill/tokendrill/fixtures/token"
	"github.com/tokendrill/tokendrill/harness/measure"
)

// Random reports are not sensible ones: a renderer must hold its rules for all.

func number(t *rapid.T) *float64 {
	switch rapid.IntRange(0, 3).Draw(t, "number") {
	case 0:
		return nil
	case 1:
		return new(0.0)
	case 2:
		return new(rapid.Float64Range(0, 10).Draw(t, "small"))
	}
	return new(rapid.Float64Range(0, 1e9).Draw(t, "large"))
}

func anyDist(t *rapid.T) measure.Dist {
	return measure.Dist{
		Count: rapid.Int64Range(0, 1<<40).Draw(t, "count"), P50: number(t), P95: number(t), P99: number(t), Max: number(t), P95Noise: number(t),
	}
}

func anyQuantiles(t *rapid.T) measure.Quantiles {
	q := measure.Quantiles{P50: number(t), P95: number(t), P99: number(t), Max: number(t)}
	if rapid.Bool().Draw(t, "above") {
		q.Above = &measure.Above{P50: number(t), P95: number(t), P99: number(t), Max: number(t)}
	}
	return q
}

func anyInterval(t *rapid.T) measure.Interval {
	states := []measure.State{measure.Exact, measure.Censored, measure.Expired, measure.Unknown, measure.Unstable, measure.Unprimed}
	return measure.Interval{At: rapid.Float64Range(0, 1e6).Draw(t, "at"), Lower: number(t), Upper: number(t), State: rapid.SampledFrom(states).Draw(t, "state")}
}

func anyCount(t *rapid.T) int {
	return rapid.OneOf(rapid.Just(0), rapid.IntRange(0, 400), rapid.IntRange(0, 1<<40)).Draw(t, "n")
}

// anyCalls is a count that may not be known.
func anyCalls(t *rapid.T) *int64 {
	if rapid.Bool().Draw(t, "counted") {
		return nil
	}
	return new(int64(anyCount(t)))
}

func anyText(t *rapid.T) string {
	return rapid.OneOf(rapid.StringMatching(`[a-z-]{0,12}`), rapid.StringN(0, 300, -1)).Draw(t, "text")
}

func anyGate(t *rapid.T) measure.Gate {
	exprs := []string{"revoke.fleet_upper.p95 <= 5s", "latency.check.p95{pattern=cache} < 75ms", "safety.false_accepts == 0", "requests.sent >= 100", "x", ""}
	g := measure.Gate{
		Expr: rapid.SampledFrom(exprs).Draw(t, "expr"), Verdict: anyVerdict(t), Value: number(t), Lower: number(t), Upper: number(t),
		Limit: rapid.Float64Range(0, 1e7).Draw(t, "limit"), Derived: rapid.Bool().Draw(t, "derived"), N: anyCount(t), Why: anyText(t),
	}
	g.Metric, _, _ = split(g.Expr)
	if rapid.Bool().Draw(t, "witness") {
		g.Witness = &measure.Violation{Gateway: anyText(t), Token: token.Ref(anyText(t))}
	}
	return g
}

func anyVerdict(t *rapid.T) measure.RunVerdict {
	return rapid.SampledFrom([]measure.RunVerdict{measure.Pass, measure.Fail, measure.Inconclusive, measure.Stopped, measure.Interrupted, ""}).Draw(t, "verdict")
}

func anyPattern(t *rapid.T) measure.Pattern {
	p := measure.Pattern{Pattern: anyText(t), Bound: rapid.Float64Range(0, 1e7).Draw(t, "bound"), BoundWhy: anyText(t), AuthorityCalls: anyCalls(t)}
	p.Requests = measure.Requests{Sent: anyCount(t), Accepted: anyCount(t), Rejected: anyCount(t), Unavailable: anyCount(t)}
	p.Latency.Check, p.Latency.Response, p.Latency.Bare = anyDist(t), anyDist(t), anyDist(t)
	if p.Target = rapid.Bool().Draw(t, "target"); p.Target {
		p.Notes, p.Latency.CheckDerived = rapid.SliceOfN(rapid.Custom(anyText), 0, 2).Draw(t, "notes"), rapid.Bool().Draw(t, "derived")
		p.Bare = measure.Requests{Sent: anyCount(t), Accepted: anyCount(t)}
		p.Gateways = rapid.SliceOfN(rapid.Custom(anyGateway), 0, 3).Draw(t, "coverage")
	}
	for range rapid.IntRange(0, 2).Draw(t, "curves") {
		points := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) [2]float64 {
			return [2]float64{rapid.Float64Range(0, 100).Draw(t, "p"), rapid.Float64Range(0, 1e7).Draw(t, "ms")}
		}), 0, 6).Draw(t, "points")
		p.Latency.Curves = append(p.Latency.Curves, measure.Curve{Series: rapid.SampledFrom([]string{"check hit", "check miss", "bare", "lag", "response", "other"}).Draw(t, "series"), Points: points})
	}
	p.Revoke = measure.Revoke{
		Tokens: anyCount(t), Moments: anyCount(t), Censored: anyCount(t), Unknown: anyCount(t), Unstable: anyCount(t), Resurrections: anyCount(t),
		Excluded: anyCount(t), FleetLower: anyQuantiles(t), FleetUpper: anyQuantiles(t), Watched: rapid.Float64Range(0, 1e6).Draw(t, "watched"),
		Fleet: rapid.SliceOfN(rapid.Custom(anyInterval), 0, 5).Draw(t, "fleet"),
	}
	for range rapid.IntRange(0, 3).Draw(t, "gateways") {
		p.Revoke.Gateways = append(p.Revoke.Gateways, measure.GatewayRevoke{Gateway: anyText(t), Tokens: anyCount(t), Lower: anyQuantiles(t), Upper: anyQuantiles(t), Intervals: rapid.SliceOfN(rapid.Custom(anyInterval), 0, 3).Draw(t, "intervals")})
		p.Timeline.Lanes = append(p.Timeline.Lanes, measure.Lane{Gateway: anyText(t), Accepted: counts4(t), Rejected: counts4(t), Unavailable: counts4(t), Stale: counts4(t)})
	}
	p.Timeline.Step = rapid.SampledFrom([]float64{0, 100, 1000}).Draw(t, "step")
	p.Timeline.ResponseP95 = rapid.SliceOfN(rapid.Custom(number), 0, 4).Draw(t, "p95")
	p.Safety = measure.Safety{FalseAccepts: anyCount(t), StaleAccepts: anyCount(t), FalseRejects: anyCount(t)}
	for range rapid.IntRange(0, 2).Draw(t, "violations") {
		p.Violations = append(p.Violations, measure.Violation{Kind: rapid.SampledFrom([]string{"false_accept", "false_reject"}).Draw(t, "kind"), Gateway: anyText(t), Cause: anyText(t)})
	}
	p.Mutations = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) measure.Mutation {
		return measure.Mutation{Mutation: anyText(t), Sent: anyCount(t), Wrong: anyCount(t)}
	}), 0, 2).Draw(t, "mutations")
	p.Gates = rapid.SliceOfN(rapid.Custom(anyGate), 0, 3).Draw(t, "gates")
	p.Phases = rapid.SliceOfN(rapid.Custom(anyPhase), 0, 4).Draw(t, "phases")
	p.Fallbacks = rapid.SliceOfN(rapid.Custom(anyFallback), 0, 3).Draw(t, "fallbacks")
	p.Recovery, p.RecoveryAbove, p.RecoveryWhy = number(t), number(t), anyText(t)
	return p
}

func anyGateway(t *rapid.T) measure.Gateway {
	return measure.Gateway{Gateway: anyText(t), OtherReplicas: anyCount(t), Replicas: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) measure.Replica {
		return measure.Replica{Replica: anyText(t), Requests: anyCount(t)}
	}), 0, 12).Draw(t, "replicas")}
}

func anyPhase(t *rapid.T) measure.Phase {
	ph := measure.Phase{
		Phase: anyPhaseName(t), From: rapid.Float64Range(0, 1e6).Draw(t, "from"), To: rapid.Float64Range(0, 1e6).Draw(t, "to"),
		Requests:    measure.Requests{Sent: anyCount(t), Accepted: anyCount(t), Rejected: anyCount(t), Unavailable: anyCount(t), UnavailableRate: number(t)},
		Latency:     measure.Latency{Response: anyDist(t), Check: anyDist(t)},
		Revocations: measure.RevokeCounts{Tokens: anyCount(t), Moments: anyCount(t), Censored: anyCount(t)},
		Safety:      measure.Safety{FalseAccepts: anyCount(t), StaleAccepts: anyCount(t), FalseRejects: anyCount(t)},
		Cache:       measure.Cache{Hits: int64(anyCount(t)), Misses: int64(anyCount(t))}, AuthorityCalls: anyCalls(t),
	}
	if rapid.Bool().Draw(t, "lived") {
		lower, upper := anyQuantiles(t), anyQuantiles(t)
		ph.RevokeLower, ph.Revoke = &lower, &upper
	}
	return ph
}

func anyPhaseName(t *rapid.T) string {
	return rapid.OneOf(rapid.SampledFrom([]string{before, during, after, "latency"}), rapid.Custom(anyText)).Draw(t, "phase")
}

func anyFallback(t *rapid.T) measure.Fallback {
	return measure.Fallback{Cause: anyText(t), Phase: anyPhaseName(t), Count: anyCount(t)}
}

func anyFault(t *rapid.T) measure.Fault {
	return measure.Fault{
		Name: anyText(t), From: rapid.Float64Range(0, 1e6).Draw(t, "from"), To: rapid.Float64Range(0, 1e6).Draw(t, "to"),
		Landed: rapid.Bool().Draw(t, "landed"), Healed: rapid.Bool().Draw(t, "healed"),
		Met: int64(anyCount(t)), Clear: int64(anyCount(t)), Unknown: rapid.SampledFrom([]string{"", "met no traffic", "was not seen to heal"}).Draw(t, "unknown"),
	}
}

func counts4(t *rapid.T) []int { return rapid.SliceOfN(rapid.IntRange(0, 50), 0, 4).Draw(t, "counts") }

func anyReport(t *rapid.T) *measure.Report {
	r := &measure.Report{
		Scenario: anyText(t), Stage: rapid.OneOf(rapid.Just("embedded"), rapid.Custom(anyText)).Draw(t, "stage"), Elapsed: rapid.Float64Range(0, 1e8).Draw(t, "elapsed"),
		Reproduce: anyText(t), Environment: measure.Environment{Network: anyText(t)}, Verdict: anyVerdict(t),
		Sender:   measure.Sender{Planned: anyCount(t), Sent: anyCount(t), Lag: anyDist(t), CPU: number(t)},
		Validity: measure.Validity{OK: rapid.Bool().Draw(t, "ok"), Reasons: rapid.SliceOfN(rapid.Custom(anyText), 0, 3).Draw(t, "reasons")},
		Warnings: rapid.SliceOfN(rapid.Custom(anyText), 0, 2).Draw(t, "warnings"),
		Patterns: rapid.SliceOfN(rapid.Custom(anyPattern), 0, 6).Draw(t, "patterns"),
	}
	for range rapid.IntRange(0, 3).Draw(t, "references") {
		r.References = append(r.References, measure.Reference{Pattern: anyText(t), Metric: anyText(t), Says: anyText(t), Value: number(t)})
	}
	r.Faults = rapid.SliceOfN(rapid.Custom(anyFault), 0, 8).Draw(t, "faults")
	r.Undo = measure.Undo{Injected: anyCount(t), Healed: anyCount(t), Left: rapid.SliceOfN(rapid.Custom(anyText), 0, 3).Draw(t, "left")}
	r.Stopped = anyText(t)
	r.Warnings = rapid.SliceOfN(rapid.Custom(anyText), 0, 5).Draw(t, "warnings")
	if len(r.Patterns) > 1 && rapid.Bool().Draw(t, "tie") {
		r.Ties = [][]string{{r.Patterns[0].Pattern, r.Patterns[1].Pattern}}
	}
	return r
}

func TestTerminalFitsForAnyReport(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := anyReport(t)
		var b strings.Builder
		require.NoError(t, Terminal(&b, r, TerminalOptions{Path: anyText(t), Next: anyText(t)}))
		assertFits(t, b.String())
		require.Empty(t, broken.FindString(b.String()))
	})
}

// broken is what a figure that is none, or a wrong format, leaves behind.
var broken = regexp.MustCompile(`NaN|[+-]Inf\b|%![a-z]\(`)

func TestPageRendersForAnyReport(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b bytes.Buffer
		require.NoError(t, HTML(&b, anyReport(t)))
		require.Empty(t, broken.FindString(b.String()))
	})
}

// full refuses every byte.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestAWriterThatFailsIsReported(t *testing.T) {
	require.ErrorIs(t, Terminal(full{}, sample(), TerminalOptions{}), io.ErrShortWrite)
	require.ErrorIs(t, HTML(full{}, sample()), io.ErrShortWrite)
}
