package harness

import (
	"context"
	"fmt"
	"hash/fnv"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/fixtures/token"
	"github.com/tokendrill/tokendrill/harness/measure"
	"github.com/tokendrill/tokendrill/scenarios"
)

// toy is a gateway and authority that knows, for each token, the very instant at
// which its answers change, on the clock of the harness.
type toy struct {
	// answer decides about a revoked token, so long after its revocation.
	answer func(k *toyToken, since time.Duration) int
	// delay is when a token's answer changes, after its revocation.
	delay func(raw string) time.Duration
	// everything accepts any token, issued or not.
	everything bool
	// lifetime is expires_in.
	lifetime time.Duration

	mu     sync.Mutex
	tokens map[string]*toyToken
	n      int
}

// toyToken is one issued token. Decisions are taken under the toy's lock, so
// that the switch has an instant.
type toyToken struct {
	revoked  time.Time
	switched time.Time // when the answer changes; zero if it was not revoked
	expires  time.Time
}

func (y *toy) Issue(_ context.Context, _ Grant) (Issued, error) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.n++
	raw := fmt.Sprintf("toy-%d", y.n)
	y.tokens[raw] = &toyToken{expires: time.Now().Add(y.lifetime)}
	return Issued{Token: raw, ExpiresIn: y.lifetime}, nil
}

func (y *toy) Revoke(_ context.Context, raw string) (int, error) {
	y.mu.Lock()
	defer y.mu.Unlock()
	k := y.tokens[raw]
	k.revoked = time.Now()
	k.switched = k.revoked.Add(y.delay(raw))
	return http.StatusOK, nil
}

func (y *toy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, presented := token.Bearer(r.Header.Values("Authorization"))
	status := y.decide(raw)
	if status == http.StatusUnauthorized && presented {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
	}
	w.WriteHeader(status)
}

func (y *toy) decide(raw string) int {
	y.mu.Lock()
	defer y.mu.Unlock()
	k, ok := y.tokens[raw]
	now := time.Now()
	switch {
	case y.everything:
		return http.StatusOK
	case !ok, now.After(k.expires):
		return http.StatusUnauthorized
	case k.revoked.IsZero():
		return http.StatusOK
	}
	return y.answer(k, now.Sub(k.switched))
}

// Start puts the toy behind every gateway of the plan.
func (y *toy) Start(_ context.Context, p *Plan) (*Site, error) {
	srv := httptest.NewServer(y)
	transport := NewTransport(DefaultAttackWorkers)
	site := &Site{
		Stage: "toy", Authority: y, Transport: transport, Calls: func(string) int64 { return 0 },
		Close: func() error { transport.CloseIdleConnections(); srv.Close(); return nil },
	}
	for _, s := range p.Systems {
		urls := make([]string, len(s.Gateways))
		for i := range urls {
			urls[i] = srv.URL
		}
		site.Gateways = append(site.Gateways, urls)
	}
	return site, nil
}

// switches accepts before the switch and rejects after it.
func switches(_ *toyToken, since time.Duration) int {
	if since < 0 {
		return http.StatusOK
	}
	return http.StatusUnauthorized
}

// perToken draws a delay of up to 800 ms from the token's name.
func perToken(raw string) time.Duration {
	h := fnv.New32a()
	h.Write([]byte(raw))
	return time.Duration(h.Sum32()%800) * time.Millisecond
}

func after(d time.Duration) func(string) time.Duration {
	return func(string) time.Duration { return d }
}

// toyScenario is small: bound and quiet period of a second, six tokens.
const toyScenario = `
name: toy
about: toy gateways that record their own switch
patterns: [cache]
traffic: {recording: sample, rate: 100/s, rounds: 1, slice: 100ms}
tokens: {fuzz: 10%%, lifetime: %s}
revocations: {tokens: 6, every: 60ms, first_gap: 4ms, growth: 10%%, rate: 20/s}
settings: {cache: {ttl: 600ms, timeout: 400ms}}
routes: [{path: /*}]
gates: [safety.false_accepts == 0]
`

func runToy(t *testing.T, y *toy) *measure.Report {
	t.Helper()
	y.tokens = map[string]*toyToken{}
	if y.lifetime == 0 {
		y.lifetime = 10 * time.Minute
	}
	sc, err := scenarios.Parse(fmt.Appendf(nil, toyScenario, y.lifetime), "toy.yaml")
	require.NoError(t, err)
	rec, err := sample()
	require.NoError(t, err)
	plan, err := NewPlan(sc, rec, 1)
	require.NoError(t, err)
	result, err := Run(t.Context(), plan, Options{Stage: y})
	require.NoError(t, err)
	return result.Report
}

// truths are the recorded switches, in ms from the start of the run.
func (y *toy) truths(started time.Time) []float64 {
	var out []float64
	for _, k := range y.tokens {
		if !k.switched.IsZero() {
			out = append(out, k.switched.Sub(started).Seconds()*1e3)
		}
	}
	return out
}

