package chaos

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// board is a system that is broken and mended by calls, and keeps what it was asked.
type board struct {
	*httptest.Server
	asked []string // in order; one at a time asks
}

func newBoard(t *testing.T) *board {
	b := &board{}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		b.asked = append(b.asked, strings.TrimSpace(r.Method+" "+r.URL.RequestURI()+" "+r.Header.Get("X-Asks")+" "+string(body)))
		var status int
		if _, err := fmt.Sscanf(r.URL.Path, "/%d", &status); err == nil {
			http.Redirect(w, r, "/elsewhere", status)
		}
		_, _ = io.WriteString(w, "an answer that nobody may see")
	}))
	t.Cleanup(b.Close)
	return b
}

func (b *board) call(path string) *Call { return &Call{URL: b.URL + path} }

func TestCallsBreakAndMendWithEvidence(t *testing.T) {
	t.Setenv("WHAT", "idp")
	t.Setenv("WHO", "me")
	b := newBoard(t)
	in, err := calls{
		broken: &Call{URL: b.URL + "/${WHAT}?by=${WHO}", Headers: map[string]string{"X-Asks": "for ${WHO}"}, Body: `{"up": "${WHAT}"}`},
		mended: &Call{Method: "DELETE", URL: b.URL + "/${WHAT}"},
	}.Inject(t.Context(), Target{})
	require.NoError(t, err)
	assert.Equal(t, []string{`POST /idp?by=me for me {"up": "idp"}`}, b.asked)
	assert.EqualValues(t, 1, in.Met(), "the inject call was answered well")
	assert.Zero(t, in.Clear())

	require.NoError(t, in.Heal(t.Context()))
	assert.Equal(t, "DELETE /idp", b.asked[1])
	assert.EqualValues(t, 1, in.Clear(), "the heal call was answered well")
}

func TestAnInjectCallThatFailsLeavesNothing(t *testing.T) {
	b := newBoard(t)
	gone := httptest.NewServer(nil)
	gone.Close()
	for _, row := range []struct {
		name   string
		inject *Call
		heal   *Call
		says   string // URL stands for the board's
		asked  []string
		left   bool
	}{
		{"it was refused: it is mended", b.call("/503"), b.call("/up"), "inject: POST URL/503: status 503, expected 2xx", []string{"POST /503", "POST /up"}, false},
		{"a redirect is not followed", b.call("/307"), b.call("/up"), "inject: POST URL/307: status 307, expected 2xx", []string{"POST /307", "POST /up"}, false},
		{"a success that was not expected", &Call{URL: b.URL + "/200", Status: []int{201, 409}}, b.call("/up"), "inject: POST URL/200: status 200, expected 201 or 409", []string{"POST /200", "POST /up"}, false},
		{"it cannot be mended: it is left", b.call("/503"), b.call("/500"), "inject: POST URL/503: status 503, expected 2xx; heal: POST URL/500: status 500, expected 2xx; it may still be in place", []string{"POST /503", "POST /500"}, true},
		{"there is nothing to mend it with: it is left", b.call("/503"), nil, "inject: POST URL/503: status 503, expected 2xx; nothing heals it; it may still be in place", []string{"POST /503"}, true},
		{"nobody is there: nothing happened", &Call{URL: gone.URL}, b.call("/up"), "inject: POST " + gone.URL + ": connection refused", nil, false},
		{"a variable is not set: nothing happened", b.call("/${NO_SUCH}"), b.call("/up"), "inject: POST URL/${NO_SUCH}: environment variable NO_SUCH is not set", nil, false},
		{"a host is not allowed: nothing happened", &Call{URL: "http://idp.example/down"}, b.call("/up"), "inject: POST http://idp.example/down: host idp.example is not allowed; expected --allow-host idp.example", nil, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			b.asked = nil
			_, err := calls{broken: row.inject, mended: row.heal}.Inject(t.Context(), Target{})
			require.EqualError(t, err, strings.ReplaceAll(row.says, "URL", b.URL))
			assert.Equal(t, row.left, isLeft(err))
			assert.Equal(t, row.asked, b.asked)
		})
	}
}

func TestAStatusThatIsListedIsASuccess(t *testing.T) {
	b := newBoard(t)
	for _, status := range []int{307, 404, 409} {
		c := Call{URL: fmt.Sprint(b.URL, "/", status), Status: []int{404, 409, 307}}
		_, err := c.send(t.Context(), nil)
		require.NoError(t, err)
	}
}

