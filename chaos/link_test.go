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

func get(t *testing.T, rt http.RoundTripper) (time.Duration, error) {
	t.Helper()
	start := time.Now()
	_, err := rt.RoundTrip(httptest.NewRequestWithContext(t.Context(), "GET", "http://gw/", nil))
	return time.Since(start), err
}

func TestFaultsAddToTheProfileAndHealBackToIt(t *testing.T) {
	constant := func(ms int) Delay { return Delay{P50: time.Duration(ms) * time.Millisecond} }
	for _, row := range []struct {
		name            string
		profile         Delay
		fault           Fault
		wantIn, wantOut time.Duration
		cut             bool
	}{
		{"a delay on a link that adds nothing", Delay{}, LinkDelay{constant(20)}, 20 * time.Millisecond, 0, false},
		{"a delay comes on top of the profile", constant(5), LinkDelay{constant(20)}, 25 * time.Millisecond, 5 * time.Millisecond, false},
		{"a cut refuses at once and keeps the profile", constant(5), LinkCut{}, 0, 5 * time.Millisecond, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				hit, other := NewLink("gateway-authority", "cache/gw-1", row.profile, 1), NewLink("gateway-authority", "cache/gw-2", row.profile, 2)
				heal, err := row.fault.Inject(t.Context(), Target{Links: []*Link{hit}})
				require.NoError(t, err)

				took, err := get(t, hit.Transport(ok))
				assert.Equal(t, row.wantIn, took)
				if row.cut {
					require.ErrorIs(t, err, ErrCut)
					assert.ErrorContains(t, err, "gateway-authority at cache/gw-1")
					assert.EqualValues(t, 1, hit.Refused())
				}
				took, err = get(t, other.Transport(ok))
				require.NoError(t, err)
				assert.Equal(t, row.wantOut, took, "another node's link is untouched")

				require.NoError(t, heal(t.Context()))
				took, err = get(t, hit.Transport(ok))
				require.NoError(t, err)
				assert.Equal(t, row.wantOut, took, "healed")
			})
		})
	}
}

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

	l.SetCut(true)
	_, err = c.Read(got)
	require.Error(t, err, "a cut closes what is open")
	_, err = l.DialContext(t.Context(), "tcp", echo(t))
	require.ErrorIs(t, err, ErrCut)
	assert.EqualValues(t, 2, l.Refused())

	l.SetCut(false)
	c, err = l.DialContext(t.Context(), "tcp", echo(t))
	require.NoError(t, err)
	require.NoError(t, c.Close())
}
