package harness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tokendrill/tokendrill/fixtures/token"
	"github.com/tokendrill/tokendrill/harness/measure"
)

// attackPipes serves h on in-memory connections, so that an attack can run on
// the fake clock of a synctest bubble. It ends with the test.
func attackPipes(t *testing.T, h http.HandlerFunc) *http.Transport {
	t.Helper()
	l := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
	srv := &http.Server{Handler: h}
	go srv.Serve(l)
	tr := NewTransport(100)
	tr.DialContext = l.dial
	t.Cleanup(func() {
		tr.CloseIdleConnections()
		srv.Close()
	})
	return tr
}

type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *pipeListener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		return client, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

// observations collects what an attack observes.
type observations struct {
	mu  sync.Mutex
	all []measure.Observation
}

func (o *observations) observe(obs measure.Observation) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.all = append(o.all, obs)
}

// p95 is the 95th percentile of f over all observations.
func (o *observations) p95(f func(measure.Observation) int64) time.Duration {
	var values []int64
	for _, obs := range o.all {
		values = append(values, f(obs))
	}
	slices.Sort(values)
	return time.Duration(values[len(values)*95/100-1])
}

func attackLag(o measure.Observation) int64      { return o.Start - o.Planned }
func attackService(o measure.Observation) int64  { return o.End - o.Start }
func attackResponse(o measure.Observation) int64 { return o.End - o.Planned }

// every yields n hits on url, one each gap.
func every(gap time.Duration, n int, url string) iter.Seq[Hit] {
	return func(yield func(Hit) bool) {
		for i := range n {
			if !yield(Hit{At: time.Duration(i) * gap, URL: url}) {
				return
			}
		}
	}
}

func answerOK(http.ResponseWriter, *http.Request) {}

// hang answers nothing until the client goes away.
func hang(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func TestAttackKeepsAbsoluteOffsets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := func(http.ResponseWriter, *http.Request) { time.Sleep(30 * time.Millisecond) }
		var seen observations
		plan := []time.Duration{0, 50 * time.Millisecond, 52 * time.Millisecond, 200 * time.Millisecond}
		hits := func(yield func(Hit) bool) {
			for _, at := range plan {
				time.Sleep(7 * time.Millisecond) // a slow plan delays nothing that is due later
				if !yield(Hit{At: at, URL: "http://gw/"}) {
					return
				}
			}
		}
		cfg := AttackConfig{Transport: attackPipes(t, slow), Start: time.Now(), Observe: seen.observe}
		stats, err := Attack(t.Context(), cfg, hits)
		require.NoError(t, err)
		assert.Equal(t, AttackStats{Planned: 4, Sent: 4, MaxInFlight: 2}, stats)

		slices.SortFunc(seen.all, func(a, b measure.Observation) int { return int(a.Planned - b.Planned) })
		var lags []time.Duration
		for i, obs := range seen.all {
			assert.Equal(t, int64(plan[i]), obs.Planned)
			assert.Equal(t, 30*time.Millisecond, time.Duration(attackService(obs)))
			lags = append(lags, time.Duration(attackLag(obs)))
		}
		// The first was due at once, the third 2 ms after the second: the plan was late.
		assert.Equal(t, []time.Duration{7 * time.Millisecond, 0, 5 * time.Millisecond, 0}, lags)
	})
}

// Result.Seq is not the order in which vegeta draws targets: without a label of
// its own, a result would be taken for another's.
func TestAttackJoinsEveryAnswerWithItsLabel(t *testing.T) {
	const n = 20_000
	var leaked atomic.Value
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name := range r.Header {
			if name == attackLabelHeader || strings.HasPrefix(name, "X-Vegeta") {
				leaked.Store(name)
			}
		}
		// The answer tells which request it belongs to.
		id := strings.TrimPrefix(r.URL.Path, "/")
		if strings.Join(r.Header.Values("Authorization"), " ") != id+" twice" {
			w.WriteHeader(http.StatusUnauthorized)
		}
		w.Header().Set("Server-Timing", "token;dur="+id)
	}))
	defer srv.Close()

	hits := func(yield func(Hit) bool) {
		for i := range n {
			id := strconv.Itoa(i)
			label := &measure.Observation{Event: measure.Event{Kind: measure.KindRequest, Token: token.Ref(id)}, Slice: i}
			hit := Hit{URL: srv.URL + "/" + id, Authorization: []string{id, "twice"}, Label: label}
			if !yield(hit) {
				return
			}
		}
	}
	var seen observations
	stats, err := Attack(t.Context(), AttackConfig{Workers: 64, Observe: seen.observe}, hits)
	require.NoError(t, err)
	assert.EqualValues(t, n, stats.Sent)
	assert.LessOrEqual(t, stats.MaxInFlight, int64(64))
	assert.Nil(t, leaked.Load(), "a header of ours reached the server")

	observed := make([]int, n)
	for _, obs := range seen.all {
		require.Equal(t, token.Accept, obs.Verdict)
		require.Equal(t, measure.KindRequest, obs.Kind)
		require.Equal(t, obs.Check, time.Duration(obs.Slice)*time.Millisecond)
		require.Equal(t, strconv.Itoa(obs.Slice), string(obs.Token))
		observed[obs.Slice]++
	}
	assert.Equal(t, slices.Repeat([]int{1}, n), observed, "every hit is observed once")
}

