package reports

import (
	"github.com/tokendrill/tokendrill/fixtures/token"
	"github.com/tokendrill/tokendrill/harness/measure"
)

// variant is one kind of report that must be told truthfully.
type variant struct {
	name   string
	report *measure.Report
}

func variants() []variant {
	return []variant{
		{"pass", sample()},
		{"violations", violated()},
		{"censored", censored()},
		{"inconclusive", inconclusive()},
		{"invalid", invalid()},
		{"interrupted", interrupted()},
		{"stopped", stopped()},
		{"one-pattern", onePattern()},
		{"empty", empty()},
		{"faults", faulty()},
		{"references", referenced()},
		{"outage", outageReport()},
		{"fault-not-landed", notLanded()},
		{"fault-not-landed-and-gate-failed", notLandedAndFailed()},
		{"stopped-by-condition", stoppedByCondition()},
		{"undo-incomplete", undoIncomplete()},
		{"fail-open", failedOpen()},
		{"phases-without-figures", withoutFigures()},
		{"many-faults", manyFaults()},
		{"few-revocations", fewRevocations()},
		{"one-target", oneTarget()},
		{"targets-beside-patterns", besideThePatterns()},
		{"many-gateways", manyGateways()},
		{"target-revokes-nothing", revokesNothing()},
		{"containers", containers()},
		{"containers-paused", pausedContainers()},
		{"containers-not-seen", unseenContainers()},
	}
}

// violated lets in forged tokens at one gateway and fails two gates.
func violated() *measure.Report {
	r := sample()
	p := &r.Patterns[3]
	p.Safety.FalseAccepts, p.Safety.FalseRejects = 3, 1
	p.Mutations[0].Accepted, p.Mutations[0].Rejected, p.Mutations[0].Wrong = 3, p.Mutations[0].Rejected-3, 3
	expect := token.Outcome{Verdict: token.Reject, Reason: token.InvalidToken}
	for k := range 3 {
		p.Violations = append(p.Violations, measure.Violation{
			Kind: measure.FalseAccept, Gateway: "gw-2", Token: "t-17", Cause: "alg_none",
			Requests: []measure.Event{{
				Kind: measure.KindRequest, Pattern: p.Pattern, Token: "t-17", Gateway: "gw-2", Class: token.Fuzzed,
				Start: int64(12_310+40*k) * 1e6, End: int64(12_311+40*k) * 1e6, Status: 200, Verdict: token.Accept, Expect: expect, Detail: "alg_none",
			}},
		})
	}
	p.Violations = append(p.Violations, measure.Violation{
		Kind: measure.FalseReject, Gateway: "gw-1", Token: "t-3", Requests: []measure.Event{
			{Kind: measure.KindRequest, Token: "t-3", Gateway: "gw-1", Start: 3e9, End: 3_001e6, Status: 401,
				Verdict: token.Reject, Reason: token.InvalidToken, Expect: token.Outcome{Verdict: token.Accept}},
		},
	})
	p.Gates[0].Verdict, p.Gates[0].Value, p.Gates[0].Witness = measure.Fail, new(3.0), &p.Violations[0]
	slow := &r.Patterns[0].Gates[2]
	slow.Verdict, slow.Limit, slow.Expr = measure.Fail, 1200, "revoke.fleet_upper.p95{pattern=cache} <= 1.2s"
	r.Verdict = measure.Fail
	return r
}

// censored has five tokens of one pattern that gw-3 never refused.
func censored() *measure.Report {
	r := sample()
	rev := &r.Patterns[2].Revoke
	for k := range 5 {
		iv := &rev.Gateways[2].Intervals[k]
		iv.Lower, iv.Upper, iv.State = new(4_490.0), nil, measure.Censored
		rev.Fleet[k] = *iv
		rev.Fleet[k].Gateway = "gw-3"
	}
	summarize(rev)
	rev.Gateways[0].Unknown, rev.Unknown = 2, 2
	rev.Gateways[0].Resurrections = 1
	rev.Resurrections = 1
	r.Patterns[2].Gates = append(r.Patterns[2].Gates, measure.Gate{
		Expr: "revoke.fleet_upper.p95 <= 3.75s", Metric: "revoke.fleet_upper.p95", Verdict: measure.Fail, Limit: 3750,
		Lower: new(4_490.0), N: rev.Moments, Why: "5 of 64 moments breach, 0 may",
		Witness: &measure.Violation{Kind: measure.OverLimit, Gateway: "gw-3", Token: "t-2"},
	})
	r.Verdict = measure.Fail
	return r
}

func inconclusive() *measure.Report {
	r := sample()
	g := &r.Patterns[0].Gates[2]
	g.Verdict, g.Limit, g.Expr = measure.Inconclusive, 1950, "revoke.fleet_upper.p95{pattern=cache} <= 1950ms"
	g.Lower, g.Upper, g.Why = new(1_800.0), new(2_010.0), "1.8 to 2.01 s straddles 1.95 s; try --tokens 181"
	r.Verdict = measure.Inconclusive
	return r
}

