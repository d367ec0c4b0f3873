package harness

import (
	"fmt"
	"time"

	"github.com/tokendrill/tokendrill/fixtures/token"
	"github.com/tokendrill/tokendrill/scenarios"
)

// StimulusWindow is a stimulus of the scenario at its place in the run.
type StimulusWindow struct {
	scenarios.Stimulus
	From, To time.Duration
}

// caller is one token of a stimulus.
type caller struct {
	ref token.Ref
	issue
}

// planStimuli places the scenario's stimuli, which count from the start of the
// revocation phase, and plans how their tokens are issued.
func (p *Plan) planStimuli(begin, end time.Duration) error {
	for i, s := range p.Scenario.Stimuli {
		if _, ok := scenarios.FindStimulus(s.Name); !ok {
			return fmt.Errorf("plan %s: no stimulus %q", p.Scenario.Name, s.Name)
		}
		w := StimulusWindow{Stimulus: s, From: begin + s.At, To: end}
		if s.For > 0 {
			w.To = w.From + s.For
		}
		if w.To > end || w.From+p.span(s) > w.To {
			return fmt.Errorf("plan %s: stimulus %s does not fit from %v to %v: the revocation phase lasts %v, and it takes %v at least",
				p.Scenario.Name, s.Name, s.At, w.To-begin, (end - begin).Round(time.Millisecond), p.span(s))
		}
		w.Tokens = s.Callers(w.To - w.From)
		p.Stimuli = append(p.Stimuli, w)
		for system := range p.Systems {
			if p.stimulates(w, system) {
				for _, c := range p.callers(i, system) {
					p.issues[bindKey{system, c.ref}] = c.issue
				}
			}
		}
	}
	return nil
}

// stimulates says whether a stimulus is for a system.
func (p *Plan) stimulates(w StimulusWindow, system int) bool {
	s := p.Systems[system]
	return s.Target == nil && (w.Pattern == "" || w.Pattern == s.Pattern)
}

// span is how long one token of a stimulus is used, zero if for as long as it lasts.
func (p *Plan) span(s scenarios.Stimulus) time.Duration {
	switch s.Name {
	case scenarios.Expiring:
		return s.Span(0)
	case scenarios.JustExpired:
		call, _ := p.Scenario.GraceCall() // the scenario has one
		return s.Span(call.Route.Grace)
	}
	return 0
}

// callers are the tokens of stimulus i at a system.
func (p *Plan) callers(i, system int) []caller {
	w := p.Stimuli[i]
	out := make([]caller, w.Tokens)
	for n := range out {
		out[n].ref = token.Ref(fmt.Sprintf("%s-%d-%d", w.Name, i+1, n+1))
		out[n].issue = p.issueOf(w, n)
		out[n].Format = p.Systems[system].Format
	}
	return out
}

// issueOf is how the n-th token of a stimulus comes to be.
func (p *Plan) issueOf(w StimulusWindow, n int) issue {
	i := issue{Grant: Grant{Scope: p.scopes}}
	own, other, _ := p.Scenario.AudienceCalls()
	switch w.Name {
	case scenarios.BadTokens:
		i.Never = true
	case scenarios.ScopeChange:
		own, _, _ := p.Scenario.ScopeCalls()
		i.Scope = []string{own.Route.Scope}
	case scenarios.AudienceChange:
		i.Audience = own.Route.Audience
	case scenarios.TwoTenants:
		i.Audience = []string{own.Route.Audience, other.Route.Audience}[n%2]
	case scenarios.NoExp:
		i.NoExpiry = true
	case scenarios.StepUp:
		call, _ := p.Scenario.StepUpCall()
		i.ACR = []string{call.Route.ACR, weakACR}[n%2]
	case scenarios.Expiring, scenarios.JustExpired:
		room := w.To - w.From - p.span(w.Stimulus)
		i.Lifetime, i.Late, i.At = scenarios.ShortLife, true, w.From+room*time.Duration(n)/time.Duration(w.Tokens)
	}
	return i
}