// A call that is interrupted in the middle is taken back, although its context has ended.
func TestAnInterruptedCallIsTakenBack(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	release := make(chan struct{})
	var mended bool
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if mended = r.URL.Path == "/up"; mended {
			return
		}
		cancel()
		<-release
	}))
	defer s.Close()
	defer close(release)
	_, err := calls{broken: &Call{URL: s.URL + "/down"}, mended: &Call{URL: s.URL + "/up"}}.Inject(ctx, Target{})
	require.ErrorIs(t, err, context.Canceled)
	assert.NotErrorIs(t, err, ErrLeft)
	assert.True(t, mended)
}

// Whatever comes back, an error shows none of it, and nothing that variables hold.
func TestErrorsOfCallsShowNeitherSecretsNorAnswers(t *testing.T) {
	const secret = "s3cr3t"
	t.Setenv("SECRET", secret)
	t.Setenv("WITH_USER", "http://me:"+secret+"@127.0.0.1/")
	t.Setenv("LINES", secret+"\nX: y")
	t.Setenv("PORT", secret)
	raw := func(answer string) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			c, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				_, _ = io.WriteString(c, answer)
				c.Close()
			}
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	hanging := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(hanging.Close)
	trusted := httptest.NewTLSServer(nil)
	t.Cleanup(trusted.Close)
	header := func(value string) map[string]string { return map[string]string{"Authorization": value} }
	for _, row := range []struct {
		name string
		call Call
		says string
	}{
		{"an answer that is no HTTP", Call{URL: raw("leaked " + secret + "\r\n\r\n"), Headers: header("Bearer ${SECRET}")}, "no HTTP answer"},
		{"no answer at all", Call{URL: raw("") + "/${SECRET}"}, "no HTTP answer"},
		{"a header without an end", Call{URL: raw("HTTP/1.1 200 OK\r\nA: " + strings.Repeat(secret, maxAnswer))}, "no HTTP answer"},
		{"an answer that does not come", Call{URL: hanging.URL + "/${SECRET}"}, "no answer in time"},
		{"a user in a variable", Call{URL: "${WITH_USER}down"}, "url is a URL with a user or a password; expected a header with ${NAME} in the place of them"},
		{"a port that is none", Call{URL: "http://127.0.0.1:${PORT}/"}, "url is not the URL of an HTTP request; expected such as http://127.0.0.1:8080/down"},
		{"two lines in a header", Call{URL: hanging.URL, Headers: header("${LINES}")}, "the value of header Authorization is not printable"},
		{"a certificate of nobody", Call{URL: trusted.URL + "/${SECRET}"}, "its certificate is not trusted"},
	} {
		t.Run(row.name, func(t *testing.T) {
			ctx := t.Context()
			if row.says == "no answer in time" { // nothing else should take any
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, 300*time.Millisecond)
				defer cancel()
			}
			_, err := row.call.send(ctx, nil)
			require.EqualError(t, err, row.call.String()+": "+row.says)
			assert.NotContains(t, err.Error(), secret)
		})
	}
}

func TestOnlyHostsThatWereNamedAreCalled(t *testing.T) {
	for _, row := range []struct {
		url   string
		hosts []string
		want  string
	}{
		{"http://127.0.0.1:1/x", nil, ""},
		{"http://127.9.9.9/x", nil, ""},
		{"http://[::1]:1/x", nil, ""},
		{"http://LocalHost:1/x", nil, ""},
		{"http://idp.example/x", []string{"IdP.example"}, ""},
		{"http://10.0.0.1:80/x", []string{"10.0.0.1"}, ""},
		{"http://10.0.0.1/x", nil, "host 10.0.0.1 is not allowed; expected --allow-host 10.0.0.1"},
		{"http://0.0.0.0/x", nil, "host 0.0.0.0 is not allowed; expected --allow-host 0.0.0.0"},
		{"http://localhost.example/x", nil, "host localhost.example is not allowed; expected --allow-host localhost.example"},
		{"http://127.0.0.1.example/x", nil, "host 127.0.0.1.example is not allowed; expected --allow-host 127.0.0.1.example"},
		{"http://a.idp.example/x", []string{"idp.example"}, "host a.idp.example is not allowed; expected --allow-host a.idp.example"},
	} {
		t.Run(row.url, func(t *testing.T) {
			_, err := Call{URL: row.url}.request(t.Context(), row.hosts)
			if row.want == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, "POST "+row.url+": "+row.want)
		})
	}
}

