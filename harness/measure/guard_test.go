package measure

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tokendrill/tokendrill/fixtures/token"
)

// guarded is a recorder of two patterns with two gateways, and a guard over it.
func guarded(t require.TestingT, exprs ...string) (*Recorder, *Guard) {
	meta := testMeta()
	meta.Patterns[0].Gateways = []string{"gw-1", "gw-2"}
	meta.Patterns = append(meta.Patterns, meta.Patterns[0])
	meta.Patterns[1].Pattern = "remote"
	r, err := NewRecorder(meta, nil)
	require.NoError(t, err)
	var stops []StopExpr
	for _, expr := range exprs {
		s, err := ParseStop(expr)
		require.NoError(t, err)
		stops = append(stops, s)
	}
	g, err := r.Guard(stops)
	require.NoError(t, err)
	return r, g
}

// send records n requests of a pattern at a gateway.
func send(r *Recorder, n int, pattern, gateway string, v token.Verdict) {
	for range n {
		o := traffic(1, time.Millisecond, -1)
		o.Pattern, o.Gateway, o.Verdict = pattern, gateway, v
		r.Observe(o)
	}
}

// stopsAt plays 20 s, ticking every 100 ms, and says when and why the guard stopped it.
func stopsAt(r *Recorder, g *Guard, tick func(ms int)) (ms int, why string) {
	for ms := 100; ms <= 20_000; ms += 100 {
		tick(ms)
		if why := g.Check(time.Duration(ms) * time.Millisecond); why != "" {
			return ms, why
		}
	}
	return 0, ""
}

func TestStopConditions(t *testing.T) {
	// Every 100 ms each pattern sends 5 requests to each of its two gateways; from
	// 7 s on remote has no answer at gw-1, from 9 s on at neither.
	failing := func(r *Recorder, ms int) {
		for _, gateway := range []string{"gw-1", "gw-2"} {
			send(r, 5, "cache", gateway, token.Accept)
			v := token.Accept
			if ms > 7000 && gateway == "gw-1" || ms > 9000 {
				v = token.Unavailable
			}
			send(r, 5, "remote", gateway, v)
		}
	}
	for _, row := range []struct {
		says, expr string
		ms         int
		why        string
	}{
		{"a share over the last D, of the one pattern that breaks", "requests.unavailable_rate > 0.5 for 2s", 9100, "remote unavailable_rate 0.53 > 0.5 for 2 s at 00:09"},
		{"a share of one second without a D", "requests.unavailable_rate >= 1", 10000, "remote unavailable_rate 1 >= 1 at 00:10"},
		{"a gateway of its own", "requests.unavailable_rate{gateway=gw-1,pattern=remote} > 90% for 5s", 11600, "remote/gw-1 unavailable_rate 92 % > 90 % for 5 s at 00:11"},
		{"another pattern does not break", "requests.unavailable_rate{pattern=cache} > 0.01 for 1s", 0, ""},
		{"a count since the start", "requests.unavailable > 12", 7300, "remote unavailable 15 > 12 at 00:07"},
		{"a count over the last D", "requests.unavailable >= 100 for 1s", 10000, "remote unavailable 100 >= 100 for 1 s at 00:10"},
		{"a rate over the last second", "requests.rate > 90/s", 1000, "cache rate 100/s > 90/s at 00:01"},
		{"what would hold at once is never met in the first D", "requests.unavailable_rate <= 1 for 15s", 15000, "cache unavailable_rate 0 <= 1 for 15 s at 00:15"},
		{"a D longer than the run", "requests.unavailable_rate <= 1 for 1m", 0, ""},
		{"a minute is told as one", "requests.sent > 10 for 10s", 10000, "cache sent 1000 > 10 for 10 s at 00:10"},
	} {
		t.Run(row.says, func(t *testing.T) {
			r, g := guarded(t, row.expr)
			ms, why := stopsAt(r, g, func(ms int) { failing(r, ms) })
			assert.Equal(t, row.why, why)
			assert.Equal(t, row.ms, ms)
		})
	}
}

func TestAStopConditionTakesTwentyRequests(t *testing.T) {
	r, g := guarded(t, "requests.unavailable_rate > 0.5 for 1s")
	ms, _ := stopsAt(r, g, func(ms int) {
		if ms%1000 < 900 {
			send(r, 1, "cache", "gw-1", token.Unavailable) // 18 or 19 in any second
			send(r, 1, "cache", "gw-2", token.Unavailable)
		}
	})
	assert.Zero(t, ms)
	r, g = guarded(t, "requests.unavailable_rate > 0.5 for 1s")
	ms, _ = stopsAt(r, g, func(int) { send(r, 2, "cache", "gw-1", token.Unavailable) })
	assert.Equal(t, 1000, ms)
}

