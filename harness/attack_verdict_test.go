package harness

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/tokendrill/tokendrill/fixtures/token"
)

func TestAnswerOutcome(t *testing.T) {
	accept := token.Outcome{Verdict: token.Accept}
	unavailable := token.Outcome{Verdict: token.Unavailable}
	reject := func(r token.Reason) token.Outcome { return token.Outcome{Verdict: token.Reject, Reason: r} }

	for name, row := range map[string]struct {
		status    int
		challenge []string
		want      token.Outcome
	}{
		"a 200 lets the request in":                           {status: 200, want: accept},
		"a 204 lets the request in":                           {status: 204, want: accept},
		"a redirect comes from behind the gateway":            {status: 302, want: accept},
		"a 304 lets the request in":                           {status: 304, want: accept},
		"a 404 comes from behind the gateway":                 {status: 404, want: accept},
		"a 412 comes from behind the gateway":                 {status: 412, want: accept},
		"a 400 may be about anything":                         {status: 400, want: unavailable},
		"a 407 is about a proxy":                              {status: 407, want: unavailable},
		"a 429 is an outage, not a refusal":                   {status: 429, want: unavailable},
		"a 431 is about the size of the header":               {status: 431, want: unavailable},
		"a 500 is an outage":                                  {status: 500, want: unavailable},
		"a 503 with a challenge is still an outage":           {503, []string{`Bearer error="invalid_token"`}, unavailable},
		"a status out of range decides nothing":               {status: 600, want: unavailable},
		"no status decides nothing":                           {status: 0, want: unavailable},
		"a 401 without a challenge gives no reason":           {status: 401, want: reject(token.OtherReason)},
		"a 403 without a challenge gives no reason":           {status: 403, want: reject(token.OtherReason)},
		"a challenge without an error gives no reason":        {401, []string{`Bearer realm="api"`}, reject(token.OtherReason)},
		"an invalid token":                                    {401, []string{`Bearer error="invalid_token"`}, reject(token.InvalidToken)},
		"an invalid token on a 403":                           {403, []string{`Bearer error="invalid_token"`}, reject(token.InvalidToken)},
		"a missing scope":                                     {403, []string{`Bearer realm="a", error="insufficient_scope", scope="b c"`}, reject(token.InsufficientScope)},
		"a step-up":                                           {401, []string{`Bearer error="insufficient_user_authentication", acr_values="mfa"`}, reject(token.InsufficientAuthentication)},
		"an error that no RFC knows":                          {401, []string{`Bearer error="bad_weather"`}, reject(token.OtherReason)},
		"an error without quotes":                             {401, []string{`Bearer error=invalid_token`}, reject(token.InvalidToken)},
		"names in any case, with space around the sign":       {401, []string{"BEARER realm=x ,\tError = \"invalid_token\" "}, reject(token.InvalidToken)},
		"several schemes on one line":                         {401, []string{`Negotiate abc==, Basic realm="x", DPoP algs="ES256", error="invalid_token"`}, reject(token.InvalidToken)},
		"several lines":                                       {401, []string{`Basic realm="x"`, `Bearer error="invalid_token"`}, reject(token.InvalidToken)},
		"a description that quotes an error is not one":       {403, []string{`Bearer error_description="not, error=\"invalid_token\", but", error="insufficient_scope"`}, reject(token.InsufficientScope)},
		"an error_uri is not an error":                        {401, []string{`Bearer error_uri="invalid_token"`}, reject(token.OtherReason)},
		"an unfinished quoted string hides what follows":      {401, []string{`Bearer realm="x, error="invalid_token`}, reject(token.OtherReason)},
		"an error past the first 8 KB is not looked for":      {401, []string{strings.Repeat(",", maxFieldBytes) + `Bearer error="invalid_token"`}, reject(token.OtherReason)},
		"nor one past 8 KB of lines":                          {401, []string{strings.Repeat(",", maxFieldBytes-1), `Bearer error="invalid_token"`}, reject(token.OtherReason)},
		"the first error counts, even an unknown one":         {401, []string{`Bearer error="x", error="invalid_token"`}, reject(token.OtherReason)},
		"an error code is not looked for inside another word": {401, []string{`Bearer error="invalid_token_"`}, reject(token.OtherReason)},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, row.want, answerOutcome(row.status, http.Header{"Www-Authenticate": row.challenge}))
		})
	}
}

