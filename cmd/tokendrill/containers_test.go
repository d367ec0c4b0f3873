//go:build unix

package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/fixtures/undisturbed"
	"github.com/tokendrill/tokendrill/harness/containers"
)

// built builds tokendrill once as containers take it. The test binary is not static.
var built = sync.OnceValues(func() (path string, err error) {
	if builtIn, err = os.MkdirTemp("", "tokendrill-test-"); err != nil {
		return "", err
	}
	path = filepath.Join(builtIn, "tokendrill")
	build := exec.Command("go", "build", "-buildvcs=false", "-trimpath", "-ldflags=-s -w", "-o", path, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+runtime.GOARCH)
	if text, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, text)
	}
	return path, nil
})

// contained is a tokendrill of its own that may have a stage of containers.
type contained struct {
	*exec.Cmd
	state string
	said  bytes.Buffer  // by what is read of it
	read  chan struct{} // closed at the end of that
}

// onContainers prepares a command line. It skips without an engine.
func onContainers(t *testing.T, args ...string) *contained {
	t.Helper()
	if err := containers.Reachable(t.Context()); err != nil {
		t.Skip(err)
	}
	binary, err := built()
	require.NoError(t, err)
	c := &contained{Cmd: exec.Command(binary, args...)}
	c.Dir = t.TempDir()
	c.state = filepath.Join(c.Dir, "state")
	c.Env = append(os.Environ(), "TOKENDRILL_STATE="+c.state)
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	require.NoError(t, os.WriteFile(filepath.Join(c.Dir, "frozen.yaml"), []byte(frozen), 0o600))
	t.Cleanup(func() { c.clear(t) })
	return c
}

// frozen is a run long enough to be ended, with a container that stands still.
const frozen = `
name: frozen
about: a gateway whose container is paused
patterns: [cache]
traffic: {recording: sample, rate: 20/s, rounds: 1, slice: 100ms}
revocations: {tokens: 3, every: 50ms, first_gap: 10ms, growth: 10%, rate: 10/s, window: 30s}
settings: {cache: {timeout: 5s}}
faults: [{name: container.pause, node: gateway, gateway: gw-1, at: 100ms, for: 30s}]
gates: [safety.false_accepts == 0]
`

// clear kills the process if it is still there, and takes its containers away.
func (c *contained) clear(t *testing.T) {
	if c.Process == nil {
		return
	}
	c.Process.Kill()
	c.end()
	for _, s := range c.stages(t) {
		assert.NoError(t, containers.Prune(context.Background(), containers.PruneOptions{ID: s.ID}))
	}
}

// stages are those on the engine that the process has, or had.
func (c *contained) stages(t *testing.T) []containers.Info {
	t.Helper()
	all, err := containers.List(context.Background())
	require.NoError(t, err)
	here, err := os.Hostname()
	require.NoError(t, err)
	owner := fmt.Sprintf("%s/%d", here, c.Process.Pid)
	return slices.DeleteFunc(all, func(s containers.Info) bool { return s.Owner != owner })
}

// stage is the one that it has.
func (c *contained) stage(t *testing.T) containers.Info {
	t.Helper()
	all := c.stages(t)
	require.Len(t, all, 1)
	return all[0]
}

// until starts it and waits for the beginning of a line that it writes to out.
func (c *contained) until(t *testing.T, out func() (io.ReadCloser, error), line string) (said string) {
	t.Helper()
	pipe, err := out()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	c.read = make(chan struct{})
	defer func() {
		go func() {
			defer close(c.read)
			io.Copy(&c.said, pipe)
		}()
	}()
	for lines := bufio.NewScanner(io.TeeReader(pipe, &c.said)); lines.Scan(); {
		said += lines.Text() + "\n"
		if strings.HasPrefix(lines.Text(), line) {
			return said
		}
	}
	require.Fail(t, "no line "+line, said)
	return ""
}

// end waits for its end; it may have been waited for.
func (c *contained) end() error {
	if c.read != nil {
		<-c.read
	}
	return c.Wait()
}

