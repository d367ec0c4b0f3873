package harness

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/harness/measure"
	"github.com/tokendrill/tokendrill/scenarios"
)

// switchboard is somebody else's system, which takes one secret and keeps what it was told.
type switchboard struct {
	*httptest.Server
	secret string

	mu   sync.Mutex
	told []string
}

func newSwitchboard(t *testing.T, secret string) *switchboard {
	s := &switchboard{secret: secret}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		defer s.mu.Unlock()
		if r.Header.Get("Authorization") != "Bearer "+s.secret {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		s.told = append(s.told, r.Method+" "+r.URL.Path+" "+string(body))
	}))
	t.Cleanup(s.Close)
	return s
}

// callFault is a fault of two calls, in YAML.
func (s *switchboard) callFault(inject, heal string) string {
	call := func(path string) string {
		return fmt.Sprintf(`{url: "%s/%s", headers: {Authorization: "Bearer ${CALL_SECRET}"}, body: "${CALL_BODY}"}`, s.URL, path)
	}
	return fmt.Sprintf("faults:\n  - {name: call, at: 100ms, for: 2s, inject_call: %s, heal_call: %s}\n", call(inject), call(heal))
}

func TestAFaultOfCallsIsInjectedHealedAndSeen(t *testing.T) {
	const secret = "not-to-be-found"
	t.Setenv("CALL_SECRET", secret)
	t.Setenv("CALL_BODY", "now")
	s := newSwitchboard(t, secret)
	var journal []byte
	d := undoRun{faults: s.callFault("down", "up"), opts: func(o *Options) {
		o.Watchdog = func() (func(), error) { return func() {}, nil }
		o.Progress = func(Progress) {
			if files, _ := os.ReadDir(o.State); len(files) == 1 {
				data, _ := os.ReadFile(o.State + "/" + files[0].Name())
				journal = append(journal, data...)
			}
		}
	}}.run(t)
	require.NoError(t, d.err)
	assert.Equal(t, []string{"POST /down now", "POST /up now"}, s.told)
	assert.Equal(t, measure.Undo{Injected: 1, Healed: 1}, d.Report.Undo)
	require.Len(t, d.Report.Faults, 1)
	assert.Equal(t, "call", d.Report.Faults[0].Name)
	assert.True(t, d.Report.Faults[0].Landed)
	assert.True(t, d.Report.Faults[0].Healed)
	d.requireClean(t)
	assert.Contains(t, string(journal), `"undo":"call"`)
	assert.Contains(t, string(journal), "Bearer ${CALL_SECRET}")
	assert.NotContains(t, string(journal), secret)
}

func TestAFaultOfCallsThatCannotBeMadeStopsTheRunBeforeItBegins(t *testing.T) {
	t.Setenv("CALL_SECRET", "x")
	s := newSwitchboard(t, "x")
	d := undoRun{faults: s.callFault("down", "up")}.run(t)
	require.EqualError(t, d.err, "fault call: inject call: POST "+s.URL+"/down: environment variable CALL_BODY is not set")
	assert.Empty(t, s.told)
}

func TestTheDigestOfAPlanCoversItsCalls(t *testing.T) {
	digest := func(faults string) string { return planOf(t, brittleScenario+faults, 1).Digest }
	const one = "faults:\n  - {name: call, at: 0, for: 100ms, inject_call: {url: 'http://localhost/a', body: x}, heal_call: {url: 'http://localhost/b'}}\n"
	assert.Equal(t, digest(one), digest(one))
	for _, change := range [][2]string{{"/a", "/c"}, {"body: x", "body: y"}, {"body: x", "headers: {A: b}"}, {"/b'", "/b', status: [409]"}} {
		assert.NotEqual(t, digest(one), digest(strings.Replace(one, change[0], change[1], 1)), change)
	}
}

func TestAFaultIsCalledWhatItsTargetCallsIt(t *testing.T) {
	for _, row := range []struct {
		name  string
		fault scenarios.Fault
		want  string
	}{
		{"a fault of the catalogue", scenarios.Fault{Name: "exec"}, "exec"},
		{"with its place", scenarios.Fault{Name: "link.cut", Link: "gateway-cdn", Gateway: "gw-1"}, "link.cut gateway-cdn at gw-1"},
		{"a fault with a name of its own", scenarios.Fault{Name: "exec", As: "kill-authority"}, "kill-authority"},
	} {
		t.Run(row.name, func(t *testing.T) { assert.Equal(t, row.want, FaultWindow{Fault: row.fault}.label()) })
	}
}
