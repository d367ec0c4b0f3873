package reports

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/tokendrill/tokendrill/fixtures/token"
	"github.com/tokendrill/tokendrill/harness/measure"
)

const (
	sampleTokens = 64
	sampleRun    = 54_000.0 // ms
	sampleStep   = 250.0    // ms per step of the timeline
)

// behaviour is what one pattern of the sample is like.
type behaviour struct {
	name       string
	hit, miss  float64 // median check in ms
	hitShare   float64
	life       func(*rand.Rand) float64 // ms until refused
	bound      float64
	why        string
	callsEvery float64 // authority calls per request
}

var behaviours = []behaviour{
	{"cache", 0.02, 0.55, 0.93, func(g *rand.Rand) float64 { return 2000 * g.Float64() }, 2500, "TTL 2 s + authority timeout 0.5 s", 0.07},
	{"remote", 0.58, 0.58, 0, func(*rand.Rand) float64 { return 0 }, 0, "asks every time", 1},
	{"registry", 0.02, 0.03, 0, func(g *rand.Rand) float64 { return 1 + 2*g.ExpFloat64() }, 3000, "staleness limit 3 s", 0},
	{"hybrid", 0.021, 0.4, 0.98, func(g *rand.Rand) float64 { return 1.5 + 2.5*g.ExpFloat64() }, 1500, "minted tokens live 1.5 s", 0.02},
}

// sample is a realistic report: four patterns, three gateways, 64 tokens each.
func sample() *measure.Report {
	g := rand.New(rand.NewPCG(7, 7))
	r := &measure.Report{
		Schema: measure.Schema, Scenario: "quick", Seed: 7, Stage: "embedded",
		About:   "The default: four patterns side by side on a sample of recorded traffic.",
		Started: time.Date(2026, 3, 1, 9, 30, 0, 0, time.UTC), Elapsed: sampleRun,
		PlanDigest: "sha256:5f1c0d6a52ab", RecordingDigest: "sha256:a90be4417c3d",
		Reproduce:   "tokendrill run quick --seed 7",
		Environment: measure.Environment{Tokendrill: "v0.1.0", Go: "go1.26.8", OS: "linux/amd64", CPU: "Xeon", Cores: 2, Network: noNetwork},
		Sender: measure.Sender{
			Planned: 48_000, Sent: 48_000, Lag: dist(g, 0.08, 0.6, 19_200), MaxInFlight: 41,
			CPU: new(0.61), Floor: dist(g, 0.11, 0.4, 2_400),
		},
		Validity: measure.Validity{OK: true},
		Ties:     [][]string{{"registry", "hybrid"}},
		Verdict:  measure.Pass,
	}
	for _, b := range behaviours {
		r.Patterns = append(r.Patterns, b.pattern(g))
	}
	addGates(r)
	return r
}

func (b behaviour) pattern(g *rand.Rand) measure.Pattern {
	p := measure.Pattern{
		Pattern: b.name, Bound: b.bound, BoundWhy: b.why,
		Requests:       measure.Requests{Sent: 12_000, Accepted: 10_900, Rejected: 1_100, UnavailableRate: new(0.0)},
		AuthorityCalls: new(int64(12_000 * b.callsEvery)), Probes: 5_400,
		Cache: cacheOf(b.hitShare),
	}
	p.Latency = b.latency(g)
	p.Revoke = b.revoke(g)
	p.Timeline = b.timeline(g, p.Revoke)
	p.Mutations = mutations()
	for _, lane := range p.Timeline.Lanes {
		for _, n := range lane.Stale {
			p.Safety.StaleAccepts += n
		}
	}
	return p
}

// cacheOf is what a gateway tells of 9,000 requests; nothing if it has no cache.
func cacheOf(hitShare float64) measure.Cache {
	if hitShare == 0 {
		return measure.Cache{}
	}
	return measure.Cache{Hits: int64(9_000 * hitShare), Misses: int64(9_000 * (1 - hitShare))}
}

