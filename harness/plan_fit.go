package harness

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/tokendrill/tokendrill/fixtures/traffic"
	"github.com/tokendrill/tokendrill/scenarios"
)

const (
	// fitSpare are the tokens that a target is asked for besides those of the plan:
	// to see whether it works, and to make mutants of.
	fitSpare = 5
	// fitSteps bounds the search for a plan that fits.
	fitSteps = 200
	// fitSlower is the factor of one step.
	fitSlower = 1.25
)

// fit makes a plan that keeps to the limits of the scenario's targets. It sends
// less, probes later, revokes more slowly and in the end fewer tokens, until no
// second of the plan has more than the rate, and all of it is no longer than the
// duration.
func fit(sc *scenarios.Scenario, rec *traffic.Recording, seed uint64) (*Plan, error) {
	f := fitting{Scenario: *sc, limits: tightest(sc.Targets)}
	f.Faults = slices.Clone(sc.Faults)
	f.Revoke.Tokens = min(f.Revoke.Tokens, (f.limits.Tokens-f.limits.Callers()-fitSpare)/2)
	if f.Revoke.Tokens < 1 {
		return nil, fmt.Errorf("plan %s: limits.tokens is %d; expected %d or more", sc.Name, f.limits.Tokens, f.limits.Callers()+fitSpare+2)
	}
	for range fitSteps {
		f.Midway()
		p, err := draft(&f.Scenario, rec, seed)
		if err != nil {
			return nil, err
		}
		f.latency, f.revocation = p.peaks()
		f.duration = p.Duration()
		if f.fits() {
			p.Digest = p.digest()
			return p, nil
		}
		if !f.lessen() {
			break
		}
	}
	return nil, fmt.Errorf("plan %s: not one revocation fits into limits of %v/s and %v with a bound of %v; expected a higher limits.rate or a longer limits.duration",
		sc.Name, float64(f.limits.Rate), f.limits.Duration, longest(sc.Targets))
}

// fitting is a scenario on its way into the limits.
type fitting struct {
	scenarios.Scenario
	limits scenarios.Limits
	// latency and revocation are the most requests of one second that a target gets
	// in either phase.
	latency, revocation int
	duration            time.Duration
}

func (f *fitting) fits() bool {
	return f.fitsRate(f.latency) && f.fitsRate(f.revocation) && f.duration <= f.limits.Duration
}

func (f *fitting) fitsRate(peak int) bool { return float64(peak) <= float64(f.limits.Rate) }

// lessen takes one step towards the limits; false says that there is none left.
func (f *fitting) lessen() bool {
	switch {
	case !f.fitsRate(f.latency):
		share := 0.97 * float64(f.limits.Rate) / float64(f.latency)
		f.Traffic.Rate = scenarios.Rate(share * float64(f.Traffic.Rate))
		f.Traffic.Speed *= share
		return float64(f.latency) > 1
	case f.duration > f.limits.Duration:
		return f.shorten()
	}
	return f.thin()
}

// thin spreads the revocation phase out: later first probes as long as they stay
// small beside the bound, then slower revocations as long as there is time.
func (f *fitting) thin() bool {
	bound := longest(f.Targets)
	slower := time.Duration(fitSlower * float64(f.Revoke.Every))
	longer := f.duration + time.Duration(f.Revoke.Tokens*len(f.Names()))*(slower-f.Revoke.Every)
	later := time.Duration(fitSlower * float64(f.Revoke.FirstGap))
	switch {
	case later <= bound/100:
		f.Revoke.FirstGap = later
	case longer <= f.limits.Duration && slower <= time.Minute:
		f.Revoke.Every = slower
	case later <= bound/10:
		f.Revoke.FirstGap = later
	case f.Revoke.Rate > 1:
		f.Revoke.Rate /= 2
	default:
		return f.fewer()
	}
	return true
}

// shorten takes rounds off the latency phase, then revocations.
func (f *fitting) shorten() bool {
	if f.Traffic.Rounds > 2 {
		f.Traffic.Rounds--
		return true
	}
	return f.fewer()
}

func (f *fitting) fewer() bool {
	few := int(float64(f.Revoke.Tokens) / fitSlower)
	f.Revoke.Tokens = few
	return few >= 1
}

// tightest are limits that keep all of them.
func tightest(targets []*scenarios.Target) scenarios.Limits {
	out := targets[0].Limits
	for _, t := range targets[1:] {
		out.Rate, out.Tokens = min(out.Rate, t.Limits.Rate), min(out.Tokens, t.Limits.Tokens)
		out.Duration = min(out.Duration, t.Limits.Duration)
	}
	return out
}

func longest(targets []*scenarios.Target) (bound time.Duration) {
	for _, t := range targets {
		bound = max(bound, t.Bound)
	}
	return bound
}

// peaks are the most requests, revocations included, that a target gets within
// any second of the latency phase and of what follows it.
func (p *Plan) peaks() (latency, revocation int) {
	recent := make([][]time.Duration, len(p.Systems))
	end := p.Scenario.LatencyPhase()
	revoked := 0
	sent := func(system int, at time.Duration) {
		if p.Systems[system].Target == nil {
			return
		}
		q := append(recent[system], at)
		for q[0] <= at-time.Second {
			q = q[1:]
		}
		recent[system] = q
		if at < end {
			latency = max(latency, len(q))
		} else {
			revocation = max(revocation, len(q))
		}
	}
	for r := range p.Requests() {
		for ; revoked < len(p.Revocations) && p.Revocations[revoked].At <= r.At; revoked++ {
			sent(p.Revocations[revoked].System, p.Revocations[revoked].At)
		}
		sent(r.System, r.At)
	}
	return latency, revocation
}

// Cost is what a plan asks of the targets it has.
type Cost struct {
	// Requests are sent to the target that gets the most, in Peak of them in its
	// busiest second.
	Requests, Peak int
	// Tokens are issued at that target.
	Tokens int
	// Moments are the revocations of each.
	Moments int
	// FirstGap and Growth are the resolution: the first probes are FirstGap apart, and
	// the gap grows by Growth of itself each time.
	FirstGap time.Duration
	Growth   float64
}

// Cost counts what the plan asks of its targets; zero if it has none.
func (p *Plan) Cost() Cost {
	if len(p.Scenario.Targets) == 0 {
		return Cost{}
	}
	requests, tokens := make([]int, len(p.Systems)), make([]map[string]bool, len(p.Systems))
	for r := range p.Requests() {
		if p.Systems[r.System].Target == nil {
			continue
		}
		if tokens[r.System] == nil {
			tokens[r.System] = map[string]bool{}
		}
		requests[r.System]++
		if r.Token != "" {
			tokens[r.System][string(r.Token)] = true
		}
	}
	c := Cost{Moments: p.Scenario.Revoke.Tokens, FirstGap: p.Scenario.Revoke.FirstGap, Growth: float64(p.Scenario.Revoke.Growth)}
	for i, n := range requests {
		if n > c.Requests {
			c.Requests, c.Tokens = n, len(tokens[i])
		}
	}
	latency, revocation := p.peaks()
	c.Peak = max(latency, revocation)
	return c
}

// Spread is how far apart the bounds of a time-to-revoke are for a token that
// lives so long, by the gaps of the probes alone.
func (c Cost) Spread(life time.Duration) time.Duration {
	return max(c.FirstGap, time.Duration(math.Round(c.Growth*float64(life))))
}
