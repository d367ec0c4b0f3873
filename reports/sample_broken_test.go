package reports

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/tokendrill/tokendrill/fixtures/token"
	"github.com/tokendrill/tokendrill/harness/measure"
)

const (
	outageRun    = 8_000.0 // ms
	outageStep   = 100.0
	outageFrom   = 2_500.0
	outageTo     = 4_500.0
	outageRate   = 60.0 // requests per second and pattern
	outageTokens = 8
)

// bearing is how one pattern of the sample bears an outage of the authority.
type bearing struct {
	name       string
	bound      float64
	why        string
	lost       float64 // share without an answer meanwhile
	p95        [3]float64
	life       [3]float64 // ms until refused, of tokens revoked before, during and after
	back       *float64
	callsEvery float64
}

var bearings = []bearing{
	{"cache", 1500, "TTL 1 s + authority timeout 500ms", 0.41, [3]float64{1.4, 503, 1.6}, [3]float64{940, 990, 870}, new(180.0), 0.09},
	{"remote", 0, "every request asks the authority", 0.97, [3]float64{2.2, 1004, 2.4}, [3]float64{0, 1210, 0}, new(1020.0), 1},
	{"registry", 2000, "staleness limit 2s", 0, [3]float64{1.1, 1.1, 1.2}, [3]float64{4, 4, 5}, new(0.0), 0},
	{"hybrid", 2000, "life of a minted token 2s", 0.08, [3]float64{1.6, 2.1, 1.5}, [3]float64{6, 5, 7}, new(90.0), 0.03},
}

// outageReport is a short failure scenario: no latency phase, 8 revocations for
// each pattern and an authority that is gone for two seconds.
func outageReport() *measure.Report {
	g := rand.New(rand.NewPCG(3, 3))
	r := sample()
	r.Scenario, r.Elapsed, r.Ties = "authority-outage", outageRun, nil
	r.About = "What each pattern does before, during and after an outage of the authority."
	r.Reproduce = "tokendrill run authority-outage --seed 7"
	r.Sender = measure.Sender{Planned: 1_920, Sent: 1_920, Lag: dist(g, 0.08, 0.6, 1_700), MaxInFlight: 61, CPU: new(0.34)}
	r.Faults = []measure.Fault{{Name: "link.cut gateway-authority", From: outageFrom, To: outageTo, Landed: true, Healed: true, Met: 214, Clear: 380}}
	r.Undo = measure.Undo{Injected: 1, Healed: 1}
	r.Patterns = nil
	for _, b := range bearings {
		r.Patterns = append(r.Patterns, b.pattern(g))
	}
	return r
}

func (b bearing) pattern(g *rand.Rand) measure.Pattern {
	p := measure.Pattern{Pattern: b.name, Bound: b.bound, BoundWhy: b.why, Recovery: b.back, Probes: 210, AuthorityCalls: new(int64(0))}
	p.Revoke = measure.Revoke{Tokens: outageTokens, Moments: outageTokens, Watched: 2500}
	for gw := 1; gw <= 3; gw++ {
		p.Revoke.Gateways = append(p.Revoke.Gateways, measure.GatewayRevoke{Gateway: fmt.Sprintf("gw-%d", gw), Tokens: outageTokens})
	}
	spans := []measure.Phase{{Phase: before, From: 0, To: outageFrom}, {Phase: during, From: outageFrom, To: outageTo}, {Phase: after, From: outageTo, To: outageRun}}
	for i, ph := range spans {
		p.Phases = append(p.Phases, b.phase(g, i, ph, &p.Revoke))
	}
	p.Revoke.FleetLower, p.Revoke.FleetUpper = quantiles(p.Revoke.Fleet)
	for _, ph := range p.Phases {
		p.Requests = added(p.Requests, ph.Requests)
		*p.AuthorityCalls += *ph.AuthorityCalls
		p.Safety.StaleAccepts += ph.Safety.StaleAccepts
	}
	p.Timeline = b.timeline(g)
	p.Gates = []measure.Gate{{
		Expr: "requests.unavailable_rate{phase=after} <= 0.2", Metric: "requests.unavailable_rate", Verdict: measure.Pass,
		Value: p.Phases[2].Requests.UnavailableRate, Limit: 0.2, N: p.Phases[2].Requests.Sent,
	}, {
		Expr: "revoke.fleet_upper.max <= 2.5s", Metric: "revoke.fleet_upper.max", Verdict: measure.Pass, Limit: 2500,
		Value: p.Revoke.FleetUpper.Max, Lower: p.Revoke.FleetLower.Max, Upper: p.Revoke.FleetUpper.Max, N: outageTokens,
	}}
	return p
}

