package remote

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/chaos"
	"github.com/tokendrill/tokendrill/fixtures/pattern"
	"github.com/tokendrill/tokendrill/harness"
)

// paths are one of each kind that the protocol has.
var paths = []string{
	"POST /serve", "DELETE /serve", "PUT /faults/1", "GET /faults/1", "DELETE /faults/1",
	"PUT /control/clock", "GET /control/clock", "GET /calls", "GET /reach", "GET /ping", "GET /nothing",
}

func TestNobodyGetsInWithoutTheKey(t *testing.T) {
	for _, row := range []struct{ comes, with string }{
		{"nothing", ""},
		{"another key", "Bearer another"},
		{"an empty key", "Bearer "},
		{"the hash of the key", "Bearer " + HashKey(controlKey)},
		{"the key and more", "Bearer " + controlKey + "x"},
		{"the beginning of the key", "Bearer " + controlKey[:8]},
		{"the key by another scheme", "Basic " + controlKey},
		{"the key twice", "Bearer " + controlKey + ", Bearer " + controlKey},
	} {
		t.Run(row.comes, func(t *testing.T) {
			p := launchWith(t, Options{Kind: "upstream", KeyHash: HashKey(controlKey), Start: func(context.Context, harness.Role, pattern.Auditor) (*harness.Served, error) {
				assert.Fail(t, "a role is started")
				return nil, errors.ErrUnsupported
			}})
			for _, path := range paths {
				method, at, _ := strings.Cut(path, " ")
				status, said := p.send(t, method, at, row.with, "1", `{"Kind": "upstream"}`)
				assert.Equal(t, http.StatusUnauthorized, status, path)
				assert.Equal(t, `{"error":"the control key is missing or wrong"}`, said)
			}
			status, _ := p.ask(t, http.MethodGet, "/ping", "", "")
			assert.Equal(t, http.StatusOK, status, "the process is still there, and the key is good")
		})
	}
}

// A key in the wrong place is none.
func TestTheKeyIsNotTakenFromAURL(t *testing.T) {
	p := launch(t, "upstream", "")
	status, _ := p.send(t, http.MethodGet, "/ping?access_token="+controlKey, "", "", "")
	assert.Equal(t, http.StatusUnauthorized, status)
}

func TestOptionsAreChecked(t *testing.T) {
	good := HashKey("x")
	for _, row := range []struct {
		o    Options
		want string
	}{
		{Options{Kind: "gateway", KeyHash: good}, ""},
		{Options{Kind: "gatway", KeyHash: good}, `no role is called "gatway"; expected one of registry, authority, cdn, upstream, origin, gateway`},
		{Options{Kind: "", KeyHash: good}, "no role is called"},
		{Options{Kind: "gateway"}, "no SHA-256"},
		{Options{Kind: "gateway", KeyHash: good[:62]}, "no SHA-256"},
		{Options{Kind: "gateway", KeyHash: good + "00"}, "no SHA-256"},
		{Options{Kind: "gateway", KeyHash: strings.Repeat("x", 64)}, "no SHA-256"},
	} {
		err := row.o.Check()
		if row.want == "" {
			assert.NoError(t, err)
			continue
		}
		assert.ErrorContains(t, err, row.want)
		ln, lerr := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, lerr)
		assert.ErrorContains(t, Serve(t.Context(), ln, row.o), row.want)
		assert.ErrorIs(t, ln.Close(), net.ErrClosed, "it was closed")
	}
}

// pipes is a listener within a synctest bubble.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { close(p.closed); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// dial is a transport over them.
func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	p.conns <- theirs
	return ours, nil
}

func TestAProcessForWhichNobodyComesEnds(t *testing.T) {
	for _, row := range []struct {
		calls string
		key   string
		until time.Duration
	}{
		{"nobody calls", "", time.Minute},
		{"the stage calls after 40 s", controlKey, 100 * time.Second},
		{"a stranger calls after 40 s", "another", time.Minute},
	} {
		t.Run(row.calls, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ln := &pipes{make(chan net.Conn), make(chan struct{})}
				began := time.Now()
				if row.key != "" {
					go func() {
						time.Sleep(40 * time.Second)
						tr := &http.Transport{DialContext: ln.dial, DisableKeepAlives: true}
						req, _ := http.NewRequest(http.MethodGet, "http://process/ping", nil)
						req.Header.Set("Authorization", "Bearer "+row.key)
						res, err := tr.RoundTrip(req)
						if assert.NoError(t, err) {
							res.Body.Close()
						}
					}()
				}
				require.NoError(t, Serve(t.Context(), ln, Options{Kind: "gateway", KeyHash: HashKey(controlKey)}))
				assert.Equal(t, row.until, time.Since(began))
			})
		})
	}
}

