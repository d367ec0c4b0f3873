package remote

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/chaos"
	"github.com/tokendrill/tokendrill/harness"
)

// cdn is a role with a hop and a verb, whose peer is not there.
func cdn(t testing.TB) (*process, *Client) {
	return serving(t, harness.Role{
		Kind: "cdn", Node: "cdn", Peers: harness.Peers{Authority: "http://127.0.0.1:1"},
		Links: map[string]harness.LinkProfile{"cdn-authority": {}},
	})
}

// A request that was given up while the process was frozen changes nothing when it
// is read after all.
func TestAChangeThatWasOvertakenIsVoid(t *testing.T) {
	p, c := cdn(t)
	const cut = `{"fault": "link.cut", "hops": ["cdn-authority"]}`
	for _, row := range []struct {
		method, path, order, body string
		status                    int
	}{
		{http.MethodDelete, "/faults/7", "2", "", http.StatusNotFound},
		{http.MethodPut, "/faults/7", "1", cut, http.StatusConflict},
		{http.MethodPut, "/faults/7", "2", cut, http.StatusConflict},
		{http.MethodGet, "/faults/7", "", "", http.StatusNotFound},
		{http.MethodPut, "/control/flush", "4", `{"amount": 0}`, http.StatusOK},
		{http.MethodPut, "/control/flush", "3", `{"amount": 1}`, http.StatusConflict},
		{http.MethodPut, "/faults/8", "1", cut, http.StatusOK},
		{http.MethodPut, "/faults/8", "2", cut, http.StatusConflict},
		{http.MethodDelete, "/faults/8", "3", "", http.StatusOK},
		{http.MethodDelete, "/faults/8", "4", "", http.StatusOK},
		{http.MethodPut, "/faults/8", "5", cut, http.StatusConflict},
		{http.MethodPut, "/faults/9", "", cut, http.StatusBadRequest},
		{http.MethodPut, "/faults/9", "-1", cut, http.StatusBadRequest},
	} {
		status, said := p.ask(t, row.method, row.path, row.order, row.body)
		assert.Equal(t, row.status, status, "%s %s %s: %s", row.method, row.path, row.order, said)
	}
	met, _ := c.Count(chaos.VerbFlush)
	assert.Zero(t, met)
}

// deaf is a process that takes connections and does not answer.
func deaf(t testing.TB) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { ln.Close() })
	return "http://" + ln.Addr().String()
}