// vegeta's Stop neither interrupts its sleep nor what is in flight.
func TestAttackEndsWithItsContext(t *testing.T) {
	hourly := func(yield func(Hit) bool) {
		for h := 0; yield(Hit{At: time.Duration(h) * time.Hour, URL: "http://gw/"}); h++ {
		}
	}
	for name, row := range map[string]struct {
		hits    iter.Seq[Hit]
		workers int
		want    AttackStats
	}{
		"while it waits for a hit that is due much later": {
			hourly, 10, AttackStats{Planned: 1, Sent: 1, CutOff: 1, MaxInFlight: 1}},
		"while every answer is awaited": {
			every(100*time.Millisecond, 1000, "http://gw/"), 100, AttackStats{Planned: 10, Sent: 10, CutOff: 10, MaxInFlight: 10}},
		"while hits wait for a worker": {
			every(100*time.Millisecond, 1000, "http://gw/"), 4, AttackStats{Planned: 5, Sent: 4, CutOff: 4, MaxInFlight: 4}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				stopped := errors.New("stopped")
				ctx, cancel := context.WithCancelCause(t.Context())
				time.AfterFunc(950*time.Millisecond, func() { cancel(stopped) })
				var seen observations
				began := time.Now()
				cfg := AttackConfig{Transport: attackPipes(t, hang), Workers: row.workers, Observe: seen.observe}
				stats, err := Attack(ctx, cfg, row.hits)
				require.ErrorIs(t, err, stopped)
				assert.Equal(t, 950*time.Millisecond, time.Since(began))
				assert.Equal(t, row.want, stats)
				assert.Empty(t, seen.all, "a request that was cut off is nobody's answer")
			})
		})
	}
}

func TestAttackLeavesNoGoroutineOnRealSockets(t *testing.T) {
	before := goleak.IgnoreCurrent()
	srv := httptest.NewServer(http.HandlerFunc(hang))
	ctx, cancel := context.WithCancel(t.Context())
	cfg := AttackConfig{Workers: 16, Observe: func(measure.Observation) {}}
	var ended time.Time
	hits := func(yield func(Hit) bool) {
		for i := 0; ; i++ {
			if i == 16 { // every worker waits for its answer
				ended = time.Now()
				cancel()
			}
			if !yield(Hit{URL: srv.URL}) {
				return
			}
		}
	}
	_, err := Attack(ctx, cfg, hits)
	require.ErrorIs(t, err, context.Canceled)
	assert.Less(t, time.Since(ended), 10*time.Second)
	srv.Close()
	goleak.VerifyNone(t, before)
}

// A stall of 2 s at 500/s, with 16 workers, holds up a quarter of all requests:
// the 95th percentile of 4,000 is 1.6 s. A sender that starts the clock when it
// gets round to a request sees next to nothing of it.
func TestAttackCountsTheWaitThatAStallCauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		stall := func(http.ResponseWriter, *http.Request) {
			if now := time.Since(start); now >= 3*time.Second && now < 5*time.Second {
				time.Sleep(5*time.Second - now)
			}
		}
		var seen observations
		cfg := AttackConfig{Transport: attackPipes(t, stall), Start: start, Workers: 16, Observe: seen.observe}
		stats, err := Attack(t.Context(), cfg, every(2*time.Millisecond, 4000, "http://gw/"))
		require.NoError(t, err)
		assert.EqualValues(t, 4000, stats.Sent)
		assert.EqualValues(t, 16, stats.MaxInFlight)

		assert.InEpsilon(t, 1.62, seen.p95(attackResponse).Seconds(), 0.05)
		assert.InDelta(t, 1.6, seen.p95(attackResponse).Seconds(), 0.01)
		assert.InDelta(t, 1.568, seen.p95(attackLag).Seconds(), 0.01, "but for 16, the wait is one for a worker")
		assert.Zero(t, seen.p95(attackService), "all but 16 were answered at once")
	})
}

// A slow consumer of its results makes vegeta send less, without a word.
func TestAttackShowsASlowObserverAsLag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen observations
		slow := func(obs measure.Observation) {
			seen.observe(obs)
			time.Sleep(100 * time.Millisecond)
		}
		// 10 workers at 10 observations a second do 100 of the 1,000 a second.
		cfg := AttackConfig{Transport: attackPipes(t, answerOK), Workers: 10, Observe: slow}
		_, err := Attack(t.Context(), cfg, every(time.Millisecond, 1000, "http://gw/"))
		require.NoError(t, err)
		assert.Len(t, seen.all, 1000)
		assert.Zero(t, seen.p95(attackService))
		assert.InDelta(t, 0.95*9, seen.p95(attackLag).Seconds(), 0.1)
	})
}

