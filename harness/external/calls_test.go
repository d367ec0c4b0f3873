package external

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/fixtures/token"
	"github.com/tokendrill/tokendrill/harness"
)

// jwtOf is a JWT that nobody has signed.
func jwtOf(claims string) string {
	return "eyJhbGciOiJFUzI1NiJ9." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln"
}

// echo answers what it was sent as the header Echo of a 204, for a test to read.
func echo(into *string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		*into = fmt.Sprintf("%s %s %s|%s|%s", r.Method, r.RequestURI, r.Header.Get("Content-Type"), r.Header.Get("X-Key"), body)
		w.WriteHeader(http.StatusNoContent)
	}
}

func TestSessionsAreRevokedByACallOfTheirOwn(t *testing.T) {
	raw := jwtOf(`{"sub": "alice", "sid": "claim"}`)
	for _, row := range []struct{ name, answer, revoke, want string }{
		{"a field of the answer in the path", `{"access_token": "t", "sid": "a b/c"}`, `{method: DELETE, url: "IDP/sessions/{sid}", headers: {X-Key: "k ${KEY}"}}`, "DELETE /sessions/a%20b%2Fc |k k3y|"},
		{"a number in the query", `{"access_token": "t", "id": 7}`, `{method: DELETE, url: "IDP/sessions?id={id}&key=${KEY}"}`, "DELETE /sessions?id=7&key=k3y ||"},
		{"a claim in JSON", `{"access_token": "` + raw + `"}`, `{url: "IDP/sessions", body: '{"user": "{sub}", "sid": "{sid}"}'}`, `POST /sessions application/json||{"user": "alice", "sid": "claim"}`},
		{"what the answer says is meant before a claim", `{"access_token": "` + raw + `", "sid": "answer"}`, `{method: PUT, url: "IDP/sessions", body: 'sid={sid}'}`, `PUT /sessions application/x-www-form-urlencoded||sid=answer`},
		{"the token in JSON of another type", `{"access_token": "t\"", "sid": "x"}`, `{url: "IDP/sessions", headers: {Content-Type: application/scim+json}, body: '"{token}"'}`, `POST /sessions application/scim+json||"t\""`},
	} {
		t.Run(row.name, func(t *testing.T) {
			var seen string
			server := newProvider(t, map[string]http.HandlerFunc{"/login": said(201, row.answer)})
			server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasPrefix(r.URL.Path, "/sessions") {
					echo(&seen)(w, r)
					return
				}
				server.ServeHTTP(w, r)
			})
			s := opened(t, server.targetOf(t, `{issue: {http: {url: "IDP/login"}}, revoke: {http: `+row.revoke+`}}`, ""), Options{Getenv: secrets})
			issued := issue(t, s)
			status, err := s.authority.Revoke(t.Context(), issued.Token)
			require.NoError(t, err)
			assert.Equal(t, 200, status)
			assert.Equal(t, row.want, seen)
		})
	}
}

func TestAnswersOfCallsOfOnesOwn(t *testing.T) {
	const ok = `{"access_token": "t", "sid": "s"}`
	for _, row := range []struct {
		name, revoke string
		answer       http.HandlerFunc
		status       int
		says         string
	}{
		{"any 2xx", `{url: "IDP/r?s={sid}"}`, said(202, ""), 200, ""},
		{"a status that is listed", `{url: "IDP/r?s={sid}", status: [404, 204]}`, said(404, ""), 200, ""},
		{"a status that is not", `{url: "IDP/r?s={sid}", status: [204]}`, said(404, ""), 404, ""},
		{"a success that is not the one", `{url: "IDP/r?s={sid}", status: [204, 205]}`, said(200, "<html>"), 0, "revoke: POST IDP/r: status 200; expected 204 or 205"},
		{"no answer", `{url: "IDP/r?s={sid}"}`, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 0, "revoke: POST IDP/r: it closed the connection before an answer"},
	} {
		t.Run(row.name, func(t *testing.T) {
			server := newProvider(t, map[string]http.HandlerFunc{"/login": said(200, ok), "/r": row.answer})
			s := opened(t, server.targetOf(t, `{issue: {http: {url: "IDP/login"}}, revoke: {http: `+row.revoke+`}}`, ""), Options{Getenv: secrets})
			status, err := s.authority.Revoke(t.Context(), issue(t, s).Token)
			if row.says != "" {
				require.EqualError(t, err, strings.ReplaceAll(row.says, "IDP", server.URL))
			} else {
				require.NoError(t, err)
			}
			assert.Equal(t, row.status, status)
		})
	}
}