// within counts the switches that lie in [lower, upper] of some interval that
// began with their revocation; every interval must hold exactly its own.
func containsSwitch(iv measure.Interval, truths []float64) bool {
	for _, s := range truths {
		if s >= iv.At+*iv.Lower && s <= iv.At+*iv.Upper {
			return true
		}
	}
	return false
}

func TestEveryIntervalContainsTheSwitchThatAToyRecorded(t *testing.T) {
	for _, row := range []struct {
		name string
		toy  *toy
		want func(*testing.T, measure.Pattern)
	}{
		{"rejects exactly 700 ms after the revocation", &toy{answer: switches, delay: after(700 * time.Millisecond)}, func(t *testing.T, p measure.Pattern) {
			assert.Positive(t, p.Safety.StaleAccepts, "within the bound: uses")
			assert.Zero(t, p.Safety.FalseAccepts)
		}},
		{"takes a time of its own for each token", &toy{answer: switches, delay: perToken}, func(t *testing.T, p measure.Pattern) {
			assert.Zero(t, p.Safety.FalseAccepts)
		}},
		{"answers 503 before it rejects", &toy{delay: after(500 * time.Millisecond), answer: func(_ *toyToken, since time.Duration) int {
			switch {
			case since < -200*time.Millisecond:
				return http.StatusOK
			case since < 0:
				return http.StatusServiceUnavailable
			}
			return http.StatusUnauthorized
		}}, func(t *testing.T, p measure.Pattern) {
			assert.Positive(t, p.Requests.Unavailable, "an outage is no reject")
			assert.Zero(t, p.Safety.FalseRejects)
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			report := runToy(t, row.toy)
			p := report.Patterns[0]
			row.want(t, p)
			assert.Empty(t, p.Violations)
			truths := row.toy.truths(report.Started)
			require.Len(t, truths, 6)
			for _, g := range p.Revoke.Gateways {
				require.Len(t, g.Intervals, 6, g.Gateway)
				for _, iv := range g.Intervals {
					require.Equal(t, measure.Exact, iv.State, "%s at %s", iv.Token, g.Gateway)
					assert.True(t, containsSwitch(iv, truths), "%s at %s: no switch of %v in %.1f + [%.1f, %.1f]", iv.Token, g.Gateway, truths, iv.At, *iv.Lower, *iv.Upper)
				}
			}
		})
	}
}

func TestBehaviourThatHasNoSwitchIsNamed(t *testing.T) {
	resurrects := func(_ *toyToken, since time.Duration) int {
		if since < 0 || since > 300*time.Millisecond && since < 400*time.Millisecond {
			return http.StatusOK
		}
		return http.StatusUnauthorized
	}
	for _, row := range []struct {
		name string
		toy  *toy
		want func(*testing.T, measure.Pattern)
	}{
		{"resurrects for 100 ms", &toy{answer: resurrects, delay: after(100 * time.Millisecond)}, func(t *testing.T, p measure.Pattern) {
			assert.Positive(t, p.Revoke.Resurrections)
			assert.Positive(t, p.Safety.FalseAccepts)
			assert.Contains(t, causes(p), "resurrection")
		}},
		{"never rejects", &toy{answer: switches, delay: after(time.Hour)}, func(t *testing.T, p measure.Pattern) {
			assert.Equal(t, 18, p.Revoke.Censored, "6 tokens at 3 gateways")
			assert.Nil(t, p.Revoke.FleetUpper.Max)
			assert.Contains(t, causes(p), "after_bound")
		}},
		{"accepts everything", &toy{everything: true, answer: switches, delay: after(0)}, func(t *testing.T, p measure.Pattern) {
			assert.Equal(t, 18, p.Revoke.Censored)
			fuzzed := 0
			for _, m := range p.Mutations {
				fuzzed += m.Wrong
			}
			assert.Positive(t, fuzzed, "mutants were let in")
			assert.Equal(t, measure.Fail, p.Gates[0].Verdict)
		}},
		{"lets its tokens expire in the window", &toy{answer: switches, delay: after(time.Hour), lifetime: 4 * time.Second}, func(t *testing.T, p measure.Pattern) {
			for _, g := range p.Revoke.Gateways {
				for _, iv := range g.Intervals {
					assert.Contains(t, []measure.State{measure.Expired, measure.Unknown}, iv.State, "expiry is not revocation")
				}
			}
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			row.want(t, runToy(t, row.toy).Patterns[0])
		})
	}
}

func causes(p measure.Pattern) (out []string) {
	for _, v := range p.Violations {
		out = append(out, v.Cause)
		if len(v.Requests) == 0 {
			out = append(out, "a violation without a witness")
		}
	}
	return out
}

var _ Authority = (*toy)(nil)
