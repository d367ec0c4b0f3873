package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/tokendrill/tokendrill/fixtures/pattern"
	"github.com/tokendrill/tokendrill/fixtures/specimens"
	"github.com/tokendrill/tokendrill/harness"
	"github.com/tokendrill/tokendrill/harness/measure"
	"github.com/tokendrill/tokendrill/scenarios"
)

// doctor runs broken verifiers against the scenarios that must catch them.
type doctor struct {
	specimens []specimens.Specimen
	// load finds a scenario by name.
	load func(name string) (*scenarios.Scenario, error)
	// sound replaces what passes for sound; nil is the stage's own.
	sound func(pattern.Parts) pattern.Verifier
	// late is how late a sender may be at p95: what is not sent in time meets no
	// fault and no stale entry, so that nothing looks wrong with anybody.
	late time.Duration
	jobs int
	seed uint64
	json bool
}

func doctorCommand() *cobra.Command {
	return (&doctor{specimens: specimens.List(), load: shipped, late: mostLate}).command()
}

// mostLate is some ten times what a sender is late on a machine that keeps up.
const mostLate = 50 * time.Millisecond

func shipped(name string) (*scenarios.Scenario, error) { return scenarios.Load(name) }

func (d *doctor) command() *cobra.Command {
	c := &cobra.Command{
		Use:   "doctor [SPECIMEN]...",
		Short: "Test the scenarios themselves, with verifiers that are known to be broken",
		Long: `doctor runs each specimen, a verifier with a bug that somebody has shipped, against
the scenario that must catch it, and the sound pattern against the same scenario.
All is well if each specimen fails for the reason that it should, and each sound
pattern passes. A run that decides nothing is done once more, alone.`,
		Example:           "  tokendrill doctor\n  tokendrill doctor key-prefix ttl-slides\n  tokendrill doctor --json",
		ValidArgsFunction: d.complete,
		RunE:              d.run,
	}
	flags := c.Flags()
	flags.IntVar(&d.jobs, "jobs", 3, "how many runs at a time")
	flags.Uint64Var(&d.seed, "seed", 7, "seed of everything that is drawn")
	flags.BoolVar(&d.json, "json", false, "print the findings as JSON")
	return c
}

func (d *doctor) complete(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return d.names(), cobra.ShellCompDirectiveNoFileComp
}

func (d *doctor) names() []string {
	var names []string
	for _, s := range d.specimens {
		names = append(names, s.Name)
	}
	return names
}

// run does what the command line says.
func (d *doctor) run(c *cobra.Command, names []string) error {
	chosen, err := d.choose(names)
	if err != nil {
		return badInput(err)
	}
	if d.jobs < 1 {
		return badInput(fmt.Errorf("--jobs is %d; expected 1 or more", d.jobs))
	}
	ctx, stop := signal.NotifyContext(c.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	show := newProgress(c.ErrOrStderr())
	began := time.Now()
	found := d.examine(ctx, chosen, func(done, total int) {
		show.update(harness.Progress{Doing: "runs", Done: done, Total: total, Elapsed: time.Since(began)})
	})
	show.done()
	if ctx.Err() != nil {
		return errInterrupted
	}
	if d.json {
		out := json.NewEncoder(c.OutOrStdout())
		out.SetIndent("", "  ")
		err = out.Encode(found)
	} else {
		err = printFindings(c.OutOrStdout(), found, time.Since(began))
	}
	return errors.Join(err, judgement(found))
}

// choose returns the specimens of these names, or all.
func (d *doctor) choose(names []string) ([]specimens.Specimen, error) {
	if len(names) == 0 {
		return d.specimens, nil
	}
	var chosen []specimens.Specimen
	for _, name := range names {
		i := slices.IndexFunc(d.specimens, func(s specimens.Specimen) bool { return s.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("no specimen %q; near: %s", name, strings.Join(measure.Nearest(name, d.names()), ", "))
		}
		chosen = append(chosen, d.specimens[i])
	}
	return chosen, nil
}

// judgement is how the command ends: a specimen that got away is a failure.
func judgement(found []finding) error {
	worst := measure.Pass
	for _, f := range found {
		switch v := f.verdict(); {
		case v == measure.Fail:
			return judged{v}
		case v != measure.Pass:
			worst = v
		}
	}
	if worst == measure.Pass {
		return nil
	}
	return judged{worst}
}

// narrowed is a scenario for one of its patterns.
func (d *doctor) narrowed(name, only string) (*scenarios.Scenario, error) {
	sc, err := d.load(name)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(sc.Patterns, only) {
		return nil, fmt.Errorf("scenario %s does not run %s, but %s", name, only, strings.Join(sc.Patterns, ", "))
	}
	other := func(p string) bool { return p != "" && p != only }
	sc.Patterns = []string{only}
	sc.Stimuli = slices.DeleteFunc(sc.Stimuli, func(s scenarios.Stimulus) bool { return other(s.Pattern) })
	sc.Faults = slices.DeleteFunc(sc.Faults, func(f scenarios.Fault) bool { return other(f.Pattern) })
	sc.References = slices.DeleteFunc(sc.References, func(r scenarios.Reference) bool { return other(r.Pattern) })
	sc.Gates = slices.DeleteFunc(sc.Gates, func(expr string) bool {
		g, err := measure.ParseGate(expr)
		return err == nil && !g.Applies(only)
	})
	sc.AbortWhen = slices.DeleteFunc(sc.AbortWhen, func(expr string) bool {
		s, err := measure.ParseStop(expr)
		return err == nil && other(s.Pattern)
	})
	if err := sc.Validate(); err != nil {
		return nil, fmt.Errorf("scenario %s for %s alone: %w", name, only, err)
	}
	return sc, nil
}

// examination is one run of the doctor: a specimen, or the sound pattern.
type examination struct {
	scenario, pattern string
	specimen          *specimens.Specimen // nil for the sound pattern
}

// outcome is what came of an examination: a report, or why there is none.
type outcome struct {
	report  *measure.Report
	err     error
	late    bool // the sender was
	seconds float64
}

func (d *doctor) carryOut(ctx context.Context, e examination) outcome {
	sc, err := d.narrowed(e.scenario, e.pattern)
	if err != nil {
		return outcome{err: err}
	}
	stage := harness.Embedded{Verifier: d.sound}
	if e.specimen != nil {
		stage = harness.Embedded{Verifier: e.specimen.Verifier, Authority: e.specimen.Authority}
	}
	began := time.Now()
	report, err := perform(ctx, sc, d.seed, stage)
	o := outcome{report: report, err: err, seconds: time.Since(began).Seconds()}
	if err == nil && report.Sender.Lag.P95 != nil {
		o.late = *report.Sender.Lag.P95 > float64(d.late)/float64(time.Millisecond)
	}
	return o
}