// upstreamRole is a role that needs nobody.
var upstreamRole = harness.Role{Kind: "upstream", Node: "upstream"}

func TestARoleEndsWithItsClient(t *testing.T) {
	for _, row := range []struct {
		when string
		ends func(*process, *Client)
	}{
		{"it closes the role", func(_ *process, c *Client) { assert.NoError(t, c.Close()) }},
		{"it goes away", func(_ *process, c *Client) { c.held().cancel() }},
		{"somebody else ends the role", func(p *process, _ *Client) {
			status, _ := p.ask(t, http.MethodDelete, "/serve", "1000", "")
			assert.Equal(t, http.StatusOK, status)
		}},
		{"the process is told to end", func(p *process, _ *Client) { p.end() }},
	} {
		t.Run(row.when, func(t *testing.T) {
			p, c := serving(t, upstreamRole)
			at, err := url.Parse(c.up.URL)
			require.NoError(t, err)
			conn, err := net.Dial("tcp", at.Host)
			require.NoError(t, err)
			conn.Close()
			row.ends(p, c)
			p.endsByItself(t)
			_, err = net.Dial("tcp", at.Host)
			assert.Error(t, err, "the role is down")
			assert.NoError(t, c.Close())
			assert.NoError(t, c.Close(), "it may be closed again")
		})
	}
}

func TestARoleOnItsWayEndsWithItsClient(t *testing.T) {
	begun := make(chan struct{})
	p := launchWith(t, Options{Kind: "upstream", KeyHash: HashKey(controlKey), Start: func(ctx context.Context, _ harness.Role, _ pattern.Auditor) (*harness.Served, error) {
		close(begun)
		<-ctx.Done()
		return nil, ctx.Err()
	}})
	c := NewClient(func() string { return p.at }, controlKey)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-begun; cancel() }()
	_, err := c.Start(ctx, upstreamRole)
	require.ErrorIs(t, err, context.Canceled)
	assert.NoError(t, c.Close(), "there is nothing to close")
	p.end()
	p.endsByItself(t)
}

func TestAProcessServesOneRole(t *testing.T) {
	p, c := serving(t, upstreamRole)
	status, said := p.ask(t, http.MethodPost, "/serve", "", `{"Kind": "upstream"}`)
	assert.Equal(t, http.StatusConflict, status)
	assert.Equal(t, `{"error":"there is a role already"}`, said)
	_, err := c.Start(t.Context(), upstreamRole)
	assert.EqualError(t, err, "upstream upstream: it has been started")
	assert.NoError(t, c.Ping(t.Context()))
	assert.NoError(t, c.Reach(t.Context()))
	assert.Empty(t, c.Hops())
	assert.Empty(t, c.Calls())
}

func TestARoleThatDoesNotStartLeavesTheProcessToTheNext(t *testing.T) {
	p := launch(t, "cdn", "")
	c := NewClient(func() string { return p.at }, controlKey)
	role := harness.Role{Kind: "cdn", Node: "cdn", Peers: harness.Peers{Authority: "no URL"}}
	_, err := c.Start(t.Context(), role)
	require.ErrorContains(t, err, "serve cdn cdn: ")
	role.Peers.Authority, role.Links = "http://127.0.0.1:1", map[string]harness.LinkProfile{"cdn-authority": {}}
	_, err = c.Start(t.Context(), role)
	require.NoError(t, err)
	assert.Equal(t, []string{"cdn-authority"}, c.Hops())
	assert.ErrorContains(t, c.Reach(t.Context()), "127.0.0.1:1 is out of reach: ")
	require.NoError(t, c.Close())
}

// Before there is a role nothing can be asked of it.
func TestThereIsNothingToChangeBeforeTheRole(t *testing.T) {
	p := launch(t, "upstream", "")
	for i, path := range paths[1:9] {
		method, at, _ := strings.Cut(path, " ")
		status, said := p.ask(t, method, at, fmt.Sprint(1+i), "{}")
		assert.Equal(t, http.StatusConflict, status, path)
		assert.Equal(t, `{"error":"no role is up"}`, said, path)
	}
	c := NewClient(func() string { return p.at }, controlKey)
	assert.ErrorContains(t, c.Do(t.Context(), chaos.Command{Verb: chaos.VerbClock, Amount: 1}), "it is not up")
	assert.ErrorContains(t, c.Resume(t.Context()), "it is not up")
	_, err := c.Inject(t.Context(), "link.cut", chaos.Params{}, []string{"x"}, 1)
	assert.ErrorContains(t, err, "it is not up")
}
