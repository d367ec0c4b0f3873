package external

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/fixtures/undisturbed"
	"github.com/tokendrill/tokendrill/scenarios"
)

// arrivals are when requests reached any server of a world.
type arrivals struct {
	mu sync.Mutex
	at []time.Time
}

func (a *arrivals) count(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		a.at = append(a.at, time.Now())
		a.mu.Unlock()
		next.ServeHTTP(w, r)
	})
}

// busiest is the most of them within any second.
func (a *arrivals) busiest() (most int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	slices.SortFunc(a.at, time.Time.Compare)
	for i, first := range a.at {
		n := 0
		for _, at := range a.at[i:] {
			if at.Sub(first) < time.Second {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}

func TestACheckKeepsToTheRate(t *testing.T) {
	t.Parallel()
	undisturbed.Again(t, func(t *undisturbed.Attempt) {
		var seen arrivals
		w := up(t, func(w *world) {
			w.rate, w.authority, w.gateway = "20/s", seen.count, seen.count
			w.edit = func(t *scenarios.Target) {
				for _, name := range []string{"us", "ap", "sa"} {
					t.Gateways = append(t.Gateways, scenarios.TargetGateway{Name: name, URL: t.Gateways[0].URL})
				}
			}
		})
		got := w.check()
		assert.Len(t, got.of("gateway sa"), 1)
		assert.Greater(t, len(seen.at), 25)
		assert.LessOrEqual(t, seen.busiest(), 20)
	})
}

// Nobody passes a pacer before a gap is over since the one before, however many wait.
func TestAPacerLetsOneGoInEveryGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pacer{gap: 100 * time.Millisecond}
		began := time.Now()
		var mu sync.Mutex
		var at []time.Duration
		var group sync.WaitGroup
		for range 5 {
			group.Go(func() {
				assert.NoError(t, p.wait(t.Context()))
				mu.Lock()
				defer mu.Unlock()
				at = append(at, time.Since(began))
			})
		}
		group.Wait()
		slices.Sort(at)
		ms := time.Millisecond
		assert.Equal(t, []time.Duration{0, 100 * ms, 200 * ms, 300 * ms, 400 * ms}, at)
		time.Sleep(time.Second)
		require.NoError(t, p.wait(t.Context()))
		assert.Equal(t, 1400*ms, time.Since(began), "a pause earns nobody a burst")
		require.NoError(t, p.wait(t.Context()))
		assert.Equal(t, 1500*ms, time.Since(began))
	})
}

// A server that says tokens back, wherever a check looks, brings none into a finding.
func TestNoTokenIsTold(t *testing.T) {
	t.Parallel()
	undisturbed.Again(t, func(t *undisturbed.Attempt) {
		var mu sync.Mutex
		var sent []string
		w := up(t, func(w *world) {
			w.gateway = func(http.Handler) http.Handler {
				return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
					raw := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
					mu.Lock()
					sent = append(sent, raw)
					mu.Unlock()
					rw.Header().Set("Location", fmt.Sprintf("/login/%s?token=%s", raw, raw))
					rw.Header().Set("X-Served-By", raw)
					rw.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer error="insufficient_scope", scope="%s"`, raw))
					status := http.StatusForbidden
					if len(sent)%2 == 0 {
						status = http.StatusFound
					}
					rw.WriteHeader(status)
				})
			}
			w.ofGateway = ", replica_header: X-Served-By"
		})
		got := w.check()
		require.Error(t, got.err)
		text := fmt.Sprint(got.findings, got.err, w.fit())
		assert.Contains(t, text, "[token]")
		tokens := 0
		for _, raw := range sent {
			if raw != "" {
				tokens++
				assert.NotContains(t, text, raw)
			}
		}
		assert.Positive(t, tokens)
		assert.NotContains(t, text, appSecret)
	})
}

func TestACheckThatIsInterrupted(t *testing.T) {
	t.Parallel()
	undisturbed.Again(t, func(t *undisturbed.Attempt) {
		waits := make(chan struct{})
		w := up(t, func(w *world) {
			w.authority = at("/revoke", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(200) })
		})
		ctx, cancel := context.WithCancel(t.Context())
		go func() { <-waits; cancel() }()
		var told []string
		s, err := w.open()
		require.NoError(t, err)
		err = Check(ctx, s, func(f Finding) {
			if told = append(told, f.What); f.State == Waits {
				close(waits)
			}
		})
		assert.ErrorIs(t, err, context.Canceled)
		assert.Equal(t, []string{"gateway eu", "clock", "no token", "canary", "token", "accepted", "revoke"}, told, "what is cut off is no finding")
	})
}

func TestClocksApart(t *testing.T) {
	for off, want := range map[time.Duration]string{
		-7 * time.Second: "7 s behind", 61 * time.Second: "61 s ahead of", time.Hour: "60 min ahead of", -36 * time.Hour: "36 h behind",
	} {
		assert.Equal(t, want, apart(off))
	}
}
