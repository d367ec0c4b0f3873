package chaos

import (
	"context"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestDelayKeepsItsMedianAndP95(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	d := Delay{P50: 18 * time.Millisecond, P95: 75 * time.Millisecond}
	draws := make([]time.Duration, 20_001)
	for i := range draws {
		draws[i] = d.Draw(rng)
	}
	slices.Sort(draws)
	assert.InEpsilon(t, d.P50, draws[len(draws)/2], 0.05)
	assert.InEpsilon(t, d.P95, draws[len(draws)*95/100], 0.08)
}

// ok is a RoundTripper that answers at once, so that all time is the link's.
var ok = roundTripper(func(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Body: http.NoBody}, nil
})

func TestDelayEndsWithItsRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		l := NewLink("gateway-authority", "remote/gw-1", Delay{P50: time.Hour}, 1)
		_, err := l.Transport(ok).RoundTrip(httptest.NewRequestWithContext(ctx, "GET", "http://as/", nil))
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

// echo listens on loopback and answers what it is sent.
func echo(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); io.Copy(c, c) }()
		}
	}()
	return ln.Addr().String()
}

func TestDialledConnectionsAreDelayedKeptInOrderAndCut(t *testing.T) {
	l := NewLink("gateway-registry", "registry/gw-1", Delay{P50: 30 * time.Millisecond}, 1)
	c, err := l.DialContext(t.Context(), "tcp", echo(t))
	require.NoError(t, err)

	start := time.Now()
	sent := make([]byte, 100<<10)
	for i := range sent {
		sent[i] = byte(i * 7)
	}
	go c.Write(sent)
	got := make([]byte, len(sent))
	_, err = io.ReadFull(c, got)
	require.NoError(t, err)
	assert.GreaterOrEqual(t, time.Since(start), 30*time.Millisecond)
	assert.Equal(t, sent, got)

	require.NoError(t, c.Close())
}

// Every request of a run crosses links, in the middle of a latency measurement.
func TestALinkWithoutFaultsAllocatesNothing(t *testing.T) {
	l, _ := two()
	resp := &http.Response{StatusCode: 200, Body: http.NoBody}
	rt := l.Transport(roundTripper(func(*http.Request) (*http.Response, error) { return resp, nil }))
	r := httptest.NewRequestWithContext(t.Context(), "GET", "http://as/", nil)
	assert.Zero(t, testing.AllocsPerRun(100, func() { _, _ = rt.RoundTrip(r) }))
}

func BenchmarkLink(b *testing.B) {
	for name, faults := range map[string][]string{"no fault": nil, "three that let it pass": {"link.cut", "http.error", "answer.forge"}} {
		b.Run(name, func(b *testing.B) {
			l, _ := two()
			for _, f := range faults {
				inject(b, f, Params{Path: "/other"}, l)
			}
			rt := l.Transport(ok)
			r := httptest.NewRequestWithContext(b.Context(), "GET", "http://as/", nil)
			for b.Loop() {
				_, _ = rt.RoundTrip(r)
			}
		})
	}
}