func TestAFrozenProcessIsNotWaitedForForever(t *testing.T) {
	p, _ := cdn(t)
	at := p.at
	c := NewClient(func() string { return at }, controlKey)
	c.lease, c.role = &lease{func() {}, make(chan struct{})}, harness.Role{Kind: "cdn", Node: "cdn"}
	at = deaf(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := c.Inject(ctx, "link.cut", chaos.Params{}, []string{"cdn-authority"}, 1)
	require.ErrorIs(t, err, chaos.ErrLeft)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	assert.ErrorIs(t, c.Do(ctx, chaos.Command{Verb: chaos.VerbFlush}), context.DeadlineExceeded)
	began := time.Now()
	met, _ := c.Count(chaos.VerbFlush)
	assert.Zero(t, met)
	assert.GreaterOrEqual(t, time.Since(began), askLimit)
	_, faults := c.inForce()
	assert.Empty(t, faults, "it is not repeated")
	close(c.lease.over)
}

func TestHostileBodies(t *testing.T) {
	long := fmt.Sprintf(`{"Node": %q}`, strings.Repeat("x", maxRole))
	waiting := launch(t, "upstream", "")
	p, c := cdn(t)
	for _, row := range []struct {
		what, path, body string
		status           int
		want             string
	}{
		{"nothing", "POST /serve", "", 400, "the body is no role: it ends too early"},
		{"half a role", "POST /serve", `{"Kind": "upstr`, 400, "the body is no role: it ends too early"},
		{"no JSON", "POST /serve", "Kind: upstream", 400, "the body is no role: it is no JSON at byte 1"},
		{"null", "POST /serve", "null", 400, "the role is not of the kind upstream"},
		{"a list", "POST /serve", "[]", 400, "the body is no role: something in it is no harness.Role"},
		{"two roles", "POST /serve", `{"Kind": "upstream"} {"Kind": "upstream"}`, 400, "the body is no role: there is more than one JSON value"},
		{"a role of another kind", "POST /serve", `{"Kind": "gateway"}`, 400, "the role is not of the kind upstream"},
		{"an unknown field", "POST /serve", `{"Kind": "upstream", "Command": "sh"}`, 400, "the body is no role: a field is unknown, or has a value that it cannot have"},
		{"an unknown field deep down", "POST /serve", `{"Kind": "upstream", "Peers": {"Shell": "sh"}}`, 400, "a field is unknown"},
		{"a number for a name", "POST /serve", `{"Kind": 7}`, 400, "something in it is no string"},
		{"a negative seed", "POST /serve", `{"Kind": "upstream", "Links": {"x": {"Seed": -1}}}`, 400, "something in it is no uint64"},
		{"keys that are none", "POST /serve", `{"Kind": "upstream", "RootKeys": "secret"}`, 400, "a field is unknown, or has a value that it cannot have"},
		{"a role that is too long", "POST /serve", long, 413, "the body is longer than 1048576 bytes"},
		{"deep nesting", "POST /serve", strings.Repeat(`{"Peers":`, 20000), 400, "the body is no role"},

		{"nothing", "PUT /faults/1", "", 400, "the body is no fault: it ends too early"},
		{"no fault", "PUT /faults/1", "{}", 400, `no fault of a link is called ""`},
		{"an unknown fault", "PUT /faults/1", `{"fault": "link.melt", "hops": ["cdn-authority"]}`, 400, `no fault of a link is called "link.melt"`},
		{"a command", "PUT /faults/1", `{"fault": "exec", "params": {"Inject": ["touch", "/tmp/x"]}, "hops": ["cdn-authority"]}`, 400, `no fault of a link is called "exec"`},
		{"a call", "PUT /faults/1", `{"fault": "call", "params": {"InjectCall": {"URL": "http://127.0.0.1:1"}}, "hops": ["cdn-authority"]}`, 400, `no fault of a link is called "call"`},
		{"a fault of nodes", "PUT /faults/1", `{"fault": "clock.skew", "params": {"Offset": 1}, "hops": ["cdn-authority"]}`, 400, `no fault of a link is called "clock.skew"`},
		{"a fault of containers", "PUT /faults/1", `{"fault": "container.kill", "hops": ["cdn-authority"]}`, 400, `no fault of a link is called "container.kill"`},
		{"a command beside a fault", "PUT /faults/1", `{"fault": "link.cut", "params": {"Inject": ["touch", "/tmp/x"]}, "hops": ["cdn-authority"]}`, 400, "expected none for link.cut"},
		{"a share of two", "PUT /faults/1", `{"fault": "link.cut", "params": {"Share": 2}, "hops": ["cdn-authority"]}`, 400, "link.cut: share is 2; expected 1e-06 to 1"},
		{"a parameter that lacks", "PUT /faults/1", `{"fault": "link.delay", "hops": ["cdn-authority"]}`, 400, "link.delay: delay is 0s; expected 1ms to 1m0s"},
		{"a parameter that nobody knows", "PUT /faults/1", `{"fault": "link.cut", "params": {"Force": 1}, "hops": ["cdn-authority"]}`, 400, "a field is unknown"},
		{"a hop that is not there", "PUT /faults/1", `{"fault": "link.cut", "hops": ["edge-origin"]}`, 400, `cdn has the hops ["cdn-authority"]`},
		{"a hop twice", "PUT /faults/1", `{"fault": "link.cut", "hops": ["cdn-authority", "cdn-authority"]}`, 400, "each of them once"},
		{"no hop", "PUT /faults/1", `{"fault": "link.cut"}`, 400, "each of them once"},
		{"a hop that the fault is not for", "PUT /faults/1", `{"fault": "push.drop", "hops": ["cdn-authority"]}`, 400, "push.drop cannot act on cdn-authority"},
		{"a fault that is too long", "PUT /faults/1", strings.Repeat(" ", maxBody) + "{}", 413, "the body is longer than 65536 bytes"},

		{"nothing", "PUT /control/flush", "", 400, "the body is no command: it ends too early"},
		{"a verb in the body", "PUT /control/flush", `{"verb": "pause"}`, 400, "a field is unknown"},
		{"an unknown verb", "PUT /control/melt", `{"amount": 1}`, 400, `no role knows the verb "melt"`},
		{"a verb of containers", "PUT /control/pause", `{"amount": 1}`, 400, `no role knows the verb "pause"`},
		{"a verb of other roles", "PUT /control/clock", `{"amount": 1}`, 500, "the node cannot clock"},
		{"an offset of years", "PUT /control/clock", `{"amount": 1e9}`, 400, "the amount of clock is 1e+09; expected -86400 to 86400"},
		{"a factor of zero", "PUT /control/ttl", `{"amount": 0}`, 400, "the amount of ttl is 0; expected 0.01 to 1000"},
		{"half a flush and more", "PUT /control/flush", `{"amount": 1.5}`, 400, "the amount of flush is 1.5; expected 0 to 1"},
		{"an amount beyond numbers", "PUT /control/clock", `{"amount": 1e999}`, 400, "something in it is no float64"},
		{"the counts of an unknown verb", "GET /control/melt", "", 404, `cdn does not know the verb "melt"`},
	} {
		t.Run(row.path+" with "+row.what, func(t *testing.T) {
			method, at, _ := strings.Cut(row.path, " ")
			to := p
			if at == "/serve" {
				to = waiting
			}
			status, said := to.ask(t, method, at, fmt.Sprint(time.Now().UnixNano()), row.body)
			assert.Equal(t, row.status, status, said)
			var f failure
			require.NoError(t, json.Unmarshal([]byte(said), &f), said)
			assert.Contains(t, f.Error, row.want)
			assert.Less(t, len(said), 400, "it does not say all of it again")
		})
	}
	assert.NoError(t, c.Ping(t.Context()))
	status, _ := p.ask(t, http.MethodGet, "/faults/1", "", "")
	assert.Equal(t, http.StatusNotFound, status, "nothing is in place")
	status, _ = waiting.ask(t, http.MethodGet, "/calls", "", "")
	assert.Equal(t, http.StatusConflict, status, "no role is up")
}
