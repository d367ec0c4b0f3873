package chaos

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// peer answers every request by what is in it, without a network.
type peer func(r *http.Request, body string) (status int, header map[string]string, answer string)

// RoundTrip implements http.RoundTripper.
func (p peer) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		r.Body.Close()
	}
	status, header, answer := p(r, string(body))
	w := httptest.NewRecorder()
	for name, value := range header {
		w.Header().Set(name, value)
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
	w.WriteHeader(status)
	w.WriteString(answer)
	resp := w.Result()
	resp.Request = r
	return resp, nil
}

// said is what a caller got.
type said struct {
	status int
	header http.Header
	body   string
	took   time.Duration
}

// call sends one request over a link.
func call(t *testing.T, l *Link, to peer, method, path, body string) (said, error) {
	t.Helper()
	start := time.Now()
	r := httptest.NewRequestWithContext(t.Context(), method, "http://peer"+path, strings.NewReader(body))
	r.RequestURI = ""
	resp, err := l.Transport(to).RoundTrip(r)
	if err != nil {
		return said{took: time.Since(start)}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	assert.EqualValues(t, len(text), resp.ContentLength, "Content-Length is right")
	return said{resp.StatusCode, resp.Header, string(text), time.Since(start)}, nil
}

// two are a link that a fault hits, and the same hop at another node.
func two() (hit, other *Link) {
	return NewLink("gateway-authority", "cache/gw-1", Delay{}, 1), NewLink("gateway-authority", "cache/gw-2", Delay{}, 2)
}

func inject(t require.TestingT, name string, p Params, links ...*Link) *Injected {
	spec, ok := Find(name)
	require.True(t, ok, name)
	require.NoError(t, spec.Check(p))
	i, err := spec.New(p).Inject(contextOf(t), Target{Links: links, Seed: 7})
	require.NoError(t, err)
	return i
}

var fine = peer(func(*http.Request, string) (int, map[string]string, string) { return 200, nil, "fine" })

func TestAFaultOfRequestsActsOnItsLinkAndUntilItIsHealed(t *testing.T) {
	const ms = time.Millisecond
	for _, row := range []struct {
		name, fault string
		params      Params
		profile     Delay
		status      int
		err         error
		took        time.Duration
		retry       string
	}{
		{name: "a cut refuses at once", fault: "link.cut", profile: Delay{P50: 5 * ms}, err: ErrCut},
		{name: "a cut is a refused connection to the caller", fault: "link.cut", err: syscall.ECONNREFUSED},
		{name: "a reset loses the answer", fault: "link.reset", profile: Delay{P50: 5 * ms}, err: syscall.ECONNRESET, took: 5 * ms},
		{name: "a delay comes on top of the profile", fault: "link.delay", profile: Delay{P50: 5 * ms}, params: Params{Delay: Delay{P50: 20 * ms}}, status: 200, took: 25 * ms},
		{name: "an error is a 503", fault: "http.error", status: 503, profile: Delay{P50: 5 * ms}, took: 5 * ms},
		{name: "or what was asked for", fault: "http.error", params: Params{Status: 500}, status: 500},
		{name: "a limit says when to come back", fault: "http.limit", status: 429, retry: "1"},
		{name: "in whole seconds, not too early", fault: "http.limit", params: Params{RetryAfter: 2500 * ms}, status: 429, retry: "3"},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				hit := NewLink("gateway-authority", "cache/gw-1", row.profile, 1)
				other := NewLink("gateway-authority", "cache/gw-2", row.profile, 2)
				i := inject(t, row.fault, row.params, hit)

				got, err := call(t, hit, fine, "POST", "/introspect", "x")
				assert.Equal(t, row.took, got.took)
				if row.err != nil {
					require.ErrorIs(t, err, row.err)
					assert.ErrorContains(t, err, "gateway-authority at cache/gw-1")
				} else {
					require.NoError(t, err)
					assert.Equal(t, row.status, got.status)
					assert.Equal(t, row.retry, got.header.Get("Retry-After"))
				}
				assert.EqualValues(t, 1, i.Met())
				assert.Zero(t, i.Clear())

				untouched(t, other, row.profile.P50)
				assert.EqualValues(t, 1, i.Met(), "another node's link is not this fault's")

				require.NoError(t, i.Heal(t.Context()))
				untouched(t, hit, row.profile.P50)
				assert.EqualValues(t, 1, i.Met())
				assert.EqualValues(t, 1, i.Clear())
			})
		})
	}
}

