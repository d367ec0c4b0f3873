package main

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/tokendrill/tokendrill/harness"
	"github.com/tokendrill/tokendrill/harness/containers"
	"github.com/tokendrill/tokendrill/harness/measure"
)

func TestExitCodes(t *testing.T) {
	for _, row := range []struct {
		name string
		err  error
		want int
	}{
		{"nothing wrong", nil, 0},
		{"every gate passed", verdict(&measure.Report{Verdict: measure.Pass}), 0},
		{"a gate failed", verdict(&measure.Report{Verdict: measure.Fail}), 1},
		{"input of the user's", badInput(errors.New("x")), 2},
		{"input of the user's, wrapped", fmt.Errorf("run: %w", badInput(errors.New("x"))), 2},
		{"a program that no container can run", fmt.Errorf("run: %w", &containers.Unsuited{Err: errors.New("x")}), 2},
		{"a gate is open", verdict(&measure.Report{Verdict: measure.Inconclusive}), 3},
		{"a verdict that is not known is no pass", verdict(&measure.Report{}), 3},
		{"no Docker engine", fmt.Errorf("run: %w", &containers.NoEngine{Err: errors.New("x")}), 4},
		{"anything else", errors.New("listen: address in use"), 4},
		{"stopped by a stop condition", verdict(&measure.Report{Verdict: measure.Stopped}), 5},
		{"faults left in place, whatever else", errors.Join(errors.New("x"), &harness.UndoError{Left: []string{"exec"}}), 6},
		{"faults left in place by heal", undoFailed{errors.New("x")}, 6},
		{"interrupted with a report", verdict(&measure.Report{Verdict: measure.Interrupted}), 130},
		{"interrupted without one", errors.Join(errInterrupted, nil), 130},
	} {
		t.Run(row.name, func(t *testing.T) { assert.Equal(t, row.want, exitCode(row.err)) })
	}
}

func TestErrorsAreOneLine(t *testing.T) {
	assert.Equal(t, "a; b", oneLine(errors.Join(errors.New("a"), errors.New("b"))))
}

// The command that a report gives runs again what was run, whatever the shell.
func TestWordsAreQuotedForAShell(t *testing.T) {
	for word, want := range map[string]string{
		"quick": "quick", "a/b-1.ndjson.gz": "a/b-1.ndjson.gz", "400/s": "400/s",
		"my log": "'my log'", "it's": `'it'\''s'`, "$(id)": "'$(id)'", "": "''",
	} {
		assert.Equal(t, want, quoted(word))
	}
}
