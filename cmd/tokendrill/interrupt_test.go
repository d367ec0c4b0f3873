//go:build unix

package main

import (
	"bufio"
	"bytes"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/harness/measure"
)

// interrupted starts a run, sends the signals once a line of its progress begins
// with at, and returns the folder it ran in and how it ended.
func interrupted(t *testing.T, at string, signals ...os.Signal) (dir string, code int, stdout, stderr string) {
	t.Helper()
	c := command(t, "run")
	var out, errs bytes.Buffer
	c.Stdout = &out
	pipe, err := c.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	var sent time.Time
	lines := bufio.NewScanner(io.TeeReader(pipe, &errs))
	for lines.Scan() {
		if !sent.IsZero() || !strings.HasPrefix(lines.Text(), at) {
			continue
		}
		sent = time.Now()
		for _, s := range signals {
			require.NoError(t, c.Process.Signal(s))
			time.Sleep(20 * time.Millisecond) // or two signals become one
		}
	}
	_ = c.Wait() // the exit code says it
	require.False(t, sent.IsZero(), "no line %q in %s", at, errs.String())
	assert.Less(t, time.Since(sent), 20*time.Second, "the rest of the run was waited for")
	assert.NotContains(t, errs.String(), "panic")
	assert.NotContains(t, errs.String(), "DATA RACE")
	return c.Dir, c.ProcessState.ExitCode(), out.String(), errs.String()
}

func TestInterruptLeavesAPartialReport(t *testing.T) {
	for _, row := range []struct {
		name    string
		signals []os.Signal
	}{
		{"Ctrl-C", []os.Signal{os.Interrupt}},
		{"Ctrl-C again and again", []os.Signal{os.Interrupt, os.Interrupt, os.Interrupt}},
		{"a polite kill", []os.Signal{syscall.SIGTERM}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			dir, code, stdout, stderr := interrupted(t, "latency: ", row.signals...)
			assert.Equal(t, exitInterrupted, code, stderr)
			assert.Regexp(t, `(?m)^INTERRUPTED `, stdout)
			assert.NotContains(t, stderr, "tokendrill: ")

			dir = filepath.Join(dir, "tokendrill-out", "quick-7")
			report, err := measure.LoadReport(filepath.Join(dir, "report.json"))
			require.NoError(t, err)
			assert.Equal(t, measure.Interrupted, report.Verdict)
			assert.Contains(t, strings.Join(report.Validity.Reasons, " "), "interrupted after")
			page, err := os.ReadFile(filepath.Join(dir, "report.html"))
			require.NoError(t, err)
			assert.Contains(t, string(page), "INTERRUPTED")
			assert.True(t, bytes.HasSuffix(bytes.TrimSpace(page), []byte("</html>")))

			history, err := os.ReadFile(filepath.Join(dir, "history.ndjson"))
			require.NoError(t, err)
			assert.True(t, bytes.HasSuffix(history, []byte("}\n")), "the history ends in the middle of a line")
			code, _, _ = tokendrill("check", filepath.Join(dir, "history.ndjson"))
			assert.NotEqual(t, exitPass, code, "half a history is no pass")
		})
	}
}

func TestInterruptBeforeTheMeasurementLeavesNothing(t *testing.T) {
	t.Parallel()
	dir, code, stdout, stderr := interrupted(t, "starting", os.Interrupt)
	assert.Equal(t, exitInterrupted, code)
	assert.Empty(t, stdout)
	assert.True(t, strings.HasSuffix(stderr, "\ntokendrill: interrupted before anything was measured; there is no report\n"), stderr)
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, left)
}

// restless has something in the way at every moment: faults that begin and end,
// and an inject command that takes its time.
const restless = `
name: restless
about: faults come and go
patterns: [remote, registry]
traffic: {recording: sample, rate: 50/s, rounds: 1, slice: 100ms}
revocations: {tokens: 2, every: 50ms, first_gap: 10ms, growth: 10%, rate: 20/s, window: 1s}
settings: {registry: {staleness: 500ms, heartbeat: 100ms}}
faults:
  - {name: exec, at: 50ms, for: 800ms, inject: [touch, one], heal: [rm, -f, one]}
  - {name: exec, at: 200ms, for: 300ms, inject: [sh, -c, touch two; sleep 0.3; touch more], heal: [rm, -f, two, more]}
  - {name: link.cut, link: gateway-registry, at: 300ms, for: 300ms}
gates: [safety.false_accepts == 0]
`

// Whenever the user presses Ctrl-C, no fault, no process and no entry of the undo
// journal is left.
func TestAnInterruptAtAnyMomentLeavesNothingInPlace(t *testing.T) {
	requireProc(t)
	moments, rng := 50, rand.New(rand.NewPCG(3, 0))
	if testing.Short() {
		moments = 4
	}
	for range moments {
		at := time.Duration(rng.Int64N(int64(3 * time.Second)))
		t.Run(at.String(), func(t *testing.T) {
			t.Parallel()
			c := command(t, "run", "restless.yaml")
			require.NoError(t, os.WriteFile(filepath.Join(c.Dir, "restless.yaml"), []byte(restless), 0o600))
			state := filepath.Join(c.Dir, "state")
			c.Env = append(os.Environ(), "TOKENDRILL_STATE="+state)
			c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			var stderr bytes.Buffer
			c.Stderr = &stderr
			require.NoError(t, c.Start())
			time.Sleep(at)
			_ = syscall.Kill(-c.Process.Pid, syscall.SIGINT) // it may have come to its end
			c.Wait()
			if stderr.Len() > 0 { // else it had not begun, and the signal has simply ended it
				assert.Contains(t, []int{exitInterrupted, exitPass, exitInconclusive}, c.ProcessState.ExitCode(), stderr.String())
			}
			for _, name := range []string{"one", "two", "more"} {
				assert.NoFileExists(t, filepath.Join(c.Dir, name))
			}
			requireNothingLeft(t, state)
		})
	}
}
