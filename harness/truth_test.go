package harness

import (
	"context"
	"errors"
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
	"github.com/tokendrill/tokendrill/fixtures/undisturbed"
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
tokens: {fuzz: %s, lifetime: %s}
revocations: {tokens: 6, every: 120ms, first_gap: 20ms, growth: 10%%, rate: 10/s}
settings: {cache: {ttl: 600ms, timeout: 400ms}}
routes: [{path: /*}]
gates: [safety.false_accepts == 0]
`

func runToy(t testing.TB, y *toy) outcome {
	if y.lifetime == 0 {
		y.lifetime = 10 * time.Minute
	}
	fuzz := "0%" // making mutants takes the processor from runs beside this one
	if y.everything {
		fuzz = "10%"
	}
	y.tokens = map[string]*toyToken{}
	result, err := Run(t.Context(), planOf(t, fmt.Sprintf(toyScenario, fuzz, y.lifetime), 1), Options{Stage: y})
	return outcome{result, err}
}

// toyRow is a toy and what the report must say of it.
type toyRow struct {
	name string
	toy  *toy
	want func(testing.TB, measure.Pattern)
}

// runToys runs each toy, a few at a time, and checks the outcome.
func runToys(t *testing.T, rows []toyRow, check func(testing.TB, toyRow, outcome)) {
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			undisturbed.Again(t, func(t *undisturbed.Attempt) { check(t, row, runToy(t, row.toy)) })
		})
	}
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
	undisturbed.Long(t, "takes seconds: runs in real time")
	rows := []toyRow{
		{"rejects exactly 700 ms after the revocation", &toy{answer: switches, delay: after(700 * time.Millisecond)}, func(t testing.TB, p measure.Pattern) {
			assert.Positive(t, p.Safety.StaleAccepts, "within the bound: uses")
			assert.Zero(t, p.Safety.FalseAccepts)
		}},
		{"takes a time of its own for each token", &toy{answer: switches, delay: perToken}, func(t testing.TB, p measure.Pattern) {
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
		}}, func(t testing.TB, p measure.Pattern) {
			assert.Positive(t, p.Requests.Unavailable, "an outage is no reject")
			assert.Zero(t, p.Safety.FalseRejects)
		}},
	}
	runToys(t, rows, func(t testing.TB, row toyRow, o outcome) {
		p := o.of(t, scenarios.Cache)
		row.want(t, p)
		assert.Empty(t, p.Violations)
		truths := row.toy.truths(o.Report.Started)
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

func TestBehaviourThatHasNoSwitchIsNamed(t *testing.T) {
	undisturbed.Long(t, "takes seconds: runs in real time")
	resurrects := func(_ *toyToken, since time.Duration) int {
		if since < 0 || since > 300*time.Millisecond && since < 400*time.Millisecond {
			return http.StatusOK
		}
		return http.StatusUnauthorized
	}
	rows := []toyRow{
		{"resurrects for 100 ms", &toy{answer: resurrects, delay: after(100 * time.Millisecond)}, func(t testing.TB, p measure.Pattern) {
			assert.Positive(t, p.Revoke.Resurrections)
			assert.Positive(t, p.Safety.FalseAccepts)
			assert.Contains(t, causes(p), "resurrection")
		}},
		{"never rejects", &toy{answer: switches, delay: after(time.Hour)}, func(t testing.TB, p measure.Pattern) {
			assert.Equal(t, 18, p.Revoke.Censored, "6 tokens at 3 gateways")
			assert.Nil(t, p.Revoke.FleetUpper.Max)
			assert.Contains(t, causes(p), "after_bound")
		}},
		{"accepts everything", &toy{everything: true, answer: switches, delay: after(0)}, func(t testing.TB, p measure.Pattern) {
			assert.Equal(t, 18, p.Revoke.Censored)
			fuzzed := 0
			for _, m := range p.Mutations {
				fuzzed += m.Wrong
			}
			assert.Positive(t, fuzzed, "mutants were let in")
			assert.Equal(t, measure.Fail, p.Gates[0].Verdict)
		}},
		{"lets its tokens expire in the window", &toy{answer: switches, delay: after(time.Hour), lifetime: 4 * time.Second}, func(t testing.TB, p measure.Pattern) {
			for _, g := range p.Revoke.Gateways {
				for _, iv := range g.Intervals {
					assert.Contains(t, []measure.State{measure.Expired, measure.Unknown}, iv.State, "expiry is not revocation")
				}
			}
		}},
	}
	runToys(t, rows, func(t testing.TB, row toyRow, o outcome) { row.want(t, o.of(t, scenarios.Cache)) })
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

// RevokeAll is not what a toy is asked for.
func (y *toy) RevokeAll(context.Context, string) (int, error) { return 0, errors.ErrUnsupported }
