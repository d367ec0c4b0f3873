//go:build unix

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/chaos"
	"github.com/tokendrill/tokendrill/fixtures/undisturbed"
)

// drill is a run in a folder of its own that breaks a victim.
type drill struct {
	*exec.Cmd
	state  string
	victim int // its process
	stderr bytes.Buffer
}

// breaking has a fault that stops a process with a signal, for long enough.
const breaking = `
name: breaking
about: a process that is stopped for a while
patterns: [remote]
traffic: {recording: sample, rate: 50/s, rounds: 1, slice: 100ms}
revocations: {tokens: 3, every: 50ms, first_gap: 10ms, growth: 10%, rate: 10/s, window: 30s}
faults: [{name: exec, at: 100ms, for: 30s, inject: [kill, -STOP, "PID"], heal: [kill, -CONT, "PID"]}]
gates: [safety.false_accepts == 0]
`

// startDrill starts a victim and a run that breaks it, and waits until it has.
func startDrill(t testing.TB) *drill {
	t.Helper()
	v := exec.Command("sleep", "600")
	require.NoError(t, v.Start())
	t.Cleanup(func() { v.Process.Kill(); v.Wait() })

	d := &drill{Cmd: command(t, "run", "breaking.yaml"), victim: v.Process.Pid}
	scenario := strings.ReplaceAll(breaking, "PID", strconv.Itoa(v.Process.Pid))
	require.NoError(t, os.WriteFile(filepath.Join(d.Dir, "breaking.yaml"), []byte(scenario), 0o600))
	d.state = filepath.Join(d.Dir, "state")
	d.Env = append(os.Environ(), "TOKENDRILL_STATE="+d.state)
	d.Stderr = &d.stderr
	d.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	require.False(t, d.broken())
	require.NoError(t, d.Start())
	t.Cleanup(func() { d.Process.Kill(); d.Wait() })
	injected := func() bool { return d.broken() && len(processes(d.state)) == 2 } // and its command has ended
	if !assert.Eventually(t, injected, time.Minute, 20*time.Millisecond, "the fault did not come") {
		d.Process.Kill()
		d.Wait()
		require.Fail(t, d.stderr.String())
	}
	return d
}

// broken says whether the victim is stopped: the third field of proc(5)'s stat.
func (d *drill) broken() bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", d.victim))
	return err == nil && strings.Contains(string(stat), ") T ")
}

func (d *drill) healed() bool { return !d.broken() }

// processes are those that were started with our state folder.
func processes(state string) (pids []int) {
	all, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, file := range all {
		environ, err := os.ReadFile(file)
		if err == nil && bytes.Contains(environ, []byte("TOKENDRILL_STATE="+state+"\x00")) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			pids = append(pids, pid)
		}
	}
	return pids
}

func requireProc(t *testing.T) {
	if _, err := os.Stat("/proc/self/environ"); err != nil {
		t.Skip("processes are looked for in /proc")
	}
}

// requireNothingLeft says that a run has left neither process nor journal.
func requireNothingLeft(t testing.TB, state string) {
	t.Helper()
	assert.Eventually(t, func() bool { return len(processes(state)) == 0 }, 20*time.Second, 20*time.Millisecond, "a process is left")
	left, err := filepath.Glob(filepath.Join(state, "*"))
	require.NoError(t, err)
	assert.Empty(t, left)
}

// heal carries out tokendrill heal over the drill's journals.
func (d *drill) heal(t testing.TB, args ...string) (code int, stdout string) {
	t.Helper()
	c := command(t, append([]string{"heal"}, args...)...)
	c.Env = d.Env
	out, err := c.Output()
	if c.ProcessState == nil {
		require.NoError(t, err)
	}
	return c.ProcessState.ExitCode(), string(out)
}

// Nothing of the run's group of processes is left to undo anything.
func TestAKilledRunIsHealedByItsWatchdogWithinTheLease(t *testing.T) {
	requireProc(t)
	t.Parallel()
	undisturbed.Try(t, func(t *undisturbed.Attempt) {
		d := startDrill(t)
		code, out := d.heal(t)
		assert.Equal(t, exitPass, code)
		assert.Regexp(t, `^alone   .*: its run is going on and undoes its own faults\n$`, out)
		assert.True(t, d.broken(), "heal keeps its hands off a run that is going on")

		killed := time.Now()
		require.NoError(t, syscall.Kill(-d.Process.Pid, syscall.SIGKILL))
		require.Eventually(t, d.healed, chaos.DefaultLease-time.Since(killed), 20*time.Millisecond)
		d.Wait()
		requireNothingLeft(t, d.state)
		code, out = d.heal(t)
		assert.Equal(t, exitPass, code)
		assert.Equal(t, "nothing to heal\n", out)
	})
}