func (b behaviour) latency(g *rand.Rand) measure.Latency {
	check := dist(g, b.hit, 0.4, 9_000)
	if b.hitShare < 0.95 && b.hitShare > 0 {
		check.P95 = new(b.miss * 1.1)
		check.P95Noise = new(0.08)
		check.P99, check.Max = new(b.miss*1.9), new(b.miss*5)
	}
	l := measure.Latency{
		Response: dist(g, b.miss+0.2, 0.5, 9_000), Service: dist(g, b.miss+0.15, 0.5, 9_000),
		Lag: dist(g, 0.08, 0.6, 9_000), Check: check,
	}
	l.Curves = []measure.Curve{curve("response", b.miss+0.2, 0.5), curve("lag", 0.08, 0.6)}
	if b.hitShare > 0 {
		l.Hit = dist(g, b.hit, 0.4, int64(9_000*b.hitShare))
		l.Curves = append(l.Curves, curve("check hit", b.hit, 0.4))
	}
	if b.hitShare > 0 {
		l.Miss = dist(g, b.miss, 0.4, int64(9_000*(1-b.hitShare)))
		l.Curves = append(l.Curves, curve("check miss", b.miss, 0.4))
	} else {
		l.Curves = append(l.Curves, curve("check", b.miss, 0.4))
	}
	return l
}

// dist is a log-normal summary with median p50 ms.
func dist(g *rand.Rand, p50, sigma float64, n int64) measure.Dist {
	at := func(z float64) *float64 { return new(p50 * math.Exp(sigma*z)) }
	d := measure.Dist{Count: n, P50: at(0), P95: at(1.645), P99: at(2.326), Max: at(4.2)}
	for range 6 {
		d.P95Slices = append(d.P95Slices, *d.P95*(0.9+0.2*g.Float64()))
	}
	d.P95Noise = new(*d.P95 * 0.12)
	return d
}

// curve is a log-normal latency line on the percentiles of an HDR plot.
func curve(series string, p50, sigma float64) measure.Curve {
	c := measure.Curve{Series: series}
	for half := 1.0; half < 20_000; half *= 1.25 {
		q := 1 - 1/(half+1)
		c.Points = append(c.Points, [2]float64{q * 100, p50 * math.Exp(sigma*math.Sqrt2*math.Erfinv(2*q-1))})
	}
	return c
}

func (b behaviour) revoke(g *rand.Rand) measure.Revoke {
	r := measure.Revoke{Tokens: sampleTokens, Moments: sampleTokens, Watched: 4500}
	for gw := 1; gw <= 3; gw++ {
		r.Gateways = append(r.Gateways, measure.GatewayRevoke{Gateway: fmt.Sprintf("gw-%d", gw), Tokens: sampleTokens})
	}
	for k := range sampleTokens {
		at := 26_000 + float64(k)*290 + 200*g.Float64()
		worst := measure.Interval{}
		for i := range r.Gateways {
			iv := b.interval(g, k, at)
			r.Gateways[i].Intervals = append(r.Gateways[i].Intervals, iv)
			if worst.Upper == nil || *iv.Upper > *worst.Upper {
				worst, worst.Gateway = iv, r.Gateways[i].Gateway
			}
		}
		r.Fleet = append(r.Fleet, worst)
	}
	summarize(&r)
	return r
}

func (b behaviour) interval(g *rand.Rand, k int, at float64) measure.Interval {
	life := b.life(g)
	gap := max(2, life*0.1)
	lower := max(0, life-gap*g.Float64())
	upper := max(life+gap*g.Float64(), 0.4+g.Float64())
	return measure.Interval{
		Token: token.Ref(fmt.Sprintf("t-%d", k)), At: at, Ack: new(1.2),
		Lower: new(lower), Upper: new(upper), State: measure.Exact,
	}
}

// summarize fills in the quantiles from the intervals.
func summarize(r *measure.Revoke) {
	r.FleetLower, r.FleetUpper = quantiles(r.Fleet)
	var all []measure.Interval
	r.Censored, r.Resurrections = 0, 0
	for i := range r.Gateways {
		gw := &r.Gateways[i]
		gw.Lower, gw.Upper = quantiles(gw.Intervals)
		gw.Censored = 0
		for _, iv := range gw.Intervals {
			if iv.State == measure.Censored {
				gw.Censored++
			}
		}
		r.Censored += gw.Censored
		r.Resurrections += gw.Resurrections
		all = append(all, gw.Intervals...)
	}
	r.Lower, r.Upper = quantiles(all)
}

