//go:build unix

package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// calling has a fault that a call injects and another heals, for long enough.
const calling = `
name: calling
about: a switch that is off for a while
patterns: [remote]
traffic: {recording: sample, rate: 50/s, rounds: 1, slice: 100ms}
revocations: {tokens: 3, every: 50ms, first_gap: 10ms, growth: 10%, rate: 10/s, window: 30s}
faults:
  - name: call
    at: 100ms
    for: 30s
    inject_call: {url: "URL/off", headers: {X-Api-Key: "${SWITCH_KEY}"}}
    heal_call: {url: "URL/on", headers: {X-Api-Key: "${SWITCH_KEY}"}}
gates: [safety.false_accepts == 0]
`

// relay is a switch that takes one key.
type relay struct {
	*httptest.Server
	mu  sync.Mutex
	off bool
}

const relayKey = "key-of-the-relay"

func newRelay(t *testing.T) *relay {
	r := &relay{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.mu.Lock()
		defer r.mu.Unlock()
		if req.Header.Get("X-Api-Key") != relayKey {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		r.off = req.URL.Path == "/off"
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *relay) isOff() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.off
}

// startCalls starts a run that turns the relay off, and waits until it has.
func startCalls(t *testing.T, r *relay) *drill {
	t.Helper()
	d := &drill{Cmd: command(t, "run", "calling.yaml")}
	require.NoError(t, os.WriteFile(filepath.Join(d.Dir, "calling.yaml"), []byte(strings.ReplaceAll(calling, "URL", r.URL)), 0o600))
	d.state = filepath.Join(d.Dir, "state")
	d.Env = append(os.Environ(), "TOKENDRILL_STATE="+d.state, "SWITCH_KEY="+relayKey)
	d.Stderr = &d.stderr
	d.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	require.NoError(t, d.Start())
	t.Cleanup(func() { d.Process.Kill(); d.Wait() })
	require.Eventually(t, r.isOff, time.Minute, 20*time.Millisecond, "the fault did not come: %s", &d.stderr)
	return d
}

// requireNoKey says that no file below the folder of a run holds the key.
func requireNoKey(t *testing.T, dir string) {
	t.Helper()
	seen := 0
	require.NoError(t, filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		seen++
		data, err := os.ReadFile(path)
		require.False(t, bytes.Contains(data, []byte(relayKey)), path)
		return err
	}))
	require.Positive(t, seen)
}

func TestTheWatchdogOfAKilledRunMakesItsHealCall(t *testing.T) {
	requireProc(t)
	t.Parallel()
	r := newRelay(t)
	d := startCalls(t, r)
	requireNoKey(t, d.Dir)
	require.NoError(t, syscall.Kill(-d.Process.Pid, syscall.SIGKILL))
	require.Eventually(t, func() bool { return !r.isOff() }, 20*time.Second, 20*time.Millisecond)
	d.Wait()
	requireNothingLeft(t, d.state)
}

func TestHealMakesTheHealCallOnceItsVariablesAreThere(t *testing.T) {
	requireProc(t)
	t.Parallel()
	r := newRelay(t)
	d := startCalls(t, r)
	for _, pid := range processes(d.state) {
		require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	}
	d.Wait()
	with := d.Env
	d.Env = with[:len(with)-1]

	code, out := d.heal(t)
	assert.Equal(t, exitUndo, code)
	assert.Regexp(t, `^FAILED  call, injected at [^,]*: POST http://\S+/on: environment variable SWITCH_KEY is not set\n$`, out)
	assert.True(t, r.isOff())

	d.Env = with
	code, out = d.heal(t, "--dry-run")
	assert.Equal(t, exitPass, code)
	assert.Regexp(t, `^would heal call, injected at [^,]*, by POST http://\S+/on\n$`, out)
	assert.True(t, r.isOff(), "a dry run heals nothing")

	code, out = d.heal(t)
	assert.Equal(t, exitPass, code)
	assert.Regexp(t, `^healed  call, injected at [^,]*, by POST http://\S+/on\n$`, out)
	assert.False(t, r.isOff())
	requireNothingLeft(t, d.state)
}