func TestHealUndoesWhatARunAndItsWatchdogHaveLeft(t *testing.T) {
	requireProc(t)
	t.Parallel()
	d := startDrill(t)
	pids := processes(d.state)
	require.Len(t, pids, 2, "the run and its watchdog")
	for _, pid := range pids {
		require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	}
	d.Wait()
	require.True(t, d.broken())

	code, out := d.heal(t, "--dry-run")
	assert.Equal(t, exitPass, code)
	assert.Regexp(t, `^would heal exec, injected at .*, by /\S+/kill -CONT \d+ in \S+\n$`, out)
	require.True(t, d.broken(), "a dry run heals nothing")

	code, out = d.heal(t)
	assert.Equal(t, exitPass, code)
	assert.Regexp(t, `^healed  exec, injected at .*, by /\S+/kill -CONT \d+\n$`, out)
	assert.True(t, d.healed())
	requireNothingLeft(t, d.state)
	code, out = d.heal(t)
	assert.Equal(t, exitPass, code)
	assert.Equal(t, "nothing to heal\n", out)
}

// A run that hangs is no better than a dead one. When it is back it breaks
// nothing more.
func TestAHungRunIsHealedByItsWatchdogWithinTheLease(t *testing.T) {
	undisturbed.Long(t, "waits for a lease to run out")
	requireProc(t)
	t.Parallel()
	d := startDrill(t)
	require.NoError(t, d.Process.Signal(syscall.SIGSTOP))
	require.Eventually(t, d.healed, chaos.DefaultLease+10*time.Second, 20*time.Millisecond)
	require.NoError(t, d.Process.Signal(syscall.SIGCONT))
	d.Wait()
	assert.Equal(t, exitHarness, d.ProcessState.ExitCode(), d.stderr.String())
	assert.Contains(t, d.stderr.String(), "tokendrill: attack: undo journal: the lease ran out and the watchdog has healed the faults\n")
	assert.True(t, d.healed())
	requireNothingLeft(t, d.state)
}

// A terminal's Ctrl-C goes to the whole group; the second one does not stop the undo.
func TestASecondInterruptShortensTheUndo(t *testing.T) {
	t.Parallel()
	undisturbed.Try(t, func(t *undisturbed.Attempt) {
		c := command(t, "run", "slow.yaml")
		slow := strings.Replace(breaking, `inject: [kill, -STOP, "PID"], heal: [kill, -CONT, "PID"]`, `inject: [touch, broken], heal: [sleep, "60"]`, 1)
		require.NoError(t, os.WriteFile(filepath.Join(c.Dir, "slow.yaml"), []byte(slow), 0o600))
		c.Env = append(os.Environ(), "TOKENDRILL_STATE="+filepath.Join(c.Dir, "state"))
		c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		var stderr bytes.Buffer
		c.Stderr = &stderr
		require.NoError(t, c.Start())
		t.Cleanup(func() { c.Process.Kill() }) // it has ended if all went well
		require.Eventually(t, func() bool { _, err := os.Stat(filepath.Join(c.Dir, "broken")); return err == nil }, time.Minute, 20*time.Millisecond)
		time.Sleep(time.Second) // until the inject command has come to its end

		require.NoError(t, syscall.Kill(-c.Process.Pid, syscall.SIGINT))
		time.Sleep(200 * time.Millisecond)
		again := time.Now()
		require.NoError(t, syscall.Kill(-c.Process.Pid, syscall.SIGINT))
		c.Wait()
		assert.Less(t, time.Since(again), 4*time.Second)
		assert.Equal(t, exitUndo, c.ProcessState.ExitCode(), stderr.String())
		assert.Contains(t, stderr.String(), "undoing faults: 1 in place\n")
		assert.True(t, strings.HasSuffix(stderr.String(), "\ntokendrill: undo is incomplete, still in place: exec; mend: tokendrill heal\n"), stderr.String())
		left, err := filepath.Glob(filepath.Join(c.Dir, "state", "*"))
		require.NoError(t, err)
		assert.Len(t, left, 1, "the journal stays for heal")
	})
}