func quantiles(ivs []measure.Interval) (lower, upper measure.Quantiles) {
	var lo, hi []float64
	for _, iv := range ivs {
		lo = append(lo, *iv.Lower)
		if iv.Upper != nil {
			hi = append(hi, *iv.Upper)
		} else {
			hi = append(hi, math.Inf(1))
		}
	}
	slices.Sort(lo)
	slices.Sort(hi)
	above := measure.Above{}
	pick := func(q float64, out, bound **float64) *float64 {
		i := min(int(q*float64(len(lo))), len(lo)-1)
		if math.IsInf(hi[i], 1) {
			*bound = new(lo[i])
			upper.Above = &above
		} else {
			*out = new(hi[i])
		}
		return new(lo[i])
	}
	lower.P50 = pick(0.50, &upper.P50, &above.P50)
	lower.P95 = pick(0.95, &upper.P95, &above.P95)
	lower.Max = pick(1.00, &upper.Max, &above.Max)
	return lower, upper
}

func (b behaviour) timeline(g *rand.Rand, r measure.Revoke) measure.Timeline {
	t := measure.Timeline{Step: sampleStep}
	steps := int(sampleRun / sampleStep)
	for range steps {
		t.ResponseP95 = append(t.ResponseP95, new((b.miss+0.5)*(0.8+0.5*g.Float64())))
		t.AuthorityCalls = append(t.AuthorityCalls, int64(200*b.callsEvery*(0.7+0.6*g.Float64())))
	}
	for _, gw := range r.Gateways {
		lane := measure.Lane{Gateway: gw.Gateway}
		for i := range steps {
			lane.Accepted = append(lane.Accepted, 12+g.IntN(8))
			lane.Rejected = append(lane.Rejected, g.IntN(3))
			lane.Unavailable = append(lane.Unavailable, 0)
			stale := 0
			for _, iv := range gw.Intervals {
				if at := float64(i) * sampleStep; iv.At <= at && at < iv.At+*iv.Lower {
					stale++
				}
			}
			lane.Stale = append(lane.Stale, stale)
		}
		t.Lanes = append(t.Lanes, lane)
	}
	return t
}

var mutationNames = []string{
	"alg_none", "alg_hs256_with_public_key", "signature_stripped", "signature_flipped_bit", "other_key", "unknown_kid",
	"jku_header", "embedded_jwk", "crit_unknown", "typ_jwt", "expired", "not_yet_valid", "issuer_prefix", "issuer_other",
	"audience_other", "audience_missing", "scope_missing", "scope_superstring", "exp_string", "exp_missing", "duplicate_claim",
	"base64_padding", "whitespace_inside", "four_parts", "json_serialization", "opaque_truncated", "opaque_extended",
	"opaque_case", "opaque_random", "empty_token", "huge_token",
}

func mutations() []measure.Mutation {
	var all []measure.Mutation
	for i, name := range mutationNames {
		expect := token.Outcome{Verdict: token.Reject, Reason: token.InvalidToken}
		if name == "scope_missing" || name == "scope_superstring" {
			expect.Reason = token.InsufficientScope
		}
		n := 16 + i%9
		all = append(all, measure.Mutation{Mutation: name, Expect: expect, Sent: n, Rejected: n})
	}
	return all
}

func addGates(r *measure.Report) {
	for i := range r.Patterns {
		p := &r.Patterns[i]
		p.Gates = append(p.Gates,
			measure.Gate{
				Expr: "safety.false_accepts == 0", Metric: "safety.false_accepts", Verdict: measure.Pass,
				Value: new(0.0), N: decisions(p),
			},
			measure.Gate{
				Expr: "latency.response.p95 <= 100ms", Metric: "latency.response.p95", Verdict: measure.Pass, Limit: 100,
				Value: p.Latency.Response.P95, N: int(p.Latency.Response.Count),
			})
	}
	p := &r.Patterns[0]
	p.Gates = append(p.Gates, measure.Gate{
		Expr: "revoke.fleet_upper.p95{pattern=cache} <= 3s", Metric: "revoke.fleet_upper.p95", Verdict: measure.Pass, Limit: 3000,
		Value: p.Revoke.FleetUpper.P95, Lower: p.Revoke.FleetLower.P95, Upper: p.Revoke.FleetUpper.P95, N: p.Revoke.Moments,
	})
}
