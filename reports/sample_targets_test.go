package reports

import (
	"math/rand/v2"

	"github.com/tokendrill/tokendrill/fixtures/token"
	"github.com/tokendrill/tokendrill/harness/measure"
)

// renamed gives the gateways of a pattern other names, and cuts off those without.
func renamed(p *measure.Pattern, names ...string) {
	p.Revoke.Gateways, p.Timeline.Lanes = p.Revoke.Gateways[:len(names)], p.Timeline.Lanes[:len(names)]
	for i, name := range names {
		p.Revoke.Gateways[i].Gateway, p.Timeline.Lanes[i].Gateway = name, name
		p.Gateways = append(p.Gateways, measure.Gateway{Gateway: name, Requests: measure.Requests{Sent: 4000, Accepted: 3600, Rejected: 400}})
	}
	slowest := map[token.Ref]measure.Interval{}
	for _, g := range p.Revoke.Gateways {
		for _, iv := range g.Intervals {
			if old, ok := slowest[iv.Token]; !ok || *iv.Upper > *old.Upper {
				iv.Gateway = g.Gateway
				slowest[iv.Token] = iv
			}
		}
	}
	for i, iv := range p.Revoke.Fleet {
		p.Revoke.Fleet[i] = slowest[iv.Token]
	}
	summarize(&p.Revoke)
}

// target is a system of one's own that caches introspection for life ms at most.
// Nothing is known of its cache and of its calls to the authority.
func target(name string, life float64, gateways ...string) measure.Pattern {
	g := rand.New(rand.NewPCG(11, uint64(life)))
	b := behaviour{name, 0, 4, 0, func(g *rand.Rand) float64 { return life * g.Float64() }, 2 * life, "as its target file says", 0}
	p := b.pattern(g)
	renamed(&p, gateways...)
	p.Target, p.Mutations, p.Cache, p.AuthorityCalls, p.Timeline.AuthorityCalls = true, nil, measure.Cache{}, nil, nil
	p.Latency = measure.Latency{
		Response: dist(g, 4.4, 0.5, 4_000), Service: dist(g, 4.3, 0.5, 4_000), Lag: dist(g, 0.08, 0.6, 4_000),
		Curves: []measure.Curve{curve("response", 4.4, 0.5), curve("lag", 0.08, 0.6)},
	}
	return p
}

// derive gives a target a control path.
func derive(p *measure.Pattern) {
	g := rand.New(rand.NewPCG(12, 12))
	p.Bare = measure.Requests{Sent: 4_000, Accepted: 4_000, UnavailableRate: new(0.0)}
	l := &p.Latency
	l.Bare, l.CheckDerived = dist(g, 2.1, 0.4, 4_000), true
	l.Check = measure.Dist{Count: 4_000, P50: new(*l.Response.P50 - *l.Bare.P50), P95: new(*l.Response.P95 - *l.Bare.P95), P95Noise: new(0.31)}
	l.Curves = append(l.Curves, curve("bare", 2.1, 0.4))
}

// reportOf is a run of some targets on their own.
func reportOf(patterns ...measure.Pattern) *measure.Report {
	r := sample()
	r.Stage, r.Reproduce, r.Ties, r.Sender.Floor = "external", "tokendrill run quick --target staging.yaml --seed 7", nil, measure.Dist{}
	r.Patterns = patterns
	for i := range r.Patterns {
		p := &r.Patterns[i]
		p.Gates = []measure.Gate{{
			Expr: "safety.false_accepts == 0", Metric: "safety.false_accepts", Verdict: measure.Pass, Value: new(0.0), N: decisions(p),
		}}
	}
	return r
}

// oneTarget has a control path, replicas and certificates that nobody verified.
func oneTarget() *measure.Report {
	p := target("staging", 9_000, "eu", "us", "ap")
	derive(&p)
	p.Notes = []string{"TLS certificates were not verified (insecure)"}
	p.Gateways[0].Replicas = []measure.Replica{{Replica: "a", Requests: 1_412}, {Replica: "b", Requests: 1_399}, {Replica: "c", Requests: 1_189}}
	p.Gateways[2].Replicas = []measure.Replica{{Replica: "ap-1", Requests: 4_000}}
	r := reportOf(p)
	r.Patterns[0].Gates = append(r.Patterns[0].Gates, measure.Gate{
		Expr: "latency.check.p95 <= 10ms", Metric: "latency.check.p95", Verdict: measure.Pass, Limit: 10, Value: p.Latency.Check.P95, N: 4_000, Derived: true,
	})
	return r
}

// besideThePatterns is two targets, one of which tells nothing about its checks,
// and the reference patterns.
func besideThePatterns() *measure.Report {
	first, second := target("staging-eu-central-1", 9_000, "eu-central-1-public", "eu-central-1-partner"), target("staging-eu-central-2", 2_000, "edge")
	derive(&first)
	r := reportOf(first, second)
	r.Stage, r.Patterns = "embedded (loopback) and external", append(sample().Patterns, r.Patterns...)
	r.Ties = [][]string{{"registry", "hybrid"}}
	return r
}

// manyGateways is two targets with more gateways than the terminal has lines.
func manyGateways() *measure.Report {
	first := target("staging", 9_000, "eu", "us", "ap")
	second := target("canary", 5_000, "eu", "us", "ap")
	for _, p := range []*measure.Pattern{&first, &second} {
		for i, name := range []string{"sa", "af", "in", "au", "jp"} {
			g := p.Revoke.Gateways[i%3]
			g.Gateway = name
			p.Revoke.Gateways = append(p.Revoke.Gateways, g)
			p.Gateways = append(p.Gateways, measure.Gateway{Gateway: name})
		}
	}
	return reportOf(first, second)
}

// revokesNothing is a target that goes on letting revoked tokens in.
func revokesNothing() *measure.Report {
	p := target("staging", 2_000, "eu", "us")
	for i := range p.Revoke.Gateways {
		for k := range p.Revoke.Gateways[i].Intervals {
			censor(&p.Revoke.Gateways[i].Intervals[k])
		}
	}
	for k := range p.Revoke.Fleet {
		censor(&p.Revoke.Fleet[k])
	}
	summarize(&p.Revoke)
	p.Bare = measure.Requests{Sent: 4_000, Rejected: 4_000}
	p.Safety.FalseAccepts = 212
	r := reportOf(p)
	r.Warnings = []string{"staging: 64 revocations were acknowledged and no revoked token was ever refused: the revoke call revokes nothing, or the gateways do not ask"}
	g := &r.Patterns[0].Gates[0]
	g.Verdict, g.Value = measure.Fail, new(212.0)
	r.Verdict = measure.Fail
	return r
}

func censor(iv *measure.Interval) { iv.Lower, iv.Upper, iv.State = new(4_480.0), nil, measure.Censored }
