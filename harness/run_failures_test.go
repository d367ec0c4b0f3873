package harness

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/fixtures/undisturbed"
	"github.com/tokendrill/tokendrill/harness/measure"
	"github.com/tokendrill/tokendrill/scenarios"
)

// stageFunc is a stage that is one function.
type stageFunc func(context.Context, *Plan) (*Site, error)

func (f stageFunc) Start(ctx context.Context, p *Plan) (*Site, error) { return f(ctx, p) }

// broken is an authority of which something fails.
type broken struct {
	Authority
	issue  func(context.Context) (Issued, error)
	revoke func(ctx context.Context, raw string) (int, error)
}

func (b broken) Issue(ctx context.Context, g Grant) (Issued, error) {
	if b.issue != nil {
		return b.issue(ctx)
	}
	return b.Authority.Issue(ctx, g)
}

func (b broken) Revoke(ctx context.Context, raw string) (int, error) { return b.revoke(ctx, raw) }

// brittleScenario is as small as a scenario can be.
const brittleScenario = `
name: brittle
about: three tokens, and something that fails
patterns: [cache]
traffic: {recording: sample, rate: 50/s, rounds: 1, slice: 100ms}
revocations: {tokens: 3, every: 50ms, first_gap: 10ms, growth: 10%, rate: 20/s}
settings: {cache: {ttl: 200ms, timeout: 100ms}}
routes: [{path: /*}]
gates: [revoke.fleet_upper.p50 <= 1s, safety.false_accepts == 0]
`

func TestNothingIsMeasuredOnAStageThatFails(t *testing.T) {
	refused := errors.New("no token for you")
	p := planOf(t, brittleScenario, 1)
	for _, row := range []struct {
		name  string
		stage stageFunc
		says  string
	}{
		{"a stage that does not start", func(context.Context, *Plan) (*Site, error) { return nil, refused }, "start the stage: "},
		{"an authority that refuses to issue", func(ctx context.Context, p *Plan) (*Site, error) {
			y := &toy{tokens: map[string]*toyToken{}}
			site, err := y.Start(ctx, p)
			site.Authority = broken{issue: func(context.Context) (Issued, error) { return Issued{}, refused }}
			return site, err
		}, "issue a token for "},
	} {
		t.Run(row.name, func(t *testing.T) {
			result, err := Run(t.Context(), p, Options{Stage: row.stage})
			require.ErrorIs(t, err, refused)
			require.ErrorContains(t, err, row.says)
			assert.Nil(t, result)
		})
	}
}

func TestAFaultWithoutALinkIsRefusedBeforeAnythingIsIssued(t *testing.T) {
	p := planOf(t, brittleScenario+"faults: [{name: link.cut, link: gateway-cdn, at: 100ms, for: 100ms}]\n", 1)
	y := &toy{tokens: map[string]*toyToken{}}
	_, err := Run(t.Context(), p, Options{Stage: y})
	require.ErrorContains(t, err, "the stage has no link gateway-cdn")
	assert.Empty(t, y.tokens)
}

// An issue call that hangs does not hold an interruption up.
func TestAnInterruptionEndsTheIssuingOfTokens(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	result, err := Run(ctx, planOf(t, brittleScenario, 1), Options{Stage: stageFunc(func(ctx context.Context, p *Plan) (*Site, error) {
		y := &toy{tokens: map[string]*toyToken{}}
		site, err := y.Start(ctx, p)
		site.Authority = broken{issue: func(ctx context.Context) (Issued, error) {
			<-ctx.Done()
			return Issued{}, ctx.Err()
		}}
		return site, err
	})})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	assert.Nil(t, result)
	assert.Less(t, time.Since(began), 10*time.Second)
}

// full is a disk that has no room for more than n bytes.
type full struct{ n int }

var errFull = errors.New("no space left")

func (f *full) Write(p []byte) (int, error) {
	if f.n -= len(p); f.n < 0 {
		return 0, errFull
	}
	return len(p), nil
}

// brittle is a run on a toy of which something fails.
type brittle struct {
	name    string
	revoke  func(y *toy) func(context.Context, string) (int, error)
	down    bool
	history int // bytes that the disk has room for; 0 keeps no history
	want    func(testing.TB, outcome)
}

func (b brittle) run(t testing.TB) outcome {
	stage := stageFunc(func(ctx context.Context, p *Plan) (*Site, error) {
		y := &toy{tokens: map[string]*toyToken{}, answer: switches, delay: after(100 * time.Millisecond), lifetime: time.Hour}
		site, err := y.Start(ctx, p)
		if b.revoke != nil {
			site.Authority = broken{Authority: y, revoke: b.revoke(y)}
		}
		if b.down {
			site.Transport = roundTripper(func(*http.Request) (*http.Response, error) { return nil, errors.New("refused") })
		}
		return site, err
	})
	opts := Options{Stage: stage}
	if b.history > 0 {
		opts.History = &full{b.history}
	}
	result, err := Run(t.Context(), planOf(t, brittleScenario, 1), opts)
	return outcome{result, err}
}