// weakACR is an authentication context that no route asks for: by OpenID Connect
// Core section 2 it says that hardly anything was checked.
const weakACR = "0"

// script is what each caller of a stimulus sends to a gateway, one after the other,
// so that the later ones meet what the gateway remembers of the first.
func (p *Plan) script(name string) []scenarios.Call {
	plain := p.Scenario.PlainCall()
	switch name {
	case scenarios.ScopeChange:
		own, other, _ := p.Scenario.ScopeCalls()
		return []scenarios.Call{own, other}
	case scenarios.AudienceChange, scenarios.TwoTenants:
		own, other, _ := p.Scenario.AudienceCalls()
		return []scenarios.Call{own, other}
	case scenarios.StepUp:
		call, _ := p.Scenario.StepUpCall()
		return []scenarios.Call{plain, call}
	case scenarios.JustExpired:
		call, _ := p.Scenario.GraceCall()
		return []scenarios.Call{call}
	case scenarios.BadTokens, scenarios.NoExp:
		return []scenarios.Call{plain, plain, plain}
	}
	return []scenarios.Call{plain}
}

// stimulusStreams are the requests of the stimuli.
func (p *Plan) stimulusStreams() []stream {
	var out []stream
	for i, w := range p.Stimuli {
		for system := range p.Systems {
			switch {
			case !p.stimulates(w, system):
			case p.span(w.Stimulus) > 0:
				out = append(out, p.agings(i, system)...)
			default:
				out = append(out, p.rounds(i, system))
			}
		}
	}
	return out
}

// rounds sends the script from each caller to each gateway in turn, over and over.
func (p *Plan) rounds(i, system int) stream {
	w, callers, script := p.Stimuli[i], p.callers(i, system), p.script(p.Stimuli[i].Name)
	gateways := len(p.Systems[system].Gateways)
	rng, gap := p.rng("stimulus "+w.Name, i), float64(time.Second)/float64(w.Rate)
	n := 0
	return func() (Request, bool) {
		at := w.From + time.Duration((float64(n)+rng.Float64())*gap)
		if at >= w.To {
			return Request{}, false
		}
		turn := n / len(script)
		r := p.stimulus(w, system, callers[turn/gateways%len(callers)], script[n%len(script)])
		r.At, r.Gateway = at, turn%gateways
		n++
		return r, true
	}
}

// agings use each caller from soon after its issue until it has long expired, at
// the gateways in turn.
func (p *Plan) agings(i, system int) []stream {
	w, script := p.Stimuli[i], p.script(p.Stimuli[i].Name)
	gateways := len(p.Systems[system].Gateways)
	uses := int(float64(w.Rate)*(w.To-w.From).Seconds()/float64(w.Tokens) + 0.5)
	gap := float64(p.span(w.Stimulus)-issueTime) / float64(uses)
	var out []stream
	for c, caller := range p.callers(i, system) {
		rng, n := p.rng("stimulus "+w.Name, 1000*i+c), 0
		out = append(out, func() (Request, bool) {
			if n >= uses {
				return Request{}, false
			}
			r := p.stimulus(w, system, caller, script[0])
			r.At, r.Gateway = caller.At+issueTime+time.Duration((float64(n)+rng.Float64())*gap), n%gateways
			n++
			return r, true
		})
	}
	return out
}

// stimulus is one request of a stimulus, its time and gateway left out.
func (p *Plan) stimulus(w StimulusWindow, system int, c caller, call scenarios.Call) Request {
	r := Request{
		System: system, Method: call.Method, Path: call.Path, Token: c.ref, Class: token.Valid, Scope: c.Scope,
		Slice: -1, Stimulus: w.Name,
	}
	if c.Never {
		r.Class = token.Fuzzed
	}
	return r
}