func untouched(t *testing.T, l *Link, took time.Duration) {
	t.Helper()
	got, err := call(t, l, fine, "POST", "/introspect", "x")
	require.NoError(t, err)
	assert.Equal(t, said{200, got.header, "fine", took}, got)
}

// A request that hangs is neither refused nor passed on: it waits for its caller to
// give up, or for the end.
func TestAHangHoldsRequestsUntilTheCallerGivesUpOrItHeals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hit, other := two()
		i := inject(t, "link.hang", Params{}, hit)
		asked := 0
		counting := peer(func(r *http.Request, body string) (int, map[string]string, string) {
			asked++
			return fine(r, body)
		})
		short, cancel := contextWithTimeout(t, 3*time.Second)
		defer cancel()
		_, err := hit.Transport(counting).RoundTrip(httptest.NewRequestWithContext(short, "GET", "http://as/", nil))
		require.ErrorIs(t, err, short.Err())
		assert.Zero(t, asked, "it never crossed")
		untouched(t, other, 0)

		time.AfterFunc(time.Minute, func() { i.Heal(t.Context()) })
		got, err := call(t, hit, counting, "GET", "/", "")
		require.NoError(t, err)
		assert.Equal(t, time.Minute, got.took)
		assert.EqualValues(t, 2, i.Met())
		untouched(t, hit, 0)
		assert.EqualValues(t, 1, i.Clear())
	})
}

// What was asked for has happened, and the caller does not know.
func TestAResetLetsTheRequestCross(t *testing.T) {
	hit, _ := two()
	inject(t, "link.reset", Params{}, hit)
	var crossed string
	_, err := call(t, hit, func(_ *http.Request, body string) (int, map[string]string, string) {
		crossed = body
		return 200, nil, ""
	}, "POST", "/revoke", "token=t")
	require.ErrorIs(t, err, syscall.ECONNRESET)
	assert.Equal(t, "token=t", crossed)
}

// A delay that is over holds nobody up: the time after it is the time after it.
func TestHealingADelayReleasesWhatIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hit, _ := two()
		i := inject(t, "link.delay", Params{Delay: Delay{P50: time.Minute}}, hit)
		time.AfterFunc(time.Second, func() { i.Heal(t.Context()) })
		got, err := call(t, hit, fine, "GET", "/", "")
		require.NoError(t, err)
		assert.Equal(t, time.Second, got.took)
	})
}

func TestAPathLimitsAFaultAndItsEvidence(t *testing.T) {
	for _, fault := range []string{"link.cut", "link.reset", "http.error", "http.limit"} {
		t.Run(fault, func(t *testing.T) {
			hit, _ := two()
			i := inject(t, fault, Params{Path: "/introspect"}, hit)
			got, err := call(t, hit, fine, "GET", "/jwks", "")
			require.NoError(t, err)
			assert.Equal(t, "fine", got.body)
			assert.Zero(t, i.Met())
			got, err = call(t, hit, fine, "POST", "/introspect", "")
			assert.True(t, err != nil || got.status >= 400)
			assert.EqualValues(t, 1, i.Met())
			require.NoError(t, i.Heal(t.Context()))
			_, err = call(t, hit, fine, "GET", "/jwks", "")
			require.NoError(t, err)
			assert.Zero(t, i.Clear(), "nothing is known about the path that was hit")
			_, err = call(t, hit, fine, "POST", "/introspect", "")
			require.NoError(t, err)
			assert.EqualValues(t, 1, i.Clear())
		})
	}
}

// A caller's body is closed also when nobody reads it (http.RoundTripper).
func TestARequestThatGoesNowhereIsClosed(t *testing.T) {
	for _, fault := range []string{"link.cut", "http.error", "http.limit"} {
		t.Run(fault, func(t *testing.T) {
			hit, _ := two()
			inject(t, fault, Params{}, hit)
			var b closing
			r := httptest.NewRequestWithContext(t.Context(), "POST", "http://as/", &b)
			_, _ = hit.Transport(fine).RoundTrip(r)
			assert.True(t, b.closed)
		})
	}
}

type closing struct{ closed bool }

func (*closing) Read([]byte) (int, error) { return 0, io.EOF }
func (c *closing) Close() error           { c.closed = true; return nil }
