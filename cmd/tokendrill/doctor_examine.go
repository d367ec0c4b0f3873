package main

import (
	"context"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/tokendrill/tokendrill/fixtures/specimens"
	"github.com/tokendrill/tokendrill/fixtures/traffic"
	"github.com/tokendrill/tokendrill/harness"
	"github.com/tokendrill/tokendrill/harness/measure"
	"github.com/tokendrill/tokendrill/scenarios"
)

// perform runs a scenario on a stage and returns the report.
func perform(ctx context.Context, sc *scenarios.Scenario, seed uint64, stage harness.Stage) (*measure.Report, error) {
	rec, err := traffic.Open(sc.Traffic.Recording)
	if err != nil {
		return nil, err
	}
	plan, err := harness.NewPlan(sc, rec, seed)
	if err != nil {
		return nil, err
	}
	result, err := harness.Run(ctx, plan, harness.Options{Stage: stage, Version: version})
	if err != nil {
		return nil, err
	}
	return result.Report, nil
}

// examine runs the specimens and, once for each scenario and pattern, what is
// sound. What decided nothing is run again, alone, when all others are done. After
// the end of ctx nothing that it returns means anything.
func (d *doctor) examine(ctx context.Context, chosen []specimens.Specimen, progress func(done, total int)) []finding {
	todo := examinations(chosen)
	outcomes := make([]outcome, len(todo))
	var mu sync.Mutex
	done := 0
	var g errgroup.Group
	g.SetLimit(d.jobs)
	progress(0, len(todo))
	for i, e := range todo {
		g.Go(func() error {
			outcomes[i] = d.carryOut(ctx, e)
			mu.Lock()
			defer mu.Unlock()
			done++
			progress(done, len(todo))
			return nil
		})
	}
	_ = g.Wait() // errors are among the outcomes
	for i, e := range todo {
		if ctx.Err() == nil && e.open(outcomes[i]) {
			outcomes[i] = d.carryOut(ctx, e)
		}
	}
	return findings(chosen, todo, outcomes)
}

// examinations are the runs that the specimens take.
func examinations(chosen []specimens.Specimen) []examination {
	var todo []examination
	for i := range chosen {
		s := &chosen[i]
		sound := examination{scenario: s.Scenario, pattern: s.Pattern}
		if !slices.Contains(todo, sound) {
			todo = append(todo, sound)
		}
		todo = append(todo, examination{s.Scenario, s.Pattern, s})
	}
	return todo
}

func (e examination) String() string {
	what := "sound " + e.pattern
	if e.specimen != nil {
		what = e.specimen.Name
	}
	return what + " in " + e.scenario
}

// open says whether a run has decided nothing.
func (e examination) open(o outcome) bool {
	switch {
	case o.err != nil:
		return false
	case e.specimen == nil:
		return o.soundness() == measure.Inconclusive
	}
	return caught(e.specimen.Want, o.report) == nil && o.escape() == measure.Inconclusive
}

// soundness is the verdict on a sound pattern: one that fails while the sender is
// late may be sound.
func (o outcome) soundness() measure.RunVerdict {
	if o.late && o.report.Verdict == measure.Fail {
		return measure.Inconclusive
	}
	return o.report.Verdict
}

// escape is the verdict on a specimen that was not caught: it may have been if the
// sender had not been late.
func (o outcome) escape() measure.RunVerdict {
	if o.late && (o.report.Verdict == measure.Pass || o.report.Verdict == measure.Fail) {
		return measure.Inconclusive
	}
	return o.report.Verdict
}

// finding is what the doctor has found about one specimen.
type finding struct {
	Specimen string `json:"specimen"`
	Bug      string `json:"bug,omitempty"`
	Source   string `json:"source"`
	Does     string `json:"does"`
	Pattern  string `json:"pattern"`
	Scenario string `json:"scenario"`
	// Caught says that the right gate failed for the right reason: Gate, of which
	// Evidence is the witness. Without, Evidence says what was found instead.
	Caught   bool   `json:"caught"`
	Gate     string `json:"gate,omitempty"`
	Evidence string `json:"evidence"`
	// Result is the verdict of the specimen's run, Sound that of the sound pattern's
	// in the same scenario, and SoundWhy what was wrong with that. A run that could
	// not take place has none.
	Result   measure.RunVerdict `json:"result"`
	Sound    measure.RunVerdict `json:"sound"`
	SoundWhy string             `json:"sound_why,omitempty"`
	Seconds  float64            `json:"seconds"`
}

// verdict is pass if the specimen was caught and the sound pattern green.
func (f finding) verdict() measure.RunVerdict {
	missed := !f.Caught && f.Result != measure.Inconclusive
	switch {
	case missed, f.Sound != measure.Pass && f.Sound != measure.Inconclusive:
		return measure.Fail
	case !f.Caught || f.Sound != measure.Pass:
		return measure.Inconclusive
	}
	return measure.Pass
}

func findings(chosen []specimens.Specimen, todo []examination, outcomes []outcome) []finding {
	of := func(e examination) outcome { return outcomes[slices.Index(todo, e)] }
	var found []finding
	for i := range chosen {
		s := &chosen[i]
		f := finding{Specimen: s.Name, Bug: s.Bug, Source: s.Source, Does: s.Does, Pattern: s.Pattern, Scenario: s.Scenario}
		f.broken(s.Want, of(examination{s.Scenario, s.Pattern, s}))
		f.sound(of(examination{scenario: s.Scenario, pattern: s.Pattern}))
		found = append(found, f)
	}
	return found
}

// broken notes how the specimen fared.
func (f *finding) broken(w specimens.Want, o outcome) {
	f.Seconds = o.seconds
	if o.err != nil {
		f.Evidence = o.err.Error()
		return
	}
	if gate := caught(w, o.report); gate != nil {
		f.Result, f.Caught, f.Gate, f.Evidence = o.report.Verdict, true, gate.Expr, evidence(w, gate, o.report)
		return
	}
	f.Result = o.escape()
	f.Evidence = wanted(w) + ", but " + o.happened()
}

// sound notes how the sound pattern fared.
func (f *finding) sound(o outcome) {
	if o.err != nil {
		f.SoundWhy = o.err.Error()
		return
	}
	if f.Sound = o.soundness(); f.Sound != measure.Pass {
		f.SoundWhy = o.happened()
	}
}

// caught returns the gate that a specimen has failed as it should, or nil.
func caught(w specimens.Want, r *measure.Report) *measure.Gate {
	for i := range r.Patterns {
		p := &r.Patterns[i]
		for g := range p.Gates {
			right := p.Gates[g].Verdict == measure.Fail && strings.HasPrefix(p.Gates[g].Metric, w.Metric)
			if right && (len(w.Causes) == 0 || witness(w, p) != nil) {
				return &p.Gates[g]
			}
		}
	}
	return nil
}

// witness is the first wrong decision of the kind and cause that is wanted, or nil.
func witness(w specimens.Want, p *measure.Pattern) *measure.Violation {
	kind, ok := strings.CutPrefix(w.Metric, "safety.")
	for i, v := range p.Violations {
		if ok && v.Kind+"s" == kind && (len(w.Causes) == 0 || slices.Contains(w.Causes, v.Cause)) {
			return &p.Violations[i]
		}
	}
	return nil
}