// also carries out another command line of the same program in the same folder.
func (c *contained) also(t *testing.T, args ...string) (code int, said string) {
	t.Helper()
	other := exec.Command(c.Path, args...)
	other.Dir, other.Env = c.Dir, c.Env
	out, err := other.CombinedOutput()
	require.NotNil(t, other.ProcessState, err)
	return other.ProcessState.ExitCode(), string(out)
}

func TestAnInterruptedRunLeavesNoContainer(t *testing.T) {
	undisturbed.Long(t, "starts containers")
	for _, row := range []struct{ when, line string }{
		{"while its containers are made", "starting 7 containers"},
		{"while its roles are told what to be", "starting the roles"},
		{"while it measures, with a container paused", "during: "},
	} {
		t.Run(row.when, func(t *testing.T) {
			c := onContainers(t, "run", "frozen.yaml", "--stage", "containers")
			c.until(t, c.StderrPipe, row.line)
			time.Sleep(500 * time.Millisecond) // into the middle of it
			require.NoError(t, c.Process.Signal(os.Interrupt))
			c.end()
			assert.Equal(t, exitInterrupted, c.ProcessState.ExitCode(), c.said.String())
			assert.Empty(t, c.stages(t))
			requireNothingLeft(t, c.state)
		})
	}
}

func TestWhatAKilledRunLeavesIsPruned(t *testing.T) {
	undisturbed.Long(t, "starts containers")
	c := onContainers(t, "run", "frozen.yaml", "--stage", "containers")
	c.until(t, c.StderrPipe, "starting the roles")
	s := c.stage(t)
	code, said := c.also(t, "stage", "prune", "--id", s.ID)
	assert.Equal(t, exitUsage, code)
	assert.Equal(t, fmt.Sprintf("tokendrill: stage %s is in use, run of %s; --all removes it all the same\n", s.ID, s.Owner), said)

	require.NoError(t, syscall.Kill(-c.Process.Pid, syscall.SIGKILL))
	c.end()
	code, said = c.also(t, "stage", "status", "--stage", "containers")
	assert.Equal(t, exitPass, code, said)
	assert.Contains(t, said, s.ID+"  run of "+s.Owner+", left behind, since ")
	assert.Contains(t, said, "next  tokendrill stage prune    removes what is left behind\n")
	code, said = c.also(t, "stage", "prune", "--id", s.ID)
	assert.Equal(t, exitPass, code, said)
	assert.Regexp(t, "(?m)^removed stage "+s.ID+" ", said)
	assert.Empty(t, c.stages(t))
	code, said = c.also(t, "stage", "prune", "--id", s.ID)
	assert.Equal(t, exitPass, code, said)
	assert.Equal(t, "nothing to prune\n", said)
}

// A fault of a container outlives the run. Nobody but its watchdog is there to act.
func TestTheWatchdogTakesABrokenStageAway(t *testing.T) {
	undisturbed.Long(t, "starts containers")
	requireProc(t)
	for _, row := range []struct {
		name   string
		signal syscall.Signal
	}{
		{"of a run that was killed", syscall.SIGKILL},
		{"of a run that hangs", syscall.SIGSTOP},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := onContainers(t, "run", "frozen.yaml", "--stage", "containers")
			c.until(t, c.StderrPipe, "during: ")
			paused := func(b containers.Box) bool { return b.State == "paused" }
			require.Eventually(t, func() bool { return slices.ContainsFunc(c.stage(t).Boxes, paused) }, time.Minute, 50*time.Millisecond)
			require.NoError(t, syscall.Kill(-c.Process.Pid, row.signal))
			require.Eventually(t, func() bool { return len(c.stages(t)) == 0 }, time.Minute, 200*time.Millisecond, "the stage stays")
			_ = c.Process.Signal(syscall.SIGCONT) // to one that is dead if it was killed
			c.end()
			if row.signal == syscall.SIGSTOP {
				assert.Equal(t, exitHarness, c.ProcessState.ExitCode(), c.said.String())
				assert.Contains(t, c.said.String(), "tokendrill: attack: undo journal: the lease ran out and the watchdog has healed the faults\n")
			}
			requireNothingLeft(t, c.state)
		})
	}
}

