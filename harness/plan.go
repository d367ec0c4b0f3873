package harness

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/tokendrill/tokendrill/chaos"
	"github.com/tokendrill/tokendrill/fixtures/token"
	"github.com/tokendrill/tokendrill/fixtures/traffic"
	"github.com/tokendrill/tokendrill/harness/measure"
	"github.com/tokendrill/tokendrill/scenarios"
)

// Plan is all that a run will send, revoke and break, and when: a scenario and a
// recording under one seed. It is symbolic: tokens are refs, gateways are names,
// so the same plan can be printed, hashed and run on any stage. A Plan is
// immutable and safe for concurrent use; all instants are offsets from its start.
type Plan struct {
	Scenario  *scenarios.Scenario
	Recording *traffic.Recording
	Seed      uint64
	// Systems are what is measured, in the order of the report.
	Systems []System
	// Phases cover the run without gaps, in order.
	Phases []Phase
	// Revocations are in order of At.
	Revocations []Revocation
	// Stimuli are in the order of the scenario.
	Stimuli []StimulusWindow
	// Faults are in order of From.
	Faults []FaultWindow
	// Digest identifies everything above and every planned request.
	Digest string

	policy token.Policy
	scopes []string // every scope that some route asks for
	gates  []measure.GateExpr
	// issues are the tokens that are not issued like all others.
	issues map[bindKey]issue
}

// Phase is one stretch of a plan.
type Phase struct {
	Name     string
	From, To time.Duration
}

// Names of the phases. A scenario with faults has before, during and after in
// the place of revocation.
const (
	PhaseLatency    = scenarios.PhaseLatency
	PhaseRevocation = scenarios.PhaseRevocation
	PhaseBefore     = scenarios.PhaseBefore
	PhaseDuring     = scenarios.PhaseDuring
	PhaseAfter      = scenarios.PhaseAfter
)

// Revocation is one planned revocation of one token.
type Revocation struct {
	System int // index in Plan.Systems
	Token  token.Ref
	Twin   token.Ref // the control
	At     time.Duration
	Moment int
	Phase  string
	// Group is what one call revokes all tokens of a moment by; empty revokes this
	// one alone.
	Group string
	// Probed says that the token has probes and a twin. The others of a group are
	// used once before the revocation, and once after the bound.
	Probed bool
}

// FaultWindow is a fault of the scenario at its place in the run.
type FaultWindow struct {
	scenarios.Fault
	From, To time.Duration

	seed uint64
}

// Where says in words what links or nodes the fault acts on.
func (w FaultWindow) Where() string {
	what := w.Link + w.Node // it has one of them
	if w.Pattern == "" && w.Gateway == "" {
		return what
	}
	return what + " at " + strings.Trim(w.Pattern+"/"+w.Gateway, "/")
}

// Request is one planned request, before its token is bound.
type Request struct {
	At      time.Duration
	System  int // index in Plan.Systems
	Gateway int // index in its Gateways
	Method  string
	Path    string
	Token   token.Ref
	Class   token.Class
	Twin    token.Ref
	// Mutant numbers the fuzzed requests of a system from 1; 0 means not fuzzed.
	Mutant int
	Scope  []string
	// Slice is the round in the latency phase, -1 elsewhere.
	Slice int
	Probe bool
	// Stimulus names what the request is a part of; empty is the recording, or a probe.
	Stimulus string
	// Origin sends it to the origin behind the gateway.
	Origin bool
	// Group names the revocation after whose bound the request must be refused.
	Group string
	// Until is when the token may be refused from, if the run revokes it later; zero
	// if it does not.
	Until time.Duration
}

// maxRate is the most requests per second that a recorded pace may ask for.
const maxRate = 100_000

// settle separates the latency phase from the revocation phase.
const settle = 500 * time.Millisecond

// NewPlan plans a run. Every fault of the scenario must lie within the revocation
// phase. A scenario with targets is made to fit their limits: Plan.Scenario is
// then a copy that asks for less.
func NewPlan(sc *scenarios.Scenario, rec *traffic.Recording, seed uint64) (*Plan, error) {
	if len(sc.Targets) > 0 {
		return fit(sc, rec, seed)
	}
	p, err := draft(sc, rec, seed)
	if err != nil {
		return nil, err
	}
	p.Digest = p.digest()
	return p, nil
}