// phase makes the figures of phase i and adds its revocations to rev.
func (b bearing) phase(g *rand.Rand, i int, ph measure.Phase, rev *measure.Revoke) measure.Phase {
	n := int((ph.To - ph.From) / 1000 * outageRate)
	no := 0
	if ph.Phase == during {
		no = int(float64(n) * b.lost)
	}
	ph.Requests = measure.Requests{Sent: n, Accepted: (n - no) * 9 / 10, Unavailable: no, UnavailableRate: new(float64(no) / float64(n))}
	ph.Requests.Rejected = n - no - ph.Requests.Accepted
	ph.Latency.Response = dist(g, b.p95[i]/1.9, 0.4, int64(n))
	ph.Latency.Response.P95 = new(b.p95[i])
	ph.Latency.Check = dist(g, b.p95[i]/4, 0.4, int64(n-no))
	ph.AuthorityCalls = new(int64(float64(n-no) * b.callsEvery))
	ph.Safety.StaleAccepts = int(b.life[i] / 40)
	tokens := [3]int{3, 2, 3}[i]
	var ivs []measure.Interval
	for k := range tokens {
		life := b.life[i] * (0.5 + 0.5*float64(k+1)/float64(tokens))
		at := ph.From + (ph.To-ph.From)*(float64(k)+0.5)/float64(tokens)
		ivs = append(ivs, measure.Interval{
			Token: token.Ref(fmt.Sprintf("t-%d-%d", i, k)), At: at, Ack: new(1.1), Gateway: "gw-2",
			Lower: new(life * 0.9), Upper: new(life + 2), State: measure.Exact,
		})
	}
	rev.Fleet = append(rev.Fleet, ivs...)
	for gw := range rev.Gateways {
		rev.Gateways[gw].Intervals = append(rev.Gateways[gw].Intervals, ivs...)
	}
	lower, upper := quantiles(ivs)
	ph.RevokeLower, ph.Revoke = &lower, &upper
	ph.Revocations = measure.RevokeCounts{Tokens: tokens, Moments: tokens}
	return ph
}

func added(a, b measure.Requests) measure.Requests {
	a.Sent, a.Accepted, a.Rejected, a.Unavailable = a.Sent+b.Sent, a.Accepted+b.Accepted, a.Rejected+b.Rejected, a.Unavailable+b.Unavailable
	a.UnavailableRate = new(float64(a.Unavailable) / float64(a.Sent))
	return a
}

func (b bearing) timeline(g *rand.Rand) measure.Timeline {
	t := measure.Timeline{Step: outageStep}
	for gw := 1; gw <= 3; gw++ {
		t.Lanes = append(t.Lanes, measure.Lane{Gateway: fmt.Sprintf("gw-%d", gw)})
	}
	for i := range int(outageRun / outageStep) {
		at, phase := float64(i)*outageStep, 0
		switch {
		case at >= outageTo:
			phase = 2
		case at >= outageFrom:
			phase = 1
		}
		t.ResponseP95 = append(t.ResponseP95, new(b.p95[phase]*(0.8+0.3*g.Float64())))
		calls := 0
		for l := range t.Lanes {
			n := 1 + g.IntN(3)
			no := 0
			if phase == 1 && g.Float64() < b.lost {
				no = n
			}
			lane := &t.Lanes[l]
			lane.Accepted, lane.Unavailable = append(lane.Accepted, n-no), append(lane.Unavailable, no)
			lane.Rejected, lane.Stale = append(lane.Rejected, g.IntN(2)*(1-min(no, 1))), append(lane.Stale, 0)
			calls += n - no
		}
		t.AuthorityCalls = append(t.AuthorityCalls, int64(float64(calls)*b.callsEvery+0.5))
	}
	return t
}

// notLanded has a fault that no request met: the figures stand, and prove nothing about it.
func notLanded() *measure.Report {
	r := outageReport()
	r.Faults = append(r.Faults, measure.Fault{Name: "link.delay gateway-cdn", From: 3_000, To: 4_000, Unknown: "met no traffic: what it would have done is unknown"})
	r.Undo = measure.Undo{Injected: 2, Healed: 2}
	doubt := "link.delay gateway-cdn met no traffic: what it would have done is unknown"
	r.Validity = measure.Validity{Reasons: []string{doubt}, Faults: []string{doubt}}
	r.Verdict = measure.Inconclusive
	return r
}

// notLandedAndFailed has a failed gate besides: the verdict line is about that one.
func notLandedAndFailed() *measure.Report {
	r := notLanded()
	g := &r.Patterns[1].Gates[0]
	g.Expr, g.Verdict, g.Value, g.Limit = "requests.unavailable_rate{phase=during} <= 0.5", measure.Fail, new(0.97), 0.5
	r.Verdict = measure.Fail
	return r
}

