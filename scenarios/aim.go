package scenarios

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tokendrill/tokendrill/fixtures/traffic"
)

// Given is what the caller of ParseFor brings to a scenario.
type Given struct {
	// Irreversible are the faults that may stay without an undo.
	Irreversible []string
	// Targets are systems of the user's own to measure. With any, the reference
	// patterns that run beside them are Patterns, whatever the scenario says.
	Targets  []*Target
	Patterns []string
	// Midway are names of the targets' faults to inject in the middle third of the
	// revocation phase, each for as long.
	Midway []string
	// Hosts are those beyond loopback that the calls of faults may go to.
	Hosts []string
}

// Own is the scenario that measures targets when no other is named: the probe of
// each, its revocations, and gates that every sound system keeps.
func Own(g Given) (*Scenario, error) {
	s := defaults()
	s.Name = "targets"
	if len(g.Targets) == 1 {
		s.Name = g.Targets[0].Name
	}
	var names []string
	for _, t := range g.Targets {
		names = append(names, t.Name)
	}
	s.About = "How fast " + strings.Join(names, ", ") + " checks tokens, how long a revoked one lives there, and whether a decision is ever wrong."
	s.Traffic.Recording, s.Traffic.Rate, s.Tokens.Fuzz = traffic.ProbeName, ownRate, ownFuzz
	s.Revoke.Every, s.Revoke.Rate = ownEvery, ownMeanwhile
	s.Gates = []string{"safety.false_accepts == 0", "safety.false_rejects == 0", "revoke.resurrections == 0"}
	s.complete()
	return s, s.finish(g, &document{file: s.Name})
}

// What a run of targets begins with, before it is made to fit their limits.
const (
	ownRate      = 200
	ownFuzz      = 0.05
	ownEvery     = 150 * time.Millisecond
	ownMeanwhile = 10
)

// finish takes what the caller brings, and checks all of it together.
func (s *Scenario) finish(g Given, doc *document) error {
	s.irreversible = g.Irreversible
	if len(g.Targets) > 0 {
		s.Patterns, s.Targets = slices.Clone(g.Patterns), g.Targets
	}
	if err := s.own(); err != nil {
		return err
	}
	for _, name := range g.Midway {
		f, ok := s.ownFault(name)
		if !ok {
			return fmt.Errorf("no target has a fault called %s; expected %s", quote(name), oneOf(s.ownFaults()))
		}
		f.midway = true
		s.Faults = append(s.Faults, f)
	}
	for i := range s.Faults {
		s.Faults[i].Hosts = g.Hosts
	}
	s.Midway()
	return validate(s, doc)
}

// own puts the targets' faults in the place of those that the scenario calls by
// their names.
func (s *Scenario) own() error {
	var names []string
	for _, t := range s.Targets {
		if slices.Contains(names, t.Name) {
			return fmt.Errorf("two targets are called %s; expected a name for each", quote(t.Name))
		}
		names = append(names, t.Name)
	}
	for i, f := range s.Faults {
		if mine, ok := s.ownFault(f.Name); ok {
			mine.At, mine.For = f.At, f.For
			s.Faults[i] = mine
		}
	}
	return nil
}

// ownFault is the first target's fault of that name, in words of the
// catalogue.
func (s *Scenario) ownFault(name string) (Fault, bool) {
	for _, t := range s.Targets {
		for _, f := range t.Faults {
			if f.Name == name {
				return f.fault(t.Name), true
			}
		}
	}
	return Fault{}, false
}

func (s *Scenario) ownFaults() []string {
	var out []string
	for _, t := range s.Targets {
		for _, f := range t.Faults {
			out = append(out, f.Name)
		}
	}
	if len(out) == 0 {
		out = []string{"a target file with faults"}
	}
	return out
}

// fault is the fault in words of the catalogue.
func (f TargetFault) fault(target string) Fault {
	out := Fault{Name: "exec", Inject: f.Inject, Heal: f.Heal, As: f.Name + " of " + target}
	if f.InjectCall != nil {
		out.Name, out.InjectCall, out.HealCall = "call", f.InjectCall, f.HealCall
	}
	return out
}

// Midway puts the faults that were asked for without a time in the middle third of
// the revocations. It is to be called again when their number or pace has changed.
func (s *Scenario) Midway() {
	from := s.Lead()
	third := s.RevocationPhase() / 3
	for i := range s.Faults {
		if s.Faults[i].midway {
			s.Faults[i].At, s.Faults[i].For = max(from, third), third
		}
	}
}

// Names are what is measured, in the order of the report: the patterns, then the targets.
func (s *Scenario) Names() []string {
	out := slices.Clone(s.Patterns)
	for _, t := range s.Targets {
		out = append(out, t.Name)
	}
	return out
}

// target is the target of that name, or nil.
func (s *Scenario) target(name string) *Target {
	for _, t := range s.Targets {
		if t.Name == name {
			return t
		}
	}
	return nil
}
