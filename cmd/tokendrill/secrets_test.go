package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/harness"
)

// spyStage is an embedded stage that remembers every token that is issued and
// every credential that is sent. Now and then it turns a refusal into an accept,
// so that the report has violations and witnesses to show.
type spyStage struct {
	mu      sync.Mutex
	secrets map[string]bool
	refused int
}

func (s *spyStage) Start(ctx context.Context, p *harness.Plan) (*harness.Site, error) {
	site, err := harness.Embedded{}.Start(ctx, p)
	if err == nil {
		site.Authority = spyAuthority{site.Authority, s}
		site.Transport = spyTransport{site.Transport, s}
	}
	return site, err
}

func (s *spyStage) remember(secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secrets[secret] = true
}

type spyAuthority struct {
	harness.Authority
	spy *spyStage
}

func (a spyAuthority) Issue(ctx context.Context, g harness.Grant) (harness.Issued, error) {
	issued, err := a.Authority.Issue(ctx, g)
	a.spy.remember(issued.Token)
	return issued, err
}

type spyTransport struct {
	http.RoundTripper
	spy *spyStage
}

func (t spyTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	for _, value := range r.Header["Authorization"] {
		_, credentials, _ := strings.Cut(value, " ")
		t.spy.remember(credentials)
	}
	res, err := t.RoundTripper.RoundTrip(r)
	if err == nil && res.StatusCode == http.StatusUnauthorized {
		t.spy.mu.Lock()
		defer t.spy.mu.Unlock()
		if t.spy.refused++; t.spy.refused%5 == 0 {
			res.StatusCode = http.StatusOK
		}
	}
	return res, err
}

// needles are all forms in which the secrets could have been written down. What
// is too short or too plain to be a secret, as some mutants are, is left out.
func (s *spyStage) needles() map[string]bool {
	out := map[string]bool{}
	for secret := range s.secrets {
		forms := append(strings.Split(secret, "."), secret, url.QueryEscape(secret), hex.EncodeToString([]byte(secret)))
		for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.RawURLEncoding} {
			forms = append(forms, strings.TrimRight(enc.EncodeToString([]byte(secret)), "="))
		}
		for _, form := range forms {
			if len(form) >= 16 && kinds(form) >= 8 {
				out[form] = true
			}
		}
	}
	return out
}

// kinds counts the different bytes of s.
func kinds(s string) int {
	seen := map[byte]bool{}
	for i := range len(s) {
		seen[s[i]] = true
	}
	return len(seen)
}

// secretShapes are what secrets look like that the spy does not see: tokens minted
// at the edge, signed answers, client secrets, keys.
var secretShapes = regexp.MustCompile(`eyJ[\w-]{8,}\.[\w-]{8,}\.|\b[A-Z2-7]{26}\b|PRIVATE KEY|"d":\s*"|Bearer [^x]|Basic [A-Za-z0-9+/=]{8}`)

// leaks lists the secrets in text.
func leaks(text string, needles map[string]bool) (out []string) {
	for n := range needles {
		if strings.Contains(text, n) {
			out = append(out, n)
		}
	}
	return append(out, secretShapes.FindAllString(text, -1)...)
}

const secretsScenario = `
name: secrets
about: every pattern, with fuzzed tokens, and wrong decisions to report
traffic: {recording: sample, rate: 200/s, rounds: 1, slice: 300ms}
tokens: {fuzz: 30%}
revocations: {tokens: 2, every: 50ms, window: 1200ms, rate: 20/s}
settings:
  cache: {ttl: 300ms, negative_ttl: 100ms, timeout: 200ms}
  registry: {staleness: 500ms, heartbeat: 100ms}
  hybrid: {minted_ttl: 1s}
gates: [safety.false_accepts == 0, revoke.fleet_upper.max <= 1us]
`

// No live token, mutant of one, client secret or key is in anything that a run
// writes or prints, wrong decisions and their witnesses included.
func TestNoSecretIsWrittenDown(t *testing.T) {
	dir := t.TempDir()
	file, out := filepath.Join(dir, "secrets.yaml"), filepath.Join(dir, "out")
	require.NoError(t, os.WriteFile(file, []byte(secretsScenario), 0o644))
	spy := &spyStage{secrets: map[string]bool{}}
	var printed bytes.Buffer
	c := runCommand()
	c.SetContext(t.Context())
	c.SetOut(&printed)
	c.SetErr(&printed)
	err := runFlags{stageChoice: stageChoice{kind: stageEmbedded}, scenario: file, seed: 7, out: out, stage: spy}.run(c)
	require.Equal(t, exitFail, exitCode(err), "%v\n%s", err, printed.String())

	needles := spy.needles()
	require.Greater(t, len(needles), 500, "the spy has seen too little")
	assert.GreaterOrEqual(t, searched(t, out, needles), 7)
	assert.Empty(t, leaks(printed.String(), needles))
	report, err := os.ReadFile(filepath.Join(out, "report.json"))
	require.NoError(t, err)
	assert.Contains(t, string(report), `"kind": "false_accept"`, "no wrong decision was shown")
}

// searched counts the files of a folder, none of which may have a needle in it.
func searched(t *testing.T, dir string, needles map[string]bool) (files int) {
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		data, err := os.ReadFile(path)
		require.NotEmpty(t, data, path)
		assert.Empty(t, leaks(string(data), needles), path)
		return err
	}))
	return files
}

// What looks for leaks finds them in every form.
func TestLeaksAreFound(t *testing.T) {
	const raw = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIiwiaWF0IjoxfQ.c2lnbmF0dXJlIG9mIGl0"
	spy := &spyStage{secrets: map[string]bool{raw: true}}
	for name, text := range map[string]string{
		"as it is": raw, "in base64": base64.StdEncoding.EncodeToString([]byte(raw)), "in hex": hex.EncodeToString([]byte(raw)),
		"its signature": "c2lnbmF0dXJlIG9mIGl0", "a token that nobody saw": "eyJhbGciOiJub25lIn0.eyJzdWIiOiJiIn0.c2ln",
		"a client secret": `"secret":"ABCDEFGHIJKLMNOPQRSTUVWXY2"`, "a private key": `{"kty":"EC","d":"x"}`,
	} {
		assert.NotEmpty(t, leaks("before "+text+" after", spy.needles()), name)
	}
	assert.Empty(t, leaks("caller c-12 at gw-1", spy.needles()))
}