// stoppedByCondition ended early, with everything undone.
func stoppedByCondition() *measure.Report {
	r := outageReport()
	r.Faults = append(r.Faults, measure.Fault{Name: "node.clock gateway at cache/gw-1", From: 1_000, To: 3_900, Landed: true, Healed: true, Met: 31, Clear: 12})
	r.Undo = measure.Undo{Injected: 2, Healed: 2}
	r.Verdict, r.Stopped = measure.Stopped, "unavailable.rate 0.83 > 0.5 for 5 s at 00:31"
	r.Elapsed, r.Sender.Sent = 4_900, 1_140
	for i := range r.Patterns {
		r.Patterns[i].Gates, r.Patterns[i].Recovery = nil, nil
		r.Patterns[i].RecoveryWhy = "the run ended before"
	}
	return r
}

// undoIncomplete left a fault in place.
func undoIncomplete() *measure.Report {
	r := outageReport()
	r.Faults = append(r.Faults, measure.Fault{Name: "exec systemctl stop authority", From: 2_000, To: 5_000, Landed: true, Met: 3, Unknown: "was not seen to heal: whether its effect is gone is unknown"})
	r.Undo = measure.Undo{Injected: 2, Healed: 1, Left: []string{"exec systemctl stop authority"}}
	r.Patterns[1].Recovery, r.Patterns[1].RecoveryAbove = nil, new(3_400.0)
	return r
}

// failedOpen let revoked tokens in because a route fails open, and says so.
func failedOpen() *measure.Report {
	r := outageReport()
	r.Scenario = "fail-open"
	p := &r.Patterns[1]
	p.Fallbacks = []measure.Fallback{
		{Cause: measure.CauseFailOpen, Phase: during, Count: 104}, {Cause: measure.CauseFailOpen, Phase: after, Count: 16},
		{Cause: measure.CauseStepUp, Phase: before, Count: 9},
	}
	r.Patterns[0].Fallbacks = []measure.Fallback{{Cause: measure.CauseFailOpen, Phase: during, Count: 22}}
	p.Safety.FalseAccepts, p.Phases[1].Safety.FalseAccepts = 12, 12
	p.Violations = []measure.Violation{{Kind: measure.FalseAccept, Gateway: "gw-2", Token: "t-1-0", Cause: measure.CauseFailOpen}}
	ph := &p.Phases[1]
	ph.Revoke = &measure.Quantiles{Above: &measure.Above{Max: new(1_980.0)}}
	ph.RevokeLower = &measure.Quantiles{Max: new(1_980.0)}
	ph.Revocations.Censored = 4
	p.Gates = append(p.Gates, measure.Gate{
		Expr: "safety.false_accepts == 0", Metric: "safety.false_accepts", Verdict: measure.Fail, Value: new(12.0), N: decisions(p), Witness: &p.Violations[0],
	})
	r.Verdict = measure.Fail
	return r
}

// withoutFigures has the phases of a fault and not one request in them.
func withoutFigures() *measure.Report {
	r := outageReport()
	for i := range r.Patterns {
		p := &r.Patterns[i]
		fresh := measure.Pattern{Pattern: p.Pattern}
		for _, ph := range p.Phases {
			fresh.Phases = append(fresh.Phases, measure.Phase{Phase: ph.Phase, From: ph.From, To: ph.To})
		}
		r.Patterns[i] = fresh
	}
	r.Faults[0].Landed, r.Faults[0].Healed, r.Faults[0].Met, r.Faults[0].Clear = false, false, 0, 0
	r.Sender = measure.Sender{Planned: 1_920}
	r.Validity = measure.Validity{Reasons: []string{"no request was sent"}}
	r.Verdict = measure.Inconclusive
	return r
}

// manyFaults has more to say about faults, and more warnings, than a terminal has room for.
func manyFaults() *measure.Report {
	r := failedOpen()
	for i, name := range []string{"push.drop authority-registry", "push.delay authority-registry", "registry.restart registry", "node.flush gateway at hybrid"} {
		r.Faults = append(r.Faults, measure.Fault{Name: name, From: 1_000 + 700*float64(i), To: 3_000 + 900*float64(i), Landed: i != 3, Healed: i%2 == 0, Met: 30, Clear: 10})
	}
	r.Undo = measure.Undo{Injected: 5, Healed: 3, Left: []string{"push.delay authority-registry", "node.flush gateway at hybrid"}}
	for _, name := range []string{"registry", "hybrid"} {
		r.Warnings = append(r.Warnings, name+": 3 rejects prove nothing: the control token was not accepted around them",
			name+": 2 tokens are left out: their revocation was refused or never tried")
	}
	return r
}

// fewRevocations has stimuli, no fault, no latency phase and eight revocations.
func fewRevocations() *measure.Report {
	r := outageReport()
	r.Scenario, r.Faults, r.Undo = "same-prefix-tokens", nil, measure.Undo{}
	for i := range r.Patterns {
		r.Patterns[i].Phases, r.Patterns[i].Recovery = nil, nil
		r.Patterns[i].Requests.Accepted += r.Patterns[i].Requests.Unavailable
		r.Patterns[i].Requests.Unavailable = 0
	}
	r.Warnings = []string{strings.Repeat("a long story about nothing much ", 12)}
	return r
}