// A variable cannot lead a call away from the host that its text seems to name.
func TestAVariableCannotLeadElsewhere(t *testing.T) {
	for value, want := range map[string]string{
		".evil.example": "host 127.0.0.1.evil.example is not allowed; expected --allow-host 127.0.0.1.evil.example",
		"@evil.example": "url is a URL with a user or a password; expected a header with ${NAME} in the place of them",
	} {
		t.Setenv("TAIL", value)
		_, err := Call{URL: "http://127.0.0.1${TAIL}/"}.request(t.Context(), nil)
		require.EqualError(t, err, "POST http://127.0.0.1${TAIL}/: "+want)
	}
}

func TestAnEntryHoldsTheTextOfAHealCall(t *testing.T) {
	t.Setenv("SECRET", "s3cr3t")
	spec, _ := Find("call")
	good := &Call{URL: "http://localhost/${SECRET}", Headers: map[string]string{"Authorization": "Bearer ${SECRET}"}}
	e, err := NewEntry(spec, Params{InjectCall: good, HealCall: good, Hosts: []string{"idp.example"}}, "", time.Now())
	require.NoError(t, err)
	assert.Equal(t, UndoCall, e.Undo)
	require.NoError(t, e.check())
	data, err := line{Inject: &e, ID: 1}.encode()
	require.NoError(t, err)
	assert.Contains(t, string(data), "Bearer ${SECRET}")
	assert.Contains(t, string(data), "idp.example")
	assert.NotContains(t, string(data), "s3cr3t")

	e, err = NewEntry(spec, Params{InjectCall: good}, "", time.Now())
	require.NoError(t, err)
	assert.Equal(t, UndoNone, e.Undo)

	elsewhere := &Call{URL: "http://idp.example/"}
	_, err = NewEntry(spec, Params{InjectCall: elsewhere, HealCall: good}, "", time.Now())
	require.EqualError(t, err, "inject call: POST http://idp.example/: host idp.example is not allowed; expected --allow-host idp.example")
	_, err = NewEntry(spec, Params{InjectCall: good, HealCall: &Call{URL: "http://localhost/${NO_SUCH}"}}, "", time.Now())
	require.EqualError(t, err, "heal call: POST http://localhost/${NO_SUCH}: environment variable NO_SUCH is not set")
}

// byCall is an entry that a call undoes.
func byCall(t *testing.T, c *Call) Entry {
	t.Helper()
	spec, _ := Find("call")
	e, err := NewEntry(spec, Params{InjectCall: c, HealCall: c}, "", time.Now())
	require.NoError(t, err)
	return e
}

func TestADeadOwnersCallsAreMadeOnce(t *testing.T) {
	t.Setenv("WHAT", "idp")
	b := newBoard(t)
	j, dir := openJournal(t)
	for _, path := range []string{"/first/${WHAT}", "/503", "/third"} {
		_, err := j.Begin(byCall(t, b.call(path)))
		require.NoError(t, err)
	}
	j.die()
	undone, err := recoverAll(t, dir)
	require.ErrorContains(t, err, "1 fault is left in place")
	assert.Equal(t, []string{"call ", "call  failed", "call "}, undone)
	assert.Equal(t, []string{"POST /third", "POST /503", "POST /first/idp"}, b.asked)

	b.asked = nil
	_, err = recoverAll(t, dir)
	require.Error(t, err)
	assert.Equal(t, []string{"POST /503"}, b.asked, "only what is left is tried again")
}

func TestAWatchdogMakesTheCallsOfADeadOwner(t *testing.T) {
	b := newBoard(t)
	j, dir := openJournal(t)
	ended := watchSelf(t, dir)
	_, err := j.Begin(byCall(t, b.call("/up")))
	require.NoError(t, err)
	j.die()
	require.NoError(t, <-ended)
	assert.Equal(t, []string{"POST /up"}, b.asked)
}

// The variables of a heal call may be missing where a journal is played.
func TestAJournalIsNotPlayedWithoutItsVariables(t *testing.T) {
	b := newBoard(t)
	t.Setenv("LATER", "x")
	e := byCall(t, b.call("/${LATER}"))
	e.Call = b.call("/${NEVER_SET}")
	require.EqualError(t, e.undo(t.Context()), "POST "+b.URL+"/${NEVER_SET}: environment variable NEVER_SET is not set")
	e.Call = &Call{URL: "http://idp.example/"}
	require.EqualError(t, e.undo(t.Context()), "POST http://idp.example/: host idp.example is not allowed; expected --allow-host idp.example")
	assert.Empty(t, b.asked)
}
