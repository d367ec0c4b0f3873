package scenarios

import (
	"fmt"
	"time"
)

// stimuli checks each stimulus, and that the routes give it what it needs.
func (r *review) stimuli() {
	for i, s := range r.Stimuli {
		path := fmt.Sprintf("stimuli[%d]", i)
		r.choice(s.Name, StimulusNames(), path+".name")
		if s.Pattern != "" {
			r.choice(s.Pattern, r.Patterns, path+".pattern")
		}
		r.must(s.Rate > 0 && s.Rate <= maxRate, path+".rate", "%s.rate is %v; expected more than 0/s, at most %d/s", path, s.Rate, maxRate)
		between(r, s.Tokens, 0, 10_000, path+".tokens")
		between(r, s.For, 0, maxPhase, path+".for")
		r.during(s.At, max(s.For, s.shortest(r.Routes)), time.Millisecond, path)
		length := s.For
		if length == 0 {
			length = r.RevocationPhase() - s.At
		}
		r.must(length <= 0 || s.Callers(length) <= s.Fits(length), path+".rate", "%s.rate is %v; expected more, or fewer tokens: not even %d can meet every gateway in %v", path, s.Rate, s.Callers(length), length)
		if spec, ok := FindStimulus(s.Name); ok {
			r.must(r.provides(s.Name), path+".name", "%s.name %s needs routes that the scenario does not have; expected %s that a request can reach", path, quote(s.Name), spec.Needs)
		}
	}
}

// provides says whether the routes have what a stimulus needs.
func (s *Scenario) provides(stimulus string) bool {
	ok := true
	switch stimulus {
	case ScopeChange:
		_, _, ok = s.ScopeCalls()
	case AudienceChange, TwoTenants:
		_, _, ok = s.AudienceCalls()
	case JustExpired:
		_, ok = s.GraceCall()
	case StepUp:
		_, ok = s.StepUpCall()
	}
	return ok
}

// ShortLife is how long the tokens live whose exp a stimulus is about: exp is told
// in whole seconds, so that a life of two is one at least.
const ShortLife = 2 * time.Second

// shortest is the least time that a stimulus takes to show anything.
func (s Stimulus) shortest(routes []Route) time.Duration {
	switch s.Name {
	case Expiring:
		return s.Span(0)
	case JustExpired:
		longest := time.Duration(0)
		for _, r := range routes {
			longest = max(longest, r.Grace)
		}
		return s.Span(longest)
	}
	return time.Millisecond
}

// Leeway is how far clocks may lie apart: tokens are taken for that long after exp.
// A shorter grace shows nothing.
const Leeway = time.Second

// Span is how long each token of a stimulus about exp is used: its life, the leeway
// or the grace of the route, and a second more.
func (Stimulus) Span(grace time.Duration) time.Duration {
	return ShortLife + max(grace, Leeway) + time.Second
}
