package external

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/fixtures/token"
	"github.com/tokendrill/tokendrill/fixtures/traffic"
	"github.com/tokendrill/tokendrill/fixtures/undisturbed"
	"github.com/tokendrill/tokendrill/harness"
	"github.com/tokendrill/tokendrill/harness/measure"
	"github.com/tokendrill/tokendrill/scenarios"
)

const underAttack = `
name: under-attack
about: what a run does when its target turns against it
traffic: {recording: probe, rate: 80/s, rounds: 1, slice: 200ms}
revocations: {tokens: 2, every: 50ms, first_gap: 20ms, growth: 20%, window: 700ms, rate: 10/s}
tokens: {fuzz: 20%}
gates: [safety.false_accepts == 0]
`

// turned is a stage whose targets turn against the run as soon as it has begun.
type turned struct {
	Stage
	against *atomic.Bool
}

func (s turned) Start(ctx context.Context, p *harness.Plan) (*harness.Site, error) {
	site, err := s.Stage.Start(ctx, p)
	s.against.Store(true)
	return site, err
}

// once turns a handler into a hostile server when the time has come.
func once(t testing.TB, against *atomic.Bool, path string, speak func(context.Context, net.Conn)) func(http.Handler) http.Handler {
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup // nobody else waits for connections that are taken over
	t.Cleanup(func() { cancel(); group.Wait() })
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !against.Load() || r.URL.Path != path {
				next.ServeHTTP(w, r)
				return
			}
			c, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				return
			}
			group.Add(1)
			defer group.Done()
			defer context.AfterFunc(ctx, func() { c.Close() })()
			defer c.Close()
			speak(ctx, c)
		})
	}
}

// attacked runs targets of which all turn against the run, and returns its history.
func attacked(t testing.TB, against *atomic.Bool, opts Options, targets ...*scenarios.Target) (*measure.Report, []measure.Event) {
	t.Helper()
	sc, err := scenarios.ParseFor(scenarios.Given{Targets: targets}, []byte(underAttack), "under-attack.yaml")
	require.NoError(t, err)
	rec, err := traffic.Probe()
	require.NoError(t, err)
	plan, err := harness.NewPlan(sc, rec, 1)
	require.NoError(t, err)
	var out bytes.Buffer
	began := time.Now()
	result, err := harness.Run(t.Context(), plan, harness.Options{Stage: turned{Stage{Options: opts}, against}, History: &out})
	require.NoError(t, err)
	assert.Less(t, time.Since(began), plan.Duration()+20*time.Second)
	h, err := measure.ReadHistory(&out, "history")
	require.NoError(t, err)
	return result.Report, h.Events
}

// A target whose gateways turn hostile, each in its own way, neither holds a run up
// nor looks like one that decides: nothing is an accept and nothing a reject.
func TestHostileGatewaysAreAnOutageInARun(t *testing.T) {
	t.Parallel()
	undisturbed.Again(t, func(t *undisturbed.Attempt) {
		var against atomic.Bool
		w := up(t, func(w *world) {
			w.more = "connection: {timeout: 2s}"
			w.edit = func(target *scenarios.Target) {
				target.Gateways, target.Limits.Tokens = nil, 40
				for i, row := range mischief {
					g := httptest.NewServer(once(t, &against, "/protected", row.speak)(&guard{as: w.as, seen: map[string]decision{}}))
					t.Cleanup(g.Close)
					target.Gateways = append(target.Gateways, scenarios.TargetGateway{Name: fmt.Sprint("gw-", i+1), URL: g.URL})
				}
			}
		})
		report, events := attacked(t, &against, w.options(), w.target())
		seen := map[string]int{}
		for _, e := range events {
			if e.Kind == measure.KindRequest {
				seen[e.Gateway]++
				assert.Equal(t, token.Unavailable, e.Verdict, "%s at %s: %d", e.Verdict, e.Gateway, e.Status)
			}
		}
		assert.Len(t, seen, len(mischief))
		p := report.Patterns[0]
		assert.Zero(t, p.Safety.FalseAccepts)
		assert.Zero(t, p.Safety.FalseRejects)
		for _, i := range p.Revoke.Fleet {
			assert.NotEqual(t, measure.Exact, i.State, "an outage is no revocation")
		}
	})
}

// Authorities whose revocation endpoint turns hostile do not hold a run up either,
// and what they answer is no acknowledgement.
func TestHostileRevocationEndpointsAcknowledgeNothing(t *testing.T) {
	t.Parallel()
	undisturbed.Again(t, func(t *undisturbed.Attempt) {
		var against atomic.Bool
		var targets []*scenarios.Target
		var w *world
		for i, row := range mischief {
			w = up(t, func(w *world) {
				w.more = "connection: {timeout: 2s}"
				w.authority = once(t, &against, "/revoke", row.speak)
				w.edit = func(target *scenarios.Target) { target.Name, target.Limits.Tokens = fmt.Sprint("staging-", i+1), 40 }
			})
			targets = append(targets, w.target())
		}
		_, events := attacked(t, &against, w.options(), targets...)
		revocations, requests := map[string]int{}, map[token.Verdict]int{}
		for _, e := range events {
			switch {
			case e.Kind == measure.KindRevoke:
				revocations[e.Pattern]++
				assert.NotEqual(t, http.StatusOK, e.Status, e.Pattern)
			case e.Kind == measure.KindRequest && e.Class == token.Revoked:
				requests[e.Verdict]++
			}
		}
		assert.Len(t, revocations, len(mischief))
		assert.Positive(t, requests[token.Accept])
		assert.Zero(t, requests[token.Reject])
	})
}

// An authority that is hostile from the start ends a check, and a run before it
// begins, in one line.
func TestAHostileAuthorityCannotHoldUpACheck(t *testing.T) {
	for _, row := range mischief {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			undisturbed.Again(t, func(t *undisturbed.Attempt) {
				w := up(t, func(w *world) { w.issuer, w.more = hostile(t, row.speak), "connection: {timeout: 2s}" })
				began := time.Now()
				for _, line := range []string{w.unfitLine(w.check().err), w.unfitLine(w.fit())} {
					assert.True(t, strings.HasPrefix(line, "discovery: GET /.well-known/"), line)
					assert.NotContains(t, line, "\n")
				}
				assert.Less(t, time.Since(began), 20*time.Second)
			})
		})
	}
}