// The live oracle judges traffic at once and revoked tokens against their bound.
func TestStopConditionsOnSafety(t *testing.T) {
	r, g := guarded(t, "safety.false_accepts{pattern=cache} > 1", "safety.false_rejects > 0")
	observe := func(e Event) string {
		r.Observe(Observation{Event: e, Check: -1, Slice: -1})
		return g.Check(20 * time.Second)
	}
	r.Revoked(edit(revoked("refused", 1000, 1010), func(e *Event) { e.Status = 400 }))
	assert.Empty(t, observe(request("refused", 9000, 9001, token.Accept)), "a refused revocation revokes nothing")
	r.Revoked(revoked("k", 1000, 1010))
	assert.Empty(t, observe(request("k", 900, 901, token.Accept)))
	assert.Empty(t, observe(request("k", 3010, 3011, token.Accept)), "at the bound")
	assert.Empty(t, observe(request("k", 1020, 1021, token.Reject)), "as it should be")
	assert.Empty(t, observe(twin("k", 1020, 1021)))
	assert.Empty(t, observe(request("k", 3011, 3012, token.Accept)), "the first over the bound")
	forged := edit(request("f", 1, 2, token.Accept), func(e *Event) { e.Class, e.Expect, e.Detail = token.Fuzzed, expectReject, "crit" })
	assert.Equal(t, "cache false_accepts 2 > 1 at 00:20", observe(forged))

	r, g = guarded(t, "safety.false_rejects > 0")
	assert.Empty(t, observe(request("early", 900, 901, token.Reject)), "the revocation may be on its way")
	assert.Equal(t, "cache false_rejects 1 > 0 at 00:20", observe(edit(twin("k", 900, 901), func(e *Event) { e.Verdict, e.Reason = token.Reject, token.InvalidToken })))
}

func TestAGuardRefusesWhatTheRunDoesNotHave(t *testing.T) {
	r, _ := guarded(t)
	for expr, says := range map[string]string{
		"requests.sent{pattern=cach} > 1":                `stop condition "requests.sent{pattern=cach} > 1": no pattern cach in this run; near: cache`,
		"requests.sent{pattern=cache,gateway=gw-3} > 1":  "no gateway gw-3 in this run; near: gw-1, gw-2",
		"requests.sent{pattern=cache,gateway=gw-33} > 1": "no gateway gw-33",
	} {
		s, err := ParseStop(expr)
		require.NoError(t, err)
		_, err = r.Guard([]StopExpr{s})
		assert.ErrorContains(t, err, says)
	}
}

// What a guard keeps does not grow with the run, nor with the window.
func TestAGuardKeepsAFewReadings(t *testing.T) {
	r, g := guarded(t, "requests.unavailable_rate > 0.5 for 1h", "requests.unavailable_rate > 0.5 for 100ms")
	for at := time.Duration(0); at < 3*time.Hour; at += 100 * time.Millisecond {
		send(r, 1, "cache", "gw-1", token.Accept)
		g.Check(at)
	}
	for _, w := range g.watches {
		assert.LessOrEqual(t, len(w.past), grains+2)
		assert.LessOrEqual(t, cap(w.past), 4*grains)
	}
}

// A share over a window is that of the requests of the window, to a grain of it.
func TestTheShareOfAWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		window := rapid.SampledFrom([]int{300, 1000, 2500, 9000}).Draw(t, "window ms")
		s, err := ParseStop("requests.unavailable_rate > 0.5 for " + (time.Duration(window) * time.Millisecond).String())
		require.NoError(t, err)
		r, _ := guarded(t)
		g, err := r.Guard([]StopExpr{s})
		require.NoError(t, err)
		var sent, bad [201]int // at each tick
		for tick := 1; tick <= 200; tick++ {
			sent[tick] = rapid.IntRange(0, 40).Draw(t, "sent")
			bad[tick] = rapid.IntRange(0, sent[tick]).Draw(t, "bad")
			send(r, bad[tick], "cache", "gw-1", token.Unavailable)
			send(r, sent[tick]-bad[tick], "cache", "gw-2", token.Accept)
			why := g.Check(time.Duration(tick) * 100 * time.Millisecond)
			met := func(from int) bool {
				n, b := 0, 0
				for i := from + 1; i <= tick; i++ {
					n, b = n+sent[i], b+bad[i]
				}
				return from >= 0 && n >= leastRequests && 2*b > n
			}
			exact := tick - window/100
			if exact < 0 {
				require.Empty(t, why, "in the first window")
				continue
			}
			longer := max(0, exact-1-window/grains/100)
			one, other := met(exact), met(longer)
			if one == other && met(max(0, exact-1)) == one {
				require.Equal(t, one, why != "", "tick %d", tick)
			}
		}
	})
}

func TestAGuardIsSafeBesideTheRecorder(t *testing.T) {
	r, g := guarded(t, "requests.sent > 1000000", "requests.unavailable_rate > 0.5 for 1s", "safety.false_accepts > 1000000")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			send(r, 200, "cache", "gw-1", token.Accept)
			r.Revoked(revoked("k", 1, 2))
			r.Observe(Observation{Event: request("k", 1, 2, token.Accept), Check: -1, Slice: -1})
		})
	}
	for at := time.Duration(0); at < 10*time.Second; at += 100 * time.Millisecond {
		assert.Empty(t, g.Check(at))
	}
	wg.Wait()
	assert.Equal(t, 8*201, r.patterns["cache"].soFar("").tally.requests().Sent)
}