func TestAnswerCheck(t *testing.T) {
	for name, row := range map[string]struct {
		lines []string
		want  time.Duration
	}{
		"no header":                           {nil, -1},
		"milliseconds":                        {[]string{"token;dur=1.25"}, 1250 * time.Microsecond},
		"no time at all":                      {[]string{"token;dur=0"}, 0},
		"among other metrics":                 {[]string{`db;dur=9, token;desc="a, token;dur=7";dur=2 , app;dur=3`}, 2 * time.Millisecond},
		"on a second line":                    {[]string{"db;dur=9", "token; dur = 2"}, 2 * time.Millisecond},
		"in quotes":                           {[]string{`token;dur="2"`}, 2 * time.Millisecond},
		"the first of two, not their sum":     {[]string{"token;dur=2, token;dur=3"}, 2 * time.Millisecond},
		"a metric whose name begins the same": {[]string{"tokens;dur=2"}, -1},
		"a metric without a duration":         {[]string{"token"}, -1},
		"a negative duration":                 {[]string{"token;dur=-1"}, -1},
		"no number":                           {[]string{"token;dur=NaN"}, -1},
		"infinity":                            {[]string{"token;dur=Inf"}, -1},
		"more than eleven days":               {[]string{"token;dur=1e9"}, -1},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, row.want, answerCheck(http.Header{"Server-Timing": row.lines}))
		})
	}
}

func TestAnswerCache(t *testing.T) {
	for name, row := range map[string]struct {
		lines []string
		want  string
	}{
		"no header":                            {nil, ""},
		"a hit":                                {[]string{"token; hit; ttl=3"}, "hit"},
		"a miss":                               {[]string{"token; fwd=uri-miss; stored"}, "miss"},
		"a stale entry that was fetched again": {[]string{"token;fwd=stale"}, "miss"},
		"forwarded wins over hit":              {[]string{"token;hit;fwd=miss"}, "miss"},
		"a hit that is said to be none":        {[]string{"token;hit=?0"}, ""},
		"a hit spelt out":                      {[]string{"token;hit=?1"}, "hit"},
		"neither":                              {[]string{`token;detail="hit;fwd"`}, ""},
		"the token cache, not the CDN":         {[]string{`"CDN, Inc"; fwd=miss, "token"; hit`}, "hit"},
		"the token cache on a second line":     {[]string{"cdn;fwd=miss", "token;hit"}, "hit"},
		"a silent token cache beside a CDN":    {[]string{"cdn;hit, token"}, ""},
		"the last that tells, by another name": {[]string{"origin;fwd=miss, edge;hit, silent"}, "hit"},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, row.want, answerCache(http.Header{"Cache-Status": row.lines}))
		})
	}
}

func TestAnswerCauseTakesOnlyAPlainWord(t *testing.T) {
	for told, want := range map[string]string{
		"":                       "",
		"fail_open":              "fail_open",
		"<b>":                    "",
		"two words":              "",
		strings.Repeat("a", 64):  strings.Repeat("a", 64),
		strings.Repeat("a", 100): "",
	} {
		assert.Equal(t, want, answerCause(http.Header{causeHeader: {told}}), told)
	}
}

// Whatever a server sends, reading it ends, and says something sound.
func FuzzAnswer(f *testing.F) {
	for _, s := range []string{"", `Bearer error="invalid_token"`, "token;dur=1", "token; hit", `"\`, `,;="`, "a;dur=\"1\\\"\""} {
		f.Add(401, s)
	}
	f.Fuzz(func(t *testing.T, status int, line string) {
		h := http.Header{"Www-Authenticate": {line}, "Server-Timing": {line}, "Cache-Status": {line}, causeHeader: {line}}
		out := answerOutcome(status, h)
		assert.Equal(t, out.Verdict == token.Reject, out.Reason != "", "a reject, and nothing else, has a reason")
		assert.Contains(t, []string{"", "hit", "miss"}, answerCache(h))
		assert.GreaterOrEqual(t, answerCheck(h), time.Duration(-1))
		assert.LessOrEqual(t, len(answerCause(h)), maxCause)
	})
}
