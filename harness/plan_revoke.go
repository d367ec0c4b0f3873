package harness

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"github.com/tokendrill/tokendrill/fixtures/token"
	"github.com/tokendrill/tokendrill/scenarios"
)

const (
	// controlEvery is how often controls are sent, and controlGap how near an
	// accepted one must be on both sides of the request that sets an upper bound:
	// one that comes late, or is lost, does not make an interval unknown.
	controlEvery = scenarios.ControlEvery
	controlGap   = 2 * time.Second
	// controlTail is how long controls go on after the last probe.
	controlTail = scenarios.ControlTail
	// lastPrime is how long before the planned revocation the token is last used.
	lastPrime = 15 * time.Millisecond
	// probePath is what probes ask for; probes carry every scope there is.
	probePath = "/tokendrill/probe"

	// issueTime is how long after the planned issue of a late token it is first used.
	issueTime = 100 * time.Millisecond
	// childLead is how long before its revocation a child is minted: its exp comes
	// soon, so that it cannot be there from the start. Its control, as short-lived,
	// is sent every childControlEvery.
	childLead         = 600 * time.Millisecond
	childControlEvery = 150 * time.Millisecond
	// restMargin is what is left after the bound for the other use of unprobed tokens.
	restMargin = 200 * time.Millisecond
)

// planRevocations draws the moments: one call somewhere in every step, patterns
// in a random order, the first after the longest priming.
func (p *Plan) planRevocations(begin time.Duration) {
	rv := p.Scenario.Revoke
	calls, each := rv.Tokens, 1
	if rv.Bulk {
		calls, each = 1, rv.Tokens
	}
	var turns []int
	for i := range p.Systems {
		turns = append(turns, slices.Repeat([]int{i}, calls)...)
	}
	lead := p.Scenario.Lead()
	rng := p.rng("revocations", 0)
	rng.Shuffle(len(turns), func(i, j int) { turns[i], turns[j] = turns[j], turns[i] })
	for i, system := range turns {
		at := begin + lead + time.Duration((float64(i)+rng.Float64())*float64(rv.Every))
		for n := range each {
			p.planRevocation(Revocation{System: system, At: at, Moment: i + 1, Probed: n < p.Scenario.Probed()})
		}
	}
}

// planRevocation adds the revocation of one more token, and how the token and its
// twin are issued.
func (p *Plan) planRevocation(r Revocation) {
	r.Token = token.Ref(fmt.Sprintf("t-%d", len(p.Revocations)+1))
	r.Twin = r.Token + "-twin"
	rv, own := p.Scenario.Revoke, issue{Grant: Grant{Format: p.Systems[r.System].Format, Scope: p.scopesOf(r.System)}}
	if rv.Fresh {
		own.Late, own.Fresh, own.At = true, true, r.At
	}
	if rv.Children {
		own.Child, own.Late, own.At = true, true, r.At-childLead
		p.issues[bindKey{r.System, r.Twin}] = own
	}
	if rv.Bulk {
		r.Group = "bulk-" + p.Systems[r.System].Pattern
		own.Group = r.Group
	}
	if rv.Fresh || rv.Children || rv.Bulk {
		p.issues[bindKey{r.System, r.Token}] = own
	}
	p.Revocations = append(p.Revocations, r)
}

// revocationPhase is the stretch from the first priming to the last probe.
func (p *Plan) revocationPhase() (from, to time.Duration) {
	if from = p.Scenario.LatencyPhase(); from > 0 {
		from += settle
	}
	return from, p.end(from)
}

// end is when the last control of the last token is sent, and never before what the
// scenario says: it was checked against that.
func (p *Plan) end(begin time.Duration) time.Duration {
	end := begin + p.Scenario.RevocationPhase()
	for _, r := range p.Revocations {
		end = max(end, r.At+p.window(r.System)+controlTail)
		if !r.Probed {
			end = max(end, r.At+p.Systems[r.System].Bound+restMargin+time.Second)
		}
	}
	return end
}

// life is the time that priming spreads over for a system.
func (p *Plan) life(system int) time.Duration {
	return p.Scenario.Life(p.Systems[system].Pattern)
}

// window is how long a token of the system is watched after its planned revocation.
func (p *Plan) window(system int) time.Duration {
	return p.Scenario.Window(p.Systems[system].Pattern)
}

// planFaults places the scenario's faults, which count from the start of the
// revocation phase.
func (p *Plan) planFaults(begin, end time.Duration) error {
	for i, f := range p.Scenario.Faults {
		if err := p.checkPlace(f); err != nil {
			return err
		}
		w := FaultWindow{Fault: f, From: begin + f.At, To: begin + f.At + f.For, seed: p.rng("fault", i).Uint64()}
		if w.To > end {
			return fmt.Errorf("plan %s: fault %s ends %v after the start of the revocation phase, which lasts %v: move it or revoke more tokens",
				p.Scenario.Name, f.Name, f.At+f.For, (end - begin).Round(time.Millisecond))
		}
		p.Faults = append(p.Faults, w)
	}
	slices.SortStableFunc(p.Faults, func(a, b FaultWindow) int { return cmp.Compare(a.From, b.From) })
	return nil
}