// draft plans a run as the scenario asks for it.
func draft(sc *scenarios.Scenario, rec *traffic.Recording, seed uint64) (*Plan, error) {
	if len(rec.Exchanges) == 0 {
		return nil, fmt.Errorf("plan %s: the recording holds no requests; record or import some, or use the embedded sample", sc.Name)
	}
	p := &Plan{Scenario: sc, Recording: rec, Seed: seed, Systems: systems(sc), policy: policyOf(sc), issues: map[bindKey]issue{}}
	p.scopes = allScopes(p.policy)
	for _, expr := range sc.Gates {
		g, err := measure.ParseGate(expr)
		if err != nil {
			return nil, fmt.Errorf("plan %s: %w", sc.Name, err)
		}
		p.gates = append(p.gates, g)
	}
	if n := len(rec.Exchanges); sc.Traffic.Rounds > 0 && sc.Traffic.Rate == 0 && recordedAt(rec.Exchanges, n) == 0 {
		return nil, fmt.Errorf("plan %s: the recording has no pace of its own, all its requests are at one instant: set a rate", sc.Name)
	}
	if n := p.perSlice(); float64(n) > maxRate*sc.Traffic.Slice.Seconds() {
		return nil, fmt.Errorf("plan %s: at speed %v a slice of %v has %d requests, over %d a second: lower the speed", sc.Name, sc.Traffic.Speed, sc.Traffic.Slice, n, maxRate)
	}
	begin, _ := p.revocationPhase()
	p.planRevocations(begin)
	end := p.end(begin)
	if err := p.planFaults(begin, end); err != nil {
		return nil, err
	}
	if err := p.planStimuli(begin, end); err != nil {
		return nil, err
	}
	p.planPhases(begin, end)
	return p, nil
}

// Duration is the length of the run from its start to its last planned request.
func (p *Plan) Duration() time.Duration { return p.Phases[len(p.Phases)-1].To }

// PhaseAt names the phase that an instant lies in.
func (p *Plan) PhaseAt(at time.Duration) string {
	for _, ph := range p.Phases {
		if at < ph.To {
			return ph.Name
		}
	}
	return p.Phases[len(p.Phases)-1].Name
}

// planPhases cuts the run where the revocation phase begins, and where faults
// begin and end.
func (p *Plan) planPhases(begin, end time.Duration) {
	cut := func(name string, from, to time.Duration) {
		if from < to {
			p.Phases = append(p.Phases, Phase{name, from, to})
		}
	}
	cut(PhaseLatency, 0, begin)
	if len(p.Faults) == 0 {
		cut(PhaseRevocation, begin, end)
	} else {
		first, last := p.Faults[0].From, p.Faults[0].To
		for _, f := range p.Faults {
			last = max(last, f.To)
		}
		cut(PhaseBefore, begin, first)
		cut(PhaseDuring, first, last)
		cut(PhaseAfter, last, end)
	}
	for i, r := range p.Revocations {
		p.Revocations[i].Phase = p.PhaseAt(r.At)
	}
}

// rng returns a source of its own for each purpose, so that a change to one part
// of a plan does not reshuffle the others.
func (p *Plan) rng(purpose string, n int) *rand.Rand {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s/%d", purpose, n)
	return rand.New(rand.NewPCG(p.Seed, h.Sum64()))
}

// gatewayOf sends a caller to the same gateway every time.
func gatewayOf(ref token.Ref, gateways int) int {
	h := fnv.New32a()
	fmt.Fprint(h, string(ref))
	return int(h.Sum32() % uint32(gateways))
}

// Requests yields every planned request in order of At. The plan is drawn
// lazily: memory does not grow with its length.
func (p *Plan) Requests() iter.Seq[Request] {
	return merge(slices.Concat(p.latencyStreams(), p.meanwhileStreams(), p.probeStreams(), p.restStreams(), p.stimulusStreams()))
}

// digest hashes the plan as it would be sent.
func (p *Plan) digest() string {
	h := sha256.New()
	fmt.Fprintf(h, "%s %s %d %v\n", p.Scenario.Name, p.Recording.Digest, p.Seed, p.Systems)
	for _, r := range p.Revocations {
		fmt.Fprintf(h, "%+v\n", r)
	}
	for _, f := range p.Faults {
		fmt.Fprintf(h, "%+v\n", f)
		for _, c := range []*chaos.Call{f.InjectCall, f.HealCall} {
			if c != nil { // of which the line above has but the URL
				fmt.Fprintf(h, "%q %q %v\n", c.Headers, c.Body, c.Status)
			}
		}
	}
	for _, key := range p.issueKeys() {
		fmt.Fprintf(h, "%+v %+v\n", key, p.issues[key])
	}
	for r := range p.Requests() {
		fmt.Fprintf(h, "%d %d %d %s %s %s %s %d %t\n", r.At, r.System, r.Gateway, r.Method, r.Path, r.Token, r.Class, r.Mutant, r.Origin)
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// Counts says what a plan will send.
type Counts struct {
	Requests, Probes, Fuzzed, Stimuli, Revocations int
}

// Count draws the whole plan once and counts it.
func (p *Plan) Count() Counts {
	c := Counts{Revocations: len(p.Revocations)}
	for r := range p.Requests() {
		c.Requests++
		if r.Probe {
			c.Probes++
		}
		switch {
		case r.Stimulus != "":
			c.Stimuli++
		case r.Class == token.Fuzzed:
			c.Fuzzed++
		}
	}
	return c
}