func TestAStageOfContainersIsUpUntilItIsToldToEnd(t *testing.T) {
	undisturbed.Long(t, "starts containers")
	c := onContainers(t, "stage", "up", "--stage", "containers", "--patterns", "cache")
	sheet := c.until(t, c.StdoutPipe, "ready ")
	out, err := pasted(c.Dir, sheet)
	require.NoError(t, err, "%s", out)
	assert.Regexp(t, afterPasting, out)
	code, said := c.also(t, "target", "check", "stage/cache.yaml")
	assert.Equal(t, exitPass, code, said)

	s := c.stage(t)
	assert.Equal(t, forUp, s.For)
	assert.Regexp(t, `(?m)^stage quick: 1 patterns x 3 gateways, containers \(`, sheet)
	code, said = c.also(t, "stage", "status", "--stage", "containers")
	assert.Equal(t, exitPass, code, said)
	assert.Contains(t, said, s.ID+"  stage up of "+s.Owner+", alive, since ")
	require.GreaterOrEqual(t, len(s.Boxes), 6)
	for _, b := range s.Boxes {
		assert.Regexp(t, `(?m)^  `+b.Node+` +running +`+b.URL+`$`, said)
		if b.Node == "authority" || strings.HasPrefix(b.Node, "cache/") {
			assert.Contains(t, sheet, b.URL)
		}
	}
	require.NoError(t, c.Process.Signal(os.Interrupt))
	require.NoError(t, c.end())
	assert.Empty(t, c.stages(t))
	assert.NoDirExists(t, filepath.Join(c.Dir, "stage"))
}

func TestDownEndsAStageOfContainers(t *testing.T) {
	undisturbed.Long(t, "starts containers")
	c := onContainers(t, "stage", "up", "--stage", "containers", "--patterns", "cache")
	c.until(t, c.StdoutPipe, "ready ")
	s := c.stage(t)
	ended := make(chan error, 1)
	go func() { ended <- c.end() }()
	var said bytes.Buffer
	require.NoError(t, downOne(t.Context(), &said, s)) // and not those of other people, as the command would
	assert.NoError(t, <-ended)
	assert.Equal(t, fmt.Sprintf("ending   process %d of stage %s\ndown     stage %s\n", c.Process.Pid, s.ID, s.ID), said.String())
	assert.Empty(t, c.stages(t))
	assert.NoDirExists(t, filepath.Join(c.Dir, "stage"))
}

func TestDownCleansUpAfterAKilledStageOfContainers(t *testing.T) {
	undisturbed.Long(t, "starts containers")
	c := onContainers(t, "stage", "up", "--stage", "containers", "--patterns", "cache")
	c.until(t, c.StdoutPipe, "ready ")
	s := c.stage(t)
	c.Process.Kill()
	c.end()
	code, said := c.also(t, "stage", "status")
	assert.Equal(t, exitPass, code, said)
	assert.Regexp(t, `^killed   process \d+ of stage, `, said)
	code, said = c.also(t, "stage", "down")
	assert.Equal(t, exitPass, code, said)
	assert.Regexp(t, `^cleaned  stage: .*\nremoved stage `+s.ID+" ", said)
	assert.Empty(t, c.stages(t))
	assert.NoDirExists(t, filepath.Join(c.Dir, "stage"))
}

// A test binary under the race detector is not static, nor is a text.
func TestABinaryThatNoContainerCanRunIsRefused(t *testing.T) {
	undisturbed.Long(t, "starts containers")
	c := onContainers(t, "run", "frozen.yaml", "--stage", "containers", "--binary", "frozen.yaml")
	out, _ := c.CombinedOutput() // the exit code says it
	assert.Equal(t, exitUsage, c.ProcessState.ExitCode())
	assert.Contains(t, string(out), "tokendrill: start the stage: frozen.yaml cannot run in a container: it is no program for Linux: ")
	assert.Contains(t, string(out), "; build one that can: CGO_ENABLED=0 GOOS=linux GOARCH="+runtime.GOARCH+" go build -o tokendrill ./cmd/tokendrill, and name it with --binary\n")
	assert.NoDirExists(t, filepath.Join(c.Dir, outRoot))
	assert.Empty(t, c.stages(t))
}