func invalid() *measure.Report {
	r := sample()
	r.Validity = measure.Validity{Reasons: []string{"remote: 88 % of the plan was sent, 95 % is needed", "sender lag p95 is 61 ms"}}
	r.Sender.Sent, r.Sender.CPU = 44_100, new(0.97)
	r.Verdict = measure.Inconclusive
	return r
}

func interrupted() *measure.Report {
	r := sample()
	r.Verdict, r.Elapsed, r.Sender.Sent = measure.Interrupted, 19_300, 15_400
	r.Validity = measure.Validity{Reasons: []string{"interrupted"}}
	for i := range r.Patterns {
		p := &r.Patterns[i]
		p.Revoke = measure.Revoke{}
		p.Gates = nil
		p.Latency.Check.P95Noise, p.Latency.Check.P95Slices = nil, nil
	}
	r.Ties = nil
	return r
}

func stopped() *measure.Report {
	r := faulty()
	r.Verdict = measure.Stopped
	r.Validity = measure.Validity{Reasons: []string{"unavailable.rate 0.83 > 0.5 for 5 s at 00:31"}}
	return r
}

func onePattern() *measure.Report {
	r := sample()
	r.Patterns, r.Ties = r.Patterns[:1], nil
	r.Stage, r.Environment.Network = "external", "as the target has it"
	r.Patterns[0].Latency.Check, r.Patterns[0].Latency.Hit, r.Patterns[0].Latency.Miss = measure.Dist{}, measure.Dist{}, measure.Dist{}
	r.Patterns[0].Mutations = nil
	return r
}

// empty has four patterns and not one sample.
func empty() *measure.Report {
	r := sample()
	for i := range r.Patterns {
		r.Patterns[i] = measure.Pattern{Pattern: r.Patterns[i].Pattern}
	}
	r.Ties, r.Elapsed, r.Sender = nil, 40, measure.Sender{Planned: 48_000}
	r.Validity = measure.Validity{Reasons: []string{"no sample at all"}}
	r.Verdict = measure.Inconclusive
	return r
}

// faulty has an authority outage and the phases around it.
func faulty() *measure.Report {
	r := sample()
	r.Faults = []measure.Fault{
		{Name: "link.cut gateway-authority", From: 34_000, To: 40_000, Landed: true, Healed: true},
		{Name: "link.delay gateway-registry", From: 30_000, To: 46_000, Landed: true, Healed: false},
	}
	for i := range r.Patterns {
		p := &r.Patterns[i]
		for _, ph := range []measure.Phase{{Phase: "before", From: 26_000, To: 34_000}, {Phase: "during", From: 34_000, To: 40_000}, {Phase: "after", From: 40_000, To: 54_000}} {
			ph.Requests = measure.Requests{Sent: 400, Accepted: 380, Rejected: 20, UnavailableRate: new(0.0)}
			ph.Latency, ph.Revoke, ph.RevokeLower = p.Latency, &p.Revoke.FleetUpper, &p.Revoke.FleetLower
			ph.Revocations = measure.RevokeCounts{Tokens: 21, Moments: 21}
			if ph.Phase == "during" && p.Pattern == "remote" {
				ph.Requests = measure.Requests{Sent: 400, Accepted: 20, Unavailable: 380, UnavailableRate: new(0.95)}
			}
			p.Phases = append(p.Phases, ph)
		}
	}
	for i := range r.Patterns[1].Timeline.Lanes {
		lane := &r.Patterns[1].Timeline.Lanes[i]
		for s := 136; s < 160; s++ {
			lane.Unavailable[s], lane.Accepted[s], lane.Rejected[s] = lane.Accepted[s], 0, 0
			r.Patterns[1].Timeline.ResponseP95[s] = nil
		}
	}
	r.Patterns[1].Requests.Unavailable = 380
	return r
}

func referenced() *measure.Report {
	r := sample()
	r.Scenario = "field-review"
	r.Environment.Network = "gateway-authority 18 ms at p50, 75 ms at p95"
	r.References = []measure.Reference{
		{Pattern: "cache", Metric: "latency.response.p50", Says: "4 ms", Value: new(4.1)},
		{Pattern: "remote", Metric: "latency.response.p50", Says: "18 ms", Value: new(18.6)},
		{Pattern: "remote", Metric: "latency.response.p95", Says: "75 ms under load", Value: new(77.2)},
		{Pattern: "registry", Metric: "revoke.fleet_upper.max", Says: "under 5 s", Value: new(11.0)},
		{Pattern: "cache", Metric: "revoke.fleet_upper.max", Says: "30 s to 5 min by TTL; TTLs are scaled down by 60 here"},
	}
	return r
}
