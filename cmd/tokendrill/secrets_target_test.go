package main

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/fixtures/token"
)

// spyTarget is a system whose revocations revoke nothing, and that says back
// whatever it is told. It remembers every secret that it sees.
type spyTarget struct {
	spyStage
	secret string
}

func (s *spyTarget) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, credentials, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	s.remember(credentials)
	switch _, secret, _ := r.BasicAuth(); {
	case r.URL.Path == "/protected":
		raw, _ := token.Bearer(r.Header.Values("Authorization"))
		if !s.knows(raw) {
			w.Header().Set("WWW-Authenticate", fmt.Sprintf("Bearer error=%q", "no "+raw))
			w.WriteHeader(http.StatusUnauthorized)
		}
		fmt.Fprint(w, raw)
	case secret != s.secret:
		w.WriteHeader(http.StatusUnauthorized)
	case r.URL.Path == "/token":
		raw := "issued-" + rand.Text()
		s.remember(raw)
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"access_token": %q, "token_type": "Bearer", "expires_in": 3600}`, raw)
	}
}

func (s *spyTarget) knows(raw string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.secrets[raw] && strings.HasPrefix(raw, "issued-")
}

const spiedTarget = `
name: spied
bound: 100ms
gateways: [{name: gw, url: "%[1]s"}]
authority:
  token_endpoint: "%[1]s/token"
  revocation_endpoint: "%[1]s/revoke"
  client: {id: x, secret_env: SPIED_SECRET}
probe: {path: /protected}
limits: {rate: 500/s, tokens: 60}
`

// No token and no secret of a target is in anything that a run of it writes or
// prints, and revocations that revoke nothing are named.
func TestNoSecretOfATargetIsWrittenDown(t *testing.T) {
	spy := &spyTarget{spyStage{secrets: map[string]bool{}}, rand.Text()}
	spy.remember(spy.secret)
	t.Setenv("SPIED_SECRET", spy.secret)
	srv := httptest.NewServer(spy)
	defer srv.Close()
	dir := t.TempDir()
	file, out := filepath.Join(dir, "spied.yaml"), filepath.Join(dir, "out")
	require.NoError(t, os.WriteFile(file, fmt.Appendf(nil, spiedTarget, srv.URL), 0o644))

	code, stdout, stderr := tokendrill("run", "--target", file, "--tokens", "4", "--duration", "1s", "--out", out)
	require.Equal(t, exitFail, code, "%s%s", stdout, stderr)
	assert.Contains(t, strings.Join(strings.Fields(stdout), " "), "spied: 4 revocations were acknowledged and no revoked token was ever refused")
	needles := spy.needles()
	require.Greater(t, len(needles), 50, "the spy has seen too little")
	assert.Empty(t, leaks(stdout+stderr, needles))
	assert.GreaterOrEqual(t, searched(t, out, needles), 5)
}