func TestTokensThatDoNotCome(t *testing.T) {
	var gone atomic.Bool
	getenv := func(name string) string {
		if gone.Load() {
			return map[string]string{"KEY": "new\nline"}[name]
		}
		return secrets(name)
	}
	for _, row := range []struct {
		name, authority string
		answer          http.HandlerFunc
		says            string
	}{
		{"a call that is refused", `{issue: {http: {url: "IDP/login?a=b"}}, revoke: {command: ["true"]}}`, said(401, `{"error": "invalid_grant"}`), `issue: POST http://IDP/login: status 401, error "invalid_grant"; expected 2xx`},
		{"a success that is not the one", `{issue: {http: {url: "IDP/login", status: [201]}}, revoke: {command: ["true"]}}`, said(200, ""), `issue: POST http://IDP/login: status 200; expected 201`},
		{"a login page", `{issue: {http: {url: "IDP/login"}}, revoke: {command: ["true"]}}`, said(200, "<html>"), `issue: POST http://IDP/login: status 200 and a page of HTML; expected JSON with access_token`},
		{"a token without the field that revokes it", `{issue: {http: {url: "IDP/login"}}, revoke: {http: {url: "IDP/r/{jti}"}}}`, said(200, `{"access_token": "t", "sid": "s", "odd name": "x", "n": null}`), `revoke: the token has no field jti; it has access_token, sid, token`},
		{"a field that is empty", `{issue: {http: {url: "IDP/login"}}, revoke: {http: {url: "IDP/r/{sid}"}}}`, said(200, `{"access_token": "t", "sid": ""}`), `revoke: the token has no field sid; it has access_token, sid, token`},
		{"a command that is not there", `{issue: {command: [/no/such/program]}, revoke: {command: ["true"]}}`, nil, `issue: fork/exec /no/such/program: no such file or directory`},
		{"a command that fails", `{issue: {command: [sh, -c, "echo t; echo S3CR3T >&2; exit 3"]}, revoke: {command: ["true"]}}`, nil, `issue: sh: exit status 3`},
		{"a command that prints nothing", `{issue: {command: ["true"]}, revoke: {command: ["true"]}}`, nil, `issue: what true printed: no token in it; expected one, or JSON with access_token`},
		{"a command that prints a tale", `{issue: {command: [echo, once upon a time]}, revoke: {command: ["true"]}}`, nil, `issue: what echo printed: its token has characters that no header can hold; expected a bearer token (RFC 6750 section 2.1)`},
		{"a command that prints without end", `{issue: {command: ["yes"]}, revoke: {command: ["true"]}}`, nil, `issue: yes: printed more than 64 KB`},
	} {
		t.Run(row.name, func(t *testing.T) {
			server := newProvider(t, map[string]http.HandlerFunc{"/login": row.answer})
			s := opened(t, server.targetOf(t, row.authority, ""), Options{Getenv: getenv})
			_, err := s.authority.Issue(t.Context(), harness.Grant{})
			require.Error(t, err)
			assert.Equal(t, row.says, strings.ReplaceAll(err.Error(), server.Listener.Addr().String(), "IDP"))
		})
	}
	t.Run("a variable that has gone, or would break out of a header", func(t *testing.T) {
		server := newProvider(t, map[string]http.HandlerFunc{"/login": numbered()})
		for _, row := range []struct{ value, says string }{
			{"${KEY}", "the value of header X-Key has a control character in it"}, {"${SECRET}", "environment variable SECRET is not set"},
		} {
			gone.Store(false)
			s := opened(t, server.targetOf(t, `{issue: {http: {url: "IDP/login", headers: {X-Key: "`+row.value+`"}}}, revoke: {command: ["true"]}}`, ""), Options{Getenv: getenv})
			gone.Store(true)
			_, err := s.authority.Issue(t.Context(), harness.Grant{})
			require.EqualError(t, err, "issue: POST "+server.URL+"/login: "+row.says)
		}
	})
}

func TestCommandsIssueAndRevoke(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "issue"), []byte("#!/bin/sh\nprintf '{\"access_token\": \"tok-%s\", \"sid\": \"s 1\"}' \"$1\"\n"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "revoke"), []byte("#!/bin/sh\nprintf '%s|%s' \"$1\" \"$TOKENDRILL_TOKEN\" >revoked\n"), 0o700))
	var none *provider
	target := none.targetOf(t, `{issue: {command: [./issue, "${KEY}"]}, revoke: {kind: session, command: [./revoke, "--session={sid}"]}}`, "")
	target.Dir = dir
	s := opened(t, target, Options{Getenv: secrets})
	assert.Equal(t, harness.Issued{Token: "tok-k3y"}, issue(t, s))
	status, err := s.authority.Revoke(t.Context(), "tok-k3y")
	require.NoError(t, err)
	assert.Equal(t, 200, status)
	revoked, err := os.ReadFile(filepath.Join(dir, "revoked"))
	require.NoError(t, err)
	assert.Equal(t, "--session=s 1|tok-k3y", string(revoked))

	require.NoError(t, os.WriteFile(filepath.Join(dir, "revoke"), []byte("#!/bin/sh\nexit 1\n"), 0o700))
	_, err = s.authority.Revoke(t.Context(), "tok-k3y")
	require.EqualError(t, err, "revoke: ./revoke: exit status 1")
}

func TestTokensOfAFileAreHandedOutOnce(t *testing.T) {
	s := opened(t, parsed(t, `{name: eu, url: "http://127.0.0.1:1"}`, ""), Options{})
	assert.Equal(t, "t1", issue(t, s).Token)
	assert.Equal(t, "t2", issue(t, s).Token)
	for range 2 {
		_, err := s.authority.Issue(t.Context(), harness.Grant{})
		require.ErrorContains(t, err, "tokens has 2 tokens; expected 3 or more, one for each line")
	}
}