func TestAttackTakesWhatIsNoAnswerForUnavailable(t *testing.T) {
	const timeout = 3 * time.Second
	refuse := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }
	for name, row := range map[string]struct {
		handler http.HandlerFunc
		status  int
		verdict token.Verdict
		took    time.Duration
	}{
		"a server that hangs":       {hang, 0, token.Unavailable, timeout},
		"a connection that breaks":  {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 0, token.Unavailable, 0},
		"a body that never ends":    {bodyThatHangs, 200, token.Unavailable, timeout},
		"a body of 1 MB is read":    {bodyOf(attackMaxBody), 200, token.Accept, 0},
		"a body over 1 MB":          {bodyOf(attackMaxBody + 1), 200, token.Unavailable, 0},
		"a redirect that is a loop": {http.RedirectHandler("/", http.StatusFound).ServeHTTP, 302, token.Accept, 0},
		"a refusal":                 {refuse, 403, token.Reject, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var seen observations
				cfg := AttackConfig{Transport: attackPipes(t, row.handler), Timeout: timeout, Observe: seen.observe}
				stats, err := Attack(t.Context(), cfg, every(0, 1, "http://gw/"))
				require.NoError(t, err)
				assert.Equal(t, AttackStats{Planned: 1, Sent: 1, MaxInFlight: 1}, stats)
				require.Len(t, seen.all, 1)
				obs := seen.all[0]
				assert.Equal(t, row.verdict, obs.Verdict)
				assert.Equal(t, row.status, obs.Status)
				assert.Equal(t, row.took, time.Duration(attackService(obs)))
				assert.Negative(t, obs.Check)
			})
		})
	}
}

func bodyOf(n int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, strings.Repeat("x", n)) }
}

func bodyThatHangs(w http.ResponseWriter, r *http.Request) {
	io.WriteString(w, "x")
	w.(http.Flusher).Flush()
	hang(w, r)
}

// Taken for a failed request, a hit that cannot be sent would look like an outage.
func TestAttackRefusesAHitThatCannotBeSent(t *testing.T) {
	const secret = "s3cret"
	good := Hit{URL: "http://gw/"}
	for name, row := range map[string]struct {
		hit  Hit
		says string
	}{
		"a URL that does not parse":      {Hit{URL: "http://gw:port/?access_token=" + secret}, "invalid port"},
		"a URL without a host":           {Hit{URL: "/?access_token=" + secret}, "with a host"},
		"a URL of another scheme":        {Hit{URL: "ftp://gw/" + secret}, "not http or https"},
		"a method with a space":          {Hit{Method: "GET IT", URL: good.URL}, "invalid method"},
		"a line break in Authorization":  {Hit{URL: good.URL, Authorization: []string{"Bearer " + secret + "\r\nX: y"}}, "control character"},
		"a second value that is no text": {Hit{URL: good.URL, Authorization: []string{"Bearer x", secret + "\x00"}}, "control character"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var seen observations
				cfg := AttackConfig{Transport: attackPipes(t, answerOK), Workers: 2, Observe: seen.observe}
				hits := func(yield func(Hit) bool) {
					for yield(row.hit) { // every entry of the table meets it
					}
				}
				_, err := Attack(t.Context(), cfg, hits)
				require.ErrorContains(t, err, row.says)
				assert.NotContains(t, err.Error(), secret)
				assert.Empty(t, seen.all)
			})
		})
	}
}

func TestAttackNeedsAnObserver(t *testing.T) {
	_, err := Attack(t.Context(), AttackConfig{}, every(0, 1, "http://gw/"))
	assert.ErrorContains(t, err, "Observe")
}

// A million hits take no more memory than a thousand, because none is drawn
// before the one ahead of it was handed to a worker.
func TestAttackDrawsItsPlanLazily(t *testing.T) {
	const workers = 8
	n, sent := 1_000_000, atomic.Int64{}
	if testing.Short() {
		n /= 20
	}
	var ahead, early, late int64
	hits := func(yield func(Hit) bool) {
		for i := range n {
			ahead = max(ahead, int64(i)-sent.Load())
			switch i {
			case n / 10:
				early = liveHeap()
			case n - 1:
				late = liveHeap()
			}
			if !yield(Hit{URL: fmt.Sprintf("http://gw/%d", i)}) {
				return
			}
		}
	}
	// Sockets would take a minute; what is measured here is on this side of them.
	empty := roundTripperFunc(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
	})
	cfg := AttackConfig{Transport: empty, Workers: workers, Observe: func(measure.Observation) { sent.Add(1) }}
	_, err := Attack(t.Context(), cfg, hits)
	require.NoError(t, err)
	assert.EqualValues(t, n, sent.Load())
	assert.LessOrEqual(t, ahead, int64(workers+1))
	assert.Less(t, late-early, int64(1<<20))
}

func liveHeap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

type roundTripperFunc func(*http.Request) (*http.Response, error)

func (f roundTripperFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
