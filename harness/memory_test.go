package harness

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/fixtures/token"
	"github.com/tokendrill/tokendrill/fixtures/traffic"
	"github.com/tokendrill/tokendrill/fixtures/undisturbed"
	"github.com/tokendrill/tokendrill/scenarios"
)

// longScenario is a latency phase of one slice and hardly anything beside it.
const longScenario = `
name: long
about: many requests by a few callers
patterns: [cache]
traffic: {recording: sample, rate: %d/s, rounds: 1, slice: %v}
revocations: {tokens: 1, every: 50ms, first_gap: 50ms, growth: 10%%, window: 600ms, rate: 0/s}
settings: {cache: {ttl: 200ms, timeout: 100ms}}
routes: [{path: /*}]
`

// longPlan plans it over ten callers, so that a longer run binds no more tokens.
func longPlan(t *testing.T, rate int, slice time.Duration) *Plan {
	t.Helper()
	sc, err := scenarios.Parse(fmt.Appendf(nil, longScenario, rate, slice), "long.yaml")
	require.NoError(t, err)
	rec := &traffic.Recording{}
	for i := range 100 {
		rec.Exchanges = append(rec.Exchanges, traffic.Exchange{
			At: time.Duration(i) * time.Millisecond, Method: "GET", Path: "/x", Token: token.Ref(fmt.Sprintf("c-%d", i%10)),
		})
	}
	p, err := NewPlan(sc, rec, 1)
	require.NoError(t, err)
	return p
}

func TestAPlanIsDrawnLazily(t *testing.T) {
	drawn := func(slice time.Duration) (n int, growth int64) {
		p := longPlan(t, 20_000, slice)
		before := liveHeap()
		for range p.Requests() {
			if n++; n%20_000 == 0 {
				growth = max(growth, liveHeap()-before)
			}
		}
		return n, growth
	}
	few, short := drawn(time.Second)
	many, long := drawn(10 * time.Second)
	require.Greater(t, many, 9*few)
	assert.Less(t, long-short, int64(256<<10))
}

// A run of ten times the requests keeps no more of them.
func TestARunKeepsNoRequests(t *testing.T) {
	undisturbed.Long(t, "takes 10 s: thousands of requests, one after the other")
	empty := roundTripper(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
	})
	kept := func(slice time.Duration) int64 {
		p := longPlan(t, 3000, slice)
		y := &toy{tokens: map[string]*toyToken{}, everything: true, answer: switches, delay: after(0), lifetime: time.Hour}
		before := liveHeap()
		result, err := Run(t.Context(), p, Options{Stage: over(y, empty)})
		require.NoError(t, err)
		require.Equal(t, result.Report.Sender.Planned, result.Report.Sender.Sent)
		kept := liveHeap() - before
		require.NotNil(t, result.recorder)
		return kept
	}
	kept(100 * time.Millisecond) // what is made once
	short, long := kept(500*time.Millisecond), kept(5*time.Second)
	assert.Less(t, long-short, int64(2<<20), "13,500 requests more; an event of each would take 5 MB")
}

// over is a stage whose gateways are reached by another transport.
func over(s Stage, rt http.RoundTripper) Stage {
	return stageFunc(func(ctx context.Context, p *Plan) (*Site, error) {
		site, err := s.Start(ctx, p)
		if err == nil {
			site.Transport = rt
		}
		return site, err
	})
}