func TestWhatFailsDuringARunIsInTheReport(t *testing.T) {
	t.Parallel()
	never := func(*toy) func(context.Context, string) (int, error) {
		return func(ctx context.Context, _ string) (int, error) {
			<-ctx.Done()
			return 0, ctx.Err()
		}
	}
	answers := func(status int) func(*toy) func(context.Context, string) (int, error) {
		return func(*toy) func(context.Context, string) (int, error) {
			return func(context.Context, string) (int, error) { return status, nil }
		}
	}
	rows := []brittle{
		{name: "a revocation that is refused leaves its token out", revoke: answers(http.StatusBadRequest), want: func(t testing.TB, o outcome) {
			rv := o.of(t, scenarios.Cache).Revoke
			assert.Equal(t, 3, rv.Excluded)
			assert.Zero(t, rv.Tokens)
			assert.Zero(t, rv.NoAck)
			assert.Equal(t, measure.Inconclusive, o.Report.Verdict)
		}},
		{name: "a revocation that fails may not have happened", revoke: answers(http.StatusInternalServerError), want: func(t testing.TB, o outcome) {
			p := o.of(t, scenarios.Cache)
			assert.Equal(t, 3, p.Revoke.NoAck)
			assert.Equal(t, 9, p.Revoke.Censored, "nobody ever refuses them")
			assert.Empty(t, p.Violations, "but that proves nothing")
			assert.NotEqual(t, measure.Pass, o.Report.Verdict)
		}},
		{name: "a revocation that fails may have happened all the same", revoke: func(y *toy) func(context.Context, string) (int, error) {
			return func(ctx context.Context, raw string) (int, error) {
				_, err := y.Revoke(ctx, raw)
				return http.StatusInternalServerError, err
			}
		}, want: func(t testing.TB, o outcome) {
			p := o.of(t, scenarios.Cache)
			assert.Equal(t, 3, p.Revoke.NoAck)
			assert.NotNil(t, p.Revoke.FleetUpper.P50, "figures from sent")
			assert.Nil(t, p.Revoke.AckUpper.P50, "and none from the ack")
			assert.Empty(t, p.Violations)
		}},
		{name: "a revocation that hangs holds nothing up", revoke: never, want: func(t testing.TB, o outcome) {
			p := o.of(t, scenarios.Cache)
			assert.Equal(t, 3, p.Revoke.NoAck)
			assert.Equal(t, 3, p.Revoke.Tokens, "they are sent all the same")
			assert.Equal(t, o.Report.Sender.Planned, o.Report.Sender.Sent)
		}},
		{name: "a history that cannot be written is an error beside the result", history: 70_000, want: func(t testing.TB, o outcome) {
			require.ErrorIs(t, o.err, errFull)
			require.NotNil(t, o.Result)
			assert.Equal(t, 3, o.Report.Patterns[0].Revoke.Tokens)
		}},
		{name: "gateways that are down from the start are never a pass", down: true, want: func(t testing.TB, o outcome) {
			p := o.of(t, scenarios.Cache)
			assert.Equal(t, p.Requests.Sent, p.Requests.Unavailable)
			assert.Equal(t, 9, p.Revoke.Unprimed)
			assert.NotEqual(t, measure.Pass, o.Report.Verdict)
			for _, g := range p.Gates {
				assert.NotEqual(t, measure.Pass, g.Verdict, g.Expr)
			}
		}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			undisturbed.Try(t, func(t *undisturbed.Attempt) { row.want(t, row.run(t)) })
		})
	}
}

func TestAHistoryThatTakesNothingEndsARunBeforeItBegins(t *testing.T) {
	result, err := Run(t.Context(), planOf(t, brittleScenario, 1), Options{
		Stage: &toy{tokens: map[string]*toyToken{}, lifetime: time.Hour}, History: &full{},
	})
	require.ErrorIs(t, err, errFull)
	assert.Nil(t, result)
}

// A token may expire before the first request: then either answer is right.
func TestExpectationsOfABoundRequest(t *testing.T) {
	sc, err := scenarios.Parse([]byte(brittleScenario), "test.yaml")
	require.NoError(t, err)
	sc.Routes = []scenarios.Route{
		{Method: "HEAD", Path: "/v1/*", Scope: "read"}, {Method: "POST", Path: "/v1/*", Scope: "write"},
		{Path: "/other", Audience: "somebody-else"}, {Path: "/free"},
	}
	rec, err := sample()
	require.NoError(t, err)
	p, err := NewPlan(sc, rec, 1)
	require.NoError(t, err)
	for _, row := range []struct {
		request string
		scope   []string
		none    bool
		want    string
	}{
		{"HEAD /v1/x", []string{"read"}, false, "accept "},
		{"HEAD /v1/x", []string{"write"}, false, "reject insufficient_scope"},
		{"POST /v1/x?y=z", []string{"read"}, false, "reject insufficient_scope"},
		{"POST /v1//x", []string{"read", "write"}, false, "accept "},
		{"GET /v1/x", nil, false, "accept "},
		{"GET /other", []string{"read"}, false, "reject invalid_token"},
		{"GET /free", nil, true, "reject other"},
	} {
		var r Request
		_, err := fmt.Sscan(row.request, &r.Method, &r.Path)
		require.NoError(t, err)
		got := p.expect(r, Grant{Scope: row.scope}, !row.none)
		assert.Equal(t, row.want, fmt.Sprintf("%s %s", got.Verdict, got.Reason), "%s with %v", row.request, row.scope)
	}

	b := &binding{plan: p, zero: time.Now()}
	earliest, latest := b.expiry(bound{expiresMin: b.zero.Add(-time.Second), expiresMax: b.zero.Add(time.Second)})
	assert.Positive(t, earliest, "zero would mean that it does not expire")
	assert.EqualValues(t, time.Second, latest)
	earliest, latest = b.expiry(bound{})
	assert.Zero(t, earliest+latest)
}
