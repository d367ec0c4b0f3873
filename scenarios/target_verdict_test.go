package scenarios

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/fixtures/token"
)

var (
	accepts    = token.Outcome{Verdict: token.Accept}
	refuses    = token.Outcome{Verdict: token.Reject, Reason: token.InvalidToken}
	wantsScope = token.Outcome{Verdict: token.Reject, Reason: token.InsufficientScope}
	wantsMore  = token.Outcome{Verdict: token.Reject, Reason: token.InsufficientAuthentication}
	unknown    = token.Outcome{Verdict: token.Unavailable}
)

// judging is the verdict of a target file.
func judging(t testing.TB, verdict string) Verdict {
	target, err := ParseTarget([]byte(leastTarget+verdict), "f")
	require.NoError(t, err)
	return target.Verdict
}

func TestAnAnswerIsJudgedByTheFirstRuleThatMatches(t *testing.T) {
	const login = "verdict: {reject: [401, {status: 302, header: {location: ^/login}}, {content_type: text/html, body: '(?i)sign\\s+in'}], accept: ['2xx', 404, 302]}\n"
	for _, row := range []struct {
		name, verdict string
		status        int
		header, body  string
		want          token.Outcome
	}{
		{"by default a 2xx is a yes", "", 204, "", "", accepts},
		{"a 401 is a no", "", 401, "", "", refuses},
		{"a 403 is a no", "", 403, "", "", refuses},
		{"a 404 is neither", "", 404, "", "", unknown},
		{"a redirect is neither", "", 302, "", "", unknown},
		{"an outage is neither", "", 503, "", "", unknown},
		{"too many requests are neither", "", 429, "", "", unknown},
		{"a status that is none is neither", "", 2, "", "", unknown},
		{"a status beyond all is neither", "", 2000, "", "", unknown},
		{"a rule may name a status", login, 404, "", "", accepts},
		{"and leave one out", login, 403, "", "", unknown},
		{"a header that matches", login, 302, "Location: /login?next=/p", "", refuses},
		{"a header that does not", login, 302, "Location: /elsewhere/login", "", accepts},
		{"a header that is not there", login, 302, "", "", accepts},
		{"a page to sign in is a no, though it is a 200", login, 200, "Content-Type: text/html; charset=utf-8", "<h1>Sign\nin</h1>", refuses},
		{"a type in capitals", login, 200, "Content-Type: TEXT/HTML", "sign in", refuses},
		{"another page", login, 200, "Content-Type: text/html", "Welcome", accepts},
		{"data that speaks of it", login, 200, "Content-Type: application/json", "sign in", accepts},
		{"a rule of a header alone is for any status", "verdict: {reject: [{header: {X-Auth: denied}}]}\n", 500, "X-Auth: access denied", "", refuses},
		{"all that a rule names must match", "verdict: {reject: [{status: 4xx, header: {X-Auth: denied}}]}\n", 401, "X-Auth: fine", "", unknown},
		{"the scope, says the challenge", "", 403, `WWW-Authenticate: Bearer error="insufficient_scope", scope="a"`, "", wantsScope},
		{"more authentication, says the challenge", "", 401, `WWW-Authenticate: Bearer error=insufficient_user_authentication`, "", wantsMore},
		{"the token, says the challenge", "", 401, `WWW-Authenticate: Bearer realm="x, error=insufficient_scope", error="invalid_token"`, "", refuses},
		{"nothing, says the challenge", "", 401, `WWW-Authenticate: Bearer realm="x"`, "", refuses},
		{"something else, says the challenge", "", 401, `WWW-Authenticate: Bearer error="teapot"`, "", refuses},
		{"the challenge of another scheme", "", 401, `WWW-Authenticate: Basic realm="\"a, b", DPoP algs="ES256", ERROR = "insufficient_scope"`, "", wantsScope},
		{"an accepted request has no reason", "", 200, `WWW-Authenticate: Bearer error="insufficient_scope"`, "", accepts},
	} {
		t.Run(row.name, func(t *testing.T) {
			h := http.Header{}
			if name, value, ok := strings.Cut(row.header, ": "); ok {
				h.Add(name, value)
			}
			assert.Equal(t, row.want, judging(t, row.verdict).Outcome(row.status, h, []byte(row.body)))
		})
	}
}

// A header that stands twice matches if either value does.
func TestARuleLooksAtEveryValueOfAHeader(t *testing.T) {
	v := judging(t, "verdict: {reject: [{header: {X-Auth: no}}]}\n")
	assert.Equal(t, refuses, v.Outcome(200, http.Header{"X-Auth": {"yes", "no"}}, nil))
}

func TestOnlyTheBeginningOfABodyIsJudged(t *testing.T) {
	v := judging(t, "verdict: {reject: [{body: end$}]}\n")
	assert.Equal(t, refuses, v.Outcome(200, nil, []byte(strings.Repeat("x", JudgedBody-3)+"end")))
	assert.Equal(t, accepts, v.Outcome(200, nil, []byte(strings.Repeat("x", JudgedBody-2)+"end")))
}

// What a body or a header is made of does not make judging it slow: a minute would
// be a day with expressions that go back and try again.
func TestAHostileAnswerIsJudgedInTime(t *testing.T) {
	v := judging(t, "verdict: {reject: [{body: '(a+)+$'}, {body: '(x|xx)*y'}, {header: {X: '(a*)*b'}}, 401]}\n")
	h := http.Header{"X": {strings.Repeat("a", 60<<10)}, "Www-Authenticate": {strings.Repeat(`a="\"`, 12<<10), strings.Repeat(",", 60<<10)}}
	began := time.Now()
	assert.Equal(t, refuses, v.Outcome(401, h, []byte(strings.Repeat("a", 30<<10)+strings.Repeat("x", 30<<10))))
	assert.Less(t, time.Since(began), time.Minute)
}

// FuzzOutcome holds that any answer is judged, the same way each time, and that
// a reason stands with a reject only.
func FuzzOutcome(f *testing.F) {
	v := judging(f, "verdict: {reject: [401, {status: 302, header: {Location: ^/login}}, {content_type: text/html, body: '(?i)sign\\s+in'}], accept: ['2xx', 404]}\n")
	f.Add(200, "text/html", "", "sign in")
	f.Add(401, "", `Bearer error="insufficient_scope"`, "")
	f.Add(302, "a;b", `"\`, "\xff")
	f.Fuzz(func(t *testing.T, status int, media, challenge, body string) {
		h := http.Header{"Content-Type": {media}, "Www-Authenticate": {challenge}, "Location": {challenge}}
		got := v.Outcome(status, h, []byte(body))
		require.Equal(t, got, v.Outcome(status, h, []byte(body)))
		require.Equal(t, got.Verdict == token.Reject, got.Reason != "")
		if status == 401 {
			require.Equal(t, token.Reject, got.Verdict)
		}
		if status/100 == 5 && !strings.EqualFold(strings.TrimSpace(strings.Split(media, ";")[0]), "text/html") {
			require.Equal(t, unknown, got)
		}
	})
}
