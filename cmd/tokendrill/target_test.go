//go:build unix

package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/harness/external"
	"github.com/tokendrill/tokendrill/scenarios"
)

// The examples of target check look at a target that is there.
func TestExamplesOfTargetCheckWork(t *testing.T) {
	r := raise(t, "--patterns", "remote")
	require.NoError(t, os.Rename(filepath.Join(r.Dir, "stage", "remote.yaml"), filepath.Join(r.Dir, "stage", "staging.yaml")))
	t.Chdir(filepath.Join(r.Dir, "stage"))
	for line := range strings.Lines(targetCheckCommand().Example) {
		code, stdout, stderr := tokendrill(strings.Fields(line)[1:]...)
		assert.Equal(t, exitPass, code, "%s%s%s", line, stdout, stderr)
		assert.Contains(t, stdout, "\nFIT ")
	}
	r.end(t, os.Interrupt)
}

func TestACheckOfATargetThatIsInterrupted(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{}, 1)
	over := make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		select {
		case asked <- struct{}{}:
		default:
		}
		<-over
	}))
	defer silent.Close()
	defer close(over)
	c := command(t, "target", "check", "staging.yaml")
	c.Env = append(os.Environ(), "IDP_SECRET=x")
	require.NoError(t, os.WriteFile(filepath.Join(c.Dir, "staging.yaml"), fmt.Appendf(nil, `
name: staging
bound: 1s
gateways: [{name: eu, url: "%[1]s"}]
authority: {token_endpoint: "%[1]s/token", revocation_endpoint: "%[1]s/revoke", client: {id: app, secret_env: IDP_SECRET}}
probe: {path: /}
`, silent.URL), 0o600))
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	require.NoError(t, c.Start())
	<-asked
	require.NoError(t, c.Process.Signal(os.Interrupt))
	var exit *exec.ExitError
	require.ErrorAs(t, c.Wait(), &exit)
	assert.Equal(t, exitInterrupted, exit.ExitCode())
	assert.Empty(t, stdout.String())
	assert.Equal(t, "tokendrill: interrupted before anything was measured; there is no report\n", stderr.String())
}

func TestLongFindingsAreFilledIntoColumns(t *testing.T) {
	var out bytes.Buffer
	p := newCheckPage(&out, &scenarios.Target{Name: "staging", Gateways: []scenarios.TargetGateway{{Name: "europe-west"}}})
	p.print(external.Finding{What: "revoke", State: external.Fails, Fix: "check authority.revoke, or raise bound",
		Says: "was answered 200 and the token is still accepted at eu after 11s: the revoke call revokes nothing, or the bound is longer"})
	p.print(external.Finding{What: "gateway europe-west", State: external.Works, Says: "answers"})
	p.sum(false, targetCheck{file: "my file.yaml", insecure: true})
	assert.Equal(t, `fail  revoke               was answered 200 and the token is still accepted at eu after 11s: the
                           revoke call revokes nothing, or the bound is longer
                           > check authority.revoke, or raise bound
ok    gateway europe-west  answers

UNFIT    staging: 1 of 2 ok, 1 to mend
next     tokendrill target check 'my file.yaml' --insecure    once that is mended
`, out.String())
}

// What cannot be printed is an error, once.
func TestAPageThatCannotBePrinted(t *testing.T) {
	p := newCheckPage(failing{}, &scenarios.Target{})
	p.print(external.Finding{What: "token"})
	assert.ErrorIs(t, p.err, errFull)
}

var errFull = errors.New("disk full")

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errFull }