// A session that two tokens share cannot be revoked for one of them.
func TestRevokingMoreThanATokenTakesAnOwnerEach(t *testing.T) {
	for _, row := range []struct{ name, revoke, says string }{
		{"a session each", `{kind: session, http: {url: "IDP/r/{sid}"}}`, ""},
		{"the same user", `{kind: user, http: {url: "IDP/r/{user}"}}`, "issue: two tokens are of the same user by user, and revoking it would revoke both; expected a user for each token"},
		{"the same user, in another session", `{kind: session, http: {url: "IDP/r/{user}/{sid}"}}`, ""},
		{"the same user, by name and not by session", `{kind: session, http: {url: "IDP/r/{user}", headers: {Authorization: "Bearer {token}"}}}`, "issue: two tokens are of the same session by user, and revoking it would revoke both; expected a session for each token"},
		{"one token at a time, whoever it is of", `{kind: token, http: {url: "IDP/r/{user}", body: "{token}"}}`, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			server := newProvider(t, map[string]http.HandlerFunc{"/login": numbered()})
			s := opened(t, server.targetOf(t, `{issue: {http: {url: "IDP/login"}}, revoke: `+row.revoke+`}`, ""), Options{})
			issue(t, s)
			_, err := s.authority.Issue(t.Context(), harness.Grant{Format: token.Opaque})
			if row.says == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, row.says)
		})
	}
}

// Whatever a server sends back, no error and no text of the system has any of it.
func TestNoSecretIsEverShown(t *testing.T) {
	const secret, key, raw = "s3cret_of_client", "k3y_of_environment", "tok3n_that_was_issued"
	getenv := func(name string) string { return map[string]string{"SECRET": secret, "KEY": key}[name] }
	reflect := func(status int, form string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			all := strings.Join([]string{secret, key, raw, r.Header.Get("Authorization"), string(body), r.RequestURI}, " ")
			w.Header().Set("Location", "http://127.0.0.1/"+key)
			w.WriteHeader(status)
			fmt.Fprintf(w, form, strings.ReplaceAll(all, `"`, ""))
		}
	}
	garbage := func(w http.ResponseWriter, _ *http.Request) {
		c, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			fmt.Fprintf(c, "%s %s %s\r\n\r\n", raw, secret, key)
			c.Close()
		}
	}
	var texts []string
	for _, answer := range []http.HandlerFunc{
		reflect(200, "%s"), reflect(400, `{"error": "%s", "error_description": "%[1]s"}`), reflect(302, "%s"), reflect(503, "<html>%s"),
		reflect(200, `{"access_token": "%s"}`), reflect(200, `{"access_token": "`+raw+`", "token_type": "%s"}`), garbage,
	} {
		server := newProvider(t, map[string]http.HandlerFunc{"/token": answer, "/revoke": answer})
		for _, authority := range []string{
			byHand, strings.Replace(byHand, "secret_env: SECRET", "secret_env: SECRET, auth: client_secret_post", 1),
			`{issue: {http: {url: "IDP/token?k=${KEY}", headers: {Authorization: "Bearer ${KEY}"}, body: "p=${KEY}"}}, revoke: {http: {url: "IDP/revoke?k=${KEY}", body: "{token}", status: [204]}}}`,
			`{issue: {command: [sh, -c, "echo ` + raw + ` x; echo $0 >&2; exit 1", "${KEY}"]}, revoke: {command: [sh, -c, "echo $TOKENDRILL_TOKEN >&2; exit 1", "${KEY}"]}}`,
		} {
			s := opened(t, server.targetOf(t, authority, "connection: {timeout: 2s}"), Options{Getenv: getenv})
			_, issuing := s.authority.Issue(t.Context(), harness.Grant{})
			_, revoking := s.authority.Revoke(t.Context(), raw)
			texts = append(texts, fmt.Sprintf("%v %+v %#v", issuing, issuing, revoking), fmt.Sprint(issuing, revoking), fmt.Sprintf("%v %+v %#v %+v", s, s, s, *s))
		}
	}
	texts = append(texts, func() string {
		_, err := parseLines(strings.NewReader("good\n{\"access_token\": \""+raw+"\n"+secret), "f")
		return fmt.Sprintf("%+v", err)
	}())
	for _, text := range texts {
		for _, hidden := range []string{secret, key, raw, base64.StdEncoding.EncodeToString([]byte("my+app:" + secret))} {
			require.NotContains(t, text, hidden)
		}
	}
}

// The time of a call is bounded by whoever asks, too.
func TestCallsEndWithTheirContext(t *testing.T) {
	server := newProvider(t, map[string]http.HandlerFunc{"/token": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }})
	s := opened(t, server.targetOf(t, byHand, ""), Options{Getenv: secrets})
	soon, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := s.authority.Issue(soon, harness.Grant{})
	require.EqualError(t, err, "token endpoint: POST /token: no answer in time")
}