// checkPlace refuses a fault at a pattern or gateway that the plan does not have.
func (p *Plan) checkPlace(f scenarios.Fault) error {
	for _, s := range p.Systems {
		if (f.Pattern == "" || f.Pattern == s.Pattern) && (f.Gateway == "" || slices.Contains(s.Gateways, f.Gateway)) {
			return nil
		}
	}
	return fmt.Errorf("plan %s: fault %s is at %s, which no pattern of the plan has", p.Scenario.Name, f.Name, FaultWindow{Fault: f}.Where())
}

// probeStreams are the probes and controls of every (token, gateway).
func (p *Plan) probeStreams() []stream {
	var out []stream
	for i, r := range p.Revocations {
		if !r.Probed {
			continue
		}
		for g := range p.Systems[r.System].Gateways {
			rng := p.rng(p.Systems[r.System].Gateways[g], i)
			out = append(out, p.probes(r, g, p.probeTimes(r, rng), false), p.probes(r, g, p.controlTimes(r, rng), true))
		}
	}
	return out
}

// probes turns instants into requests on a token, or on its twin.
func (p *Plan) probes(rv Revocation, gateway int, times []time.Duration, control bool) stream {
	method, path := p.probe(rv.System)
	r := Request{
		System: rv.System, Gateway: gateway, Method: method, Path: path,
		Token: rv.Token, Class: token.Revoked, Scope: p.scopesOf(rv.System), Slice: -1, Probe: true, Origin: p.Scenario.Revoke.Children,
	}
	if control {
		r.Token, r.Class, r.Twin = rv.Twin, token.Control, rv.Token
	}
	if own := p.issues[bindKey{r.System, r.Token}]; own.Late {
		times = slices.DeleteFunc(times, func(at time.Duration) bool { return at < own.At+issueTime })
	}
	return func() (Request, bool) {
		if len(times) == 0 {
			return Request{}, false
		}
		r.At, times = times[0], times[1:]
		return r, true
	}
}

// probe is the request that asks about a token of a system.
func (p *Plan) probe(system int) (method, path string) {
	if t := p.Systems[system].Target; t != nil {
		return t.Probe.Method, t.Probe.Path
	}
	return http.MethodGet, probePath
}

// probeTimes is the schedule of one token at one gateway: priming from a random
// cache age on, then gaps that grow with the time since the planned revocation,
// with a probe on either side of every limit that a gate names.
func (p *Plan) probeTimes(rv Revocation, rng *rand.Rand) []time.Duration {
	life := p.life(rv.System)
	age := time.Duration((0.25 + rng.Float64()) * float64(life))
	var times []time.Duration
	// A little over a quarter: four exact quarters would meet the entry in the
	// moment before it ends, and leave its renewal to the last use.
	step := life * 26 / 100
	if p.Scenario.Revoke.Children {
		step = childControlEvery // there is little time
	}
	for t := rv.At - age; t < rv.At-lastPrime; t += step {
		times = append(times, max(0, t))
	}
	times = append(times, max(0, rv.At-lastPrime))

	gap := p.Scenario.Revoke.FirstGap
	end := rv.At + p.window(rv.System)
	for t := rv.At + time.Duration(rng.Float64()*float64(gap)); t < end; t += gap {
		times = append(times, t)
		gap += time.Duration(float64(p.Scenario.Revoke.Growth) * float64(gap))
	}
	times = append(times, end)
	for _, limit := range p.limits(rv.System) {
		if before := rv.At + limit - limit/100; limit > 0 && rv.At+limit < end {
			times = append(times, before, rv.At+limit+time.Millisecond)
		}
	}
	slices.Sort(times)
	return times
}

// controlTimes is the schedule of the twin: about once a second from before the
// first priming until past the last probe.
func (p *Plan) controlTimes(rv Revocation, rng *rand.Rand) []time.Duration {
	every := controlEvery
	if p.Scenario.Revoke.Children {
		every = childControlEvery
	}
	from := rv.At - min(p.life(rv.System), controlEvery) - time.Duration(rng.Float64()*float64(every))
	var times []time.Duration
	for t := from; t < rv.At+p.window(rv.System)+controlTail; t += every {
		times = append(times, max(0, t))
	}
	return times
}

// limits are the time-to-revoke limits that the gates set for a system.
func (p *Plan) limits(system int) []time.Duration {
	var out []time.Duration
	for _, g := range p.gates {
		if limit, ok := g.RevokeLimit(); ok && g.Applies(p.Systems[system].Pattern) {
			out = append(out, limit)
		}
	}
	return out
}
