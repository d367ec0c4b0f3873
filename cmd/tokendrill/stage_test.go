//go:build unix

package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/fixtures/token"
	"github.com/tokendrill/tokendrill/harness"
	"github.com/tokendrill/tokendrill/scenarios"
)

// raised is a stage that a process keeps up.
type raised struct {
	*exec.Cmd
	sheet string // what it printed until it was ready
}

// raise starts a stage and waits until it says that it is ready.
func raise(t *testing.T, args ...string) *raised {
	t.Helper()
	r := &raised{Cmd: command(t, append([]string{"stage", "up"}, args...)...)}
	r.Stderr = os.Stderr
	pipe, err := r.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, r.Start())
	t.Cleanup(func() { r.Process.Kill(); r.Wait() }) // it has ended if all went well
	for lines := bufio.NewScanner(pipe); lines.Scan(); {
		r.sheet += lines.Text() + "\n"
		if strings.HasPrefix(lines.Text(), "ready ") {
			return r
		}
	}
	require.Fail(t, "never ready", r.sheet)
	return nil
}

// end ends it by a signal, and waits for that.
func (r *raised) end(t *testing.T, s os.Signal) {
	t.Helper()
	require.NoError(t, r.Process.Signal(s))
	require.NoError(t, r.Wait())
}

// env is what its env file exports.
func (r *raised) env(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(r.Dir, "stage", "env"))
	require.NoError(t, err)
	out := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^export TOKENDRILL_STAGE_(\w+)=(\S+)$`).FindAllStringSubmatch(string(text), -1) {
		out[m[1]] = m[2]
	}
	return out
}

// post asks an endpoint of its authority as one of its clients.
func (r *raised) post(t *testing.T, client, path, accept string, form url.Values) (*http.Response, string) {
	t.Helper()
	env := r.env(t)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, env["ISSUER"]+path, strings.NewReader(form.Encode()))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", accept)
	req.SetBasicAuth(env[client+"CLIENT"], env[strings.TrimPrefix(client, "JWT_")+"SECRET"])
	req.Close = true
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res, string(body)
}

func TestAStageIsUpUntilItIsToldToEnd(t *testing.T) {
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			r := raise(t, "--patterns", "cache,registry")
			pid, err := os.ReadFile(filepath.Join(r.Dir, "stage", "pid"))
			require.NoError(t, err)
			assert.Equal(t, strconv.Itoa(r.Process.Pid)+"\n", string(pid))
			urls := regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindAllString(r.sheet, -1)
			require.GreaterOrEqual(t, len(urls), 8, "two patterns of three gateways, authority, upstream")
			for _, u := range urls {
				conn, err := net.Dial("tcp", strings.TrimPrefix(u, "http://"))
				require.NoError(t, err)
				conn.Close()
			}
			r.end(t, signal)
			left, err := os.ReadDir(r.Dir)
			require.NoError(t, err)
			assert.Empty(t, left)
			for _, u := range urls {
				_, err := net.Dial("tcp", strings.TrimPrefix(u, "http://"))
				assert.ErrorIs(t, err, syscall.ECONNREFUSED)
			}
		})
	}
}

// pasted runs the shell lines of a sheet.
func pasted(dir, sheet string) ([]byte, error) {
	var lines []string
	for _, m := range regexp.MustCompile(`(?m)^  (\S.*)$`).FindAllStringSubmatch(sheet, -1) {
		lines = append(lines, m[1])
	}
	sh := exec.Command("sh", "-eu", "-c", strings.Join(lines, "\n"))
	sh.Dir = dir
	return sh.CombinedOutput()
}

// afterPasting is what they show: a token is let in, revoked and refused.
const afterPasting = `(?s)HTTP/1.1 200 OK.*"ok":true.*HTTP/1.1 200 OK.*error="invalid_token"`

func TestTheLinesOfAStageWorkWhenPasted(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not installed")
	}
	for _, patterns := range []string{"cache", "registry"} { // opaque tokens, and signed ones
		t.Run(patterns, func(t *testing.T) {
			t.Parallel()
			r := raise(t, "--patterns", patterns)
			out, err := pasted(r.Dir, r.sheet)
			require.NoError(t, err, "%s", out)
			assert.Regexp(t, afterPasting, string(out))
			r.end(t, os.Interrupt)
		})
	}
}

func TestAStageAnswersTheGatewayOfAUser(t *testing.T) {
	t.Parallel()
	r := raise(t, "--patterns", "cache")
	form := url.Values{"grant_type": {"client_credentials"}}
	for client, shape := range map[string]string{"": `"access_token":"[\w-]{43}"`, "JWT_": `"access_token":"eyJ[\w-]+\.[\w-]+\.[\w-]+"`} {
		_, body := r.post(t, client, "/token", "application/json", form)
		assert.Regexp(t, shape, body)
		assert.Contains(t, body, `"expires_in":3600`, "longer than the scenario says: somebody types")
		assert.Contains(t, body, `"scope":"read write"`)
	}
	raw := regexp.MustCompile(`(?m)^token +(\S+)$`).FindStringSubmatch(r.sheet)[1]
	about := url.Values{"token": {raw}}

	res, body := r.post(t, "GATEWAY_", "/introspect", "application/json", about)
	assert.Equal(t, "application/json", res.Header.Get("Content-Type"))
	assert.Contains(t, body, `"active":true`)
	res, body = r.post(t, "GATEWAY_", "/introspect", token.MediaIntrospection, about)
	assert.Equal(t, token.MediaIntrospection, res.Header.Get("Content-Type"))
	assert.Equal(t, 2, strings.Count(body, "."), body)

	res, _ = r.post(t, "JWT_", "/revoke", "", about)
	assert.Equal(t, http.StatusForbidden, res.StatusCode, "another's token")
	res, _ = r.post(t, "", "/revoke", "", about)
	assert.Equal(t, http.StatusOK, res.StatusCode)
	_, body = r.post(t, "GATEWAY_", "/introspect", "application/json", about)
	assert.Contains(t, body, `"active":false`)

	files, err := filepath.Glob(filepath.Join(r.Dir, "stage", "*"))
	require.NoError(t, err)
	assert.Len(t, files, 5)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.NotContains(t, string(text), raw, file)
		info, err := os.Stat(file)
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), info.Mode(), file)
	}
	r.end(t, os.Interrupt)
}

// What a scenario breaks is left out, and what is left has target files.
func TestEveryScenarioHasAStage(t *testing.T) {
	t.Parallel()
	for _, sc := range scenarios.Catalogue() {
		for _, patterns := range [][]string{nil, {"cache"}} {
			plan, err := stageFlags{scenario: sc.Name, patterns: patterns}.plan()
			require.NoError(t, err, sc.Name)
			assert.Empty(t, plan.Faults)
			s := standing{plan: plan, site: &harness.Site{Issuer: "http://127.0.0.1:1"}, probe: probeOf(plan.Scenario)}
			for _, sys := range plan.Systems {
				target, err := scenarios.ParseTarget([]byte(s.target(sys, []string{"http://127.0.0.1:2"})), sys.Pattern+".yaml")
				require.NoError(t, err, sc.Name)
				assert.Equal(t, max(sys.Bound, leastBound), target.Bound)
				assert.Equal(t, string(sys.Format), target.Authority.TokenType)
			}
		}
	}
}
