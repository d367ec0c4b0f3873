//go:build unix

package main

import (
	"bufio"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/chaos"
	"github.com/tokendrill/tokendrill/harness"
	"github.com/tokendrill/tokendrill/harness/remote"
)

const serveKey = "the-control-key-of-the-tests"

// served is tokendrill serve as a process of its own.
type served struct {
	*exec.Cmd
	control string // base URL
}

func serveProcess(t *testing.T, args ...string) *served {
	t.Helper()
	p := &served{Cmd: command(t, append([]string{"serve", "--control-key-hash", remote.HashKey(serveKey)}, args...)...)}
	p.Stderr = os.Stderr
	pipe, err := p.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, p.Start())
	t.Cleanup(func() { p.Process.Kill(); p.Wait() }) // it has ended if all went well
	line, err := bufio.NewReader(pipe).ReadString('\n')
	require.NoError(t, err)
	var said bool
	p.control, said = strings.CutPrefix(strings.TrimSpace(line), "control  ")
	require.True(t, said, line)
	return p
}

// ends waits until the process has ended with exit code 0.
func (p *served) ends(t *testing.T) {
	t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- p.Wait() }()
	select {
	case err := <-ended:
		assert.NoError(t, err)
	case <-time.After(30 * time.Second):
		require.Fail(t, "it does not end")
	}
}

func TestAServedRoleEndsWithExitCode0(t *testing.T) {
	for _, row := range []struct {
		when string
		up   bool
		ends func(*testing.T, *served, *remote.Client)
	}{
		{"by Ctrl-C before it has a role", false, func(t *testing.T, p *served, _ *remote.Client) { assert.NoError(t, p.Process.Signal(os.Interrupt)) }},
		{"by SIGTERM before it has a role", false, func(t *testing.T, p *served, _ *remote.Client) { assert.NoError(t, p.Process.Signal(syscall.SIGTERM)) }},
		{"by Ctrl-C", true, func(t *testing.T, p *served, _ *remote.Client) { assert.NoError(t, p.Process.Signal(os.Interrupt)) }},
		{"by SIGTERM", true, func(t *testing.T, p *served, _ *remote.Client) { assert.NoError(t, p.Process.Signal(syscall.SIGTERM)) }},
		{"with its lease", true, func(t *testing.T, _ *served, c *remote.Client) { assert.NoError(t, c.Close()) }},
	} {
		t.Run(row.when, func(t *testing.T) {
			t.Parallel()
			p := serveProcess(t, "registry", "--listen", "127.0.0.1:0")
			c := remote.NewClient(func() string { return p.control }, serveKey)
			defer c.Close()
			if row.up {
				up, err := c.Start(t.Context(), harness.Role{Kind: chaos.RoleRegistry, Node: "registry"})
				require.NoError(t, err)
				assert.Regexp(t, `^nats://127\.0\.0\.1:\d+$`, up.URL)
				assert.NotEqual(t, "nats://127.0.0.1:4222", up.URL, "port 0 is any free one")
				assert.NoError(t, c.Reach(t.Context()))
			}
			row.ends(t, p, c)
			p.ends(t)
		})
	}
}

// A process that is killed is started again at the same address, and goes on.
func TestAServedRoleThatWasKilledGoesOn(t *testing.T) {
	t.Parallel()
	p := serveProcess(t, "cdn")
	c := remote.NewClient(func() string { return p.control }, serveKey)
	defer c.Close()
	role := harness.Role{
		Kind: chaos.RoleCDN, Node: "cdn", Peers: harness.Peers{Authority: "http://127.0.0.1:1"},
		Links: map[string]harness.LinkProfile{"cdn-authority": {}},
	}
	up, err := c.Start(t.Context(), role)
	require.NoError(t, err)
	cut, err := c.Inject(t.Context(), "link.cut", chaos.Params{}, c.Hops(), 1)
	require.NoError(t, err)
	fetch(t, up.URL)
	before := cut.Met()
	assert.Positive(t, before)

	require.NoError(t, p.Process.Kill())
	assert.Error(t, p.Wait())
	assert.Error(t, c.Ping(t.Context()))
	at, err := url.Parse(up.URL)
	require.NoError(t, err)
	*p = *serveProcess(t, "cdn", "--listen", at.Host)
	require.NoError(t, c.Resume(t.Context()))
	fetch(t, up.URL)
	assert.Greater(t, cut.Met(), before, "the fault is in force again, and counts go on")
	require.NoError(t, cut.Heal(t.Context()))
	require.NoError(t, c.Close())
	p.ends(t)
}

// fetch asks a CDN for what it must ask the authority for.
func fetch(t *testing.T, base string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/bundle", nil)
	require.NoError(t, err)
	req.Close = true
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	res.Body.Close()
	assert.GreaterOrEqual(t, res.StatusCode, 400)
}

func TestServeCompletesRoles(t *testing.T) {
	code, stdout, _ := tokendrill("__complete", "serve", "")
	assert.Equal(t, exitPass, code)
	assert.Equal(t, strings.Join(harness.Roles(), "\n")+"\n:4\n", stdout)
}
