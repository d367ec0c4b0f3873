package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/tokendrill/tokendrill/harness"
	"github.com/tokendrill/tokendrill/harness/containers"
	"github.com/tokendrill/tokendrill/harness/external"
	"github.com/tokendrill/tokendrill/harness/measure"
)

// Exit codes. They are part of the interface: a pipeline may rely on them.
const (
	exitPass         = 0   // every gate passed
	exitFail         = 1   // a gate failed
	exitUsage        = 2   // the command line or an input file is wrong
	exitInconclusive = 3   // a gate could not be decided, or the run is not valid
	exitHarness      = 4   // the environment or the harness failed
	exitStopped      = 5   // a stop condition ended the run
	exitUndo         = 6   // a fault is still in place
	exitInterrupted  = 130 // interrupted, and undone
)

// exitCodes are the codes in words, for "tokendrill list exit-codes".
var exitCodes = []struct {
	code  int
	means string
}{
	{exitPass, "pass: every gate passed"},
	{exitFail, "a gate failed; its witness is in the report"},
	{exitUsage, "the command line or an input file is wrong"},
	{exitInconclusive, "inconclusive or invalid: no samples, too few, or a late sender is never a pass"},
	{exitHarness, "the environment or the harness failed"},
	{exitStopped, "stopped by a stop condition of the scenario, and undone; the report is partial"},
	{exitUndo, "undo is incomplete, a fault is still in place: tokendrill heal"},
	{exitInterrupted, "interrupted and undone; the report is partial"},
}

// judged ends a command whose verdict was printed: only the exit code is left.
type judged struct{ verdict measure.RunVerdict }

func (j judged) Error() string { return string(j.verdict) }

// verdict is how a command ends that has printed a report.
func verdict(r *measure.Report) error {
	if r.Verdict == measure.Pass {
		return nil
	}
	return judged{r.Verdict}
}

// errInterrupted ends a run that was interrupted before its first request.
var errInterrupted = errors.New("interrupted before anything was measured; there is no report")

// undoFailed ends an undo that has left something in place.
type undoFailed struct{ error }

func (e undoFailed) Unwrap() error { return e.error }

// inputError is the user's to mend: exit code 2.
type inputError struct{ error }

func (e inputError) Unwrap() error { return e.error }

// badInput marks an error as the user's to mend.
func badInput(err error) error {
	if err == nil {
		return nil
	}
	return inputError{err}
}

// exitCode is the exit code of a command that ended with err.
func exitCode(err error) int {
	var j judged
	switch {
	case err == nil:
		return exitPass
	case errors.As(err, new(*harness.UndoError)), errors.As(err, new(undoFailed)): // whatever else, this must be mended
		return exitUndo
	case errors.As(err, &j):
		return verdictCode(j.verdict)
	case errors.As(err, new(inputError)), errors.As(err, new(*external.Mistake)), errors.As(err, new(*containers.Unsuited)):
		return exitUsage
	case errors.Is(err, errInterrupted):
		return exitInterrupted
	}
	return exitHarness
}

func verdictCode(v measure.RunVerdict) int {
	switch v {
	case measure.Pass:
		return exitPass
	case measure.Fail:
		return exitFail
	case measure.Stopped:
		return exitStopped
	case measure.Interrupted:
		return exitInterrupted
	}
	return exitInconclusive
}

// args checks how many positional arguments there are.
func args(least, most int) cobra.PositionalArgs {
	return func(c *cobra.Command, a []string) error {
		switch {
		case len(a) < least:
			return badInput(fmt.Errorf("an argument is missing; usage: %s", c.UseLine()))
		case len(a) > most:
			return badInput(fmt.Errorf("unexpected argument %q; usage: %s", a[most], c.UseLine()))
		}
		return nil
	}
}
