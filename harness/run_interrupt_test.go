package harness

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/harness/measure"
)

// spy is a stage that remembers its site.
type spy struct {
	Stage
	site *Site
}

func (s *spy) Start(ctx context.Context, p *Plan) (site *Site, err error) {
	s.site, err = s.Stage.Start(ctx, p)
	return s.site, err
}

// interruptedScenario has a fault that would last until after the interruption.
var interruptedScenario = strings.NewReplacer("rounds: 3, slice: 500ms", "rounds: 1, slice: 100ms", "growth: 10%", "growth: 10%, window: 30s").Replace(smallScenario) + `
faults:
  - {name: link.cut, link: gateway-registry, at: 100ms, for: 30s}
  - {name: link.delay, link: gateway-authority, at: 30s, for: 200ms, delay: 10ms}
`

func TestAnInterruptedRunTellsWhatItSawAndLeavesNothingBehind(t *testing.T) {
	p := planOf(t, interruptedScenario, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stage := &spy{Stage: Embedded{}}
	var history buffer
	var stopped time.Time
	half := p.Faults[0].From + 2300*time.Millisecond // some tokens are revoked by then
	result, err := Run(ctx, p, Options{Stage: stage, History: &history, Progress: func(at Progress) {
		if at.Elapsed >= half && stopped.IsZero() {
			stopped = time.Now()
			cancel()
		}
	}})
	require.NoError(t, err)
	assert.Less(t, time.Since(stopped), 15*time.Second, "the rest of the run is waited for")
	r := result.Report
	assert.Equal(t, measure.Interrupted, r.Verdict)
	assert.False(t, r.Validity.OK)
	assert.Contains(t, r.Validity.Reasons[0], "interrupted after")
	assert.Positive(t, r.Sender.Sent)
	assert.Less(t, r.Sender.Sent, r.Sender.Planned)

	require.Len(t, r.Faults, 1, "the second one was not injected yet")
	assert.True(t, r.Faults[0].Landed)
	assert.False(t, r.Faults[0].Healed, "nobody saw it heal")
	for _, l := range stage.site.Links {
		_, err := l.Transport(answersOK).RoundTrip(httptest.NewRequestWithContext(t.Context(), "GET", "http://gw/", nil))
		assert.NoError(t, err, "%v is mended", l)
	}
	for _, gateways := range stage.site.Gateways {
		for _, gateway := range gateways {
			requireClosed(t, gateway)
		}
	}
	again, err := readHistory(t, &history).Check()
	require.NoError(t, err)
	for i, p := range r.Patterns {
		assert.Equal(t, p.Revoke, again.Patterns[i].Revoke, p.Pattern)
	}
}

var answersOK = roundTripper(func(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
})

func requireClosed(t *testing.T, gateway string) {
	t.Helper()
	u, err := url.Parse(gateway)
	require.NoError(t, err)
	c, err := net.DialTimeout("tcp", u.Host, time.Second)
	if err == nil {
		c.Close()
	}
	require.Error(t, err, "%s still listens", gateway)
}

func TestARunThatIsStoppedBeforeItMeasuresReturnsWhy(t *testing.T) {
	for _, doing := range []string{"starting", "issuing tokens"} {
		ctx, cancel := context.WithCancel(t.Context())
		stage := &spy{Stage: Embedded{}}
		var stopped time.Time
		result, err := Run(ctx, planOf(t, smallScenario, 1), Options{Stage: stage, Progress: func(at Progress) {
			if at.Doing == doing && stopped.IsZero() {
				stopped = time.Now()
				cancel()
			}
		}})
		require.ErrorIs(t, err, context.Canceled, doing)
		assert.Nil(t, result, doing)
		assert.Less(t, time.Since(stopped), 15*time.Second, doing)
		if stage.site != nil {
			requireClosed(t, stage.site.Gateways[0][0])
		}
	}
}
