package reports

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/tokendrill/tokendrill/fixtures/token"
	"github.com/tokendrill/tokendrill/harness/measure"
)

// Expect is of the token were it not revoked; a page says what was right at the time.
func TestAWrongDecisionIsShownWithWhatWouldHaveBeenRight(t *testing.T) {
	accept := token.Outcome{Verdict: token.Accept}
	refuse := token.Outcome{Verdict: token.Reject, Reason: token.InvalidToken}
	scope := token.Outcome{Verdict: token.Reject, Reason: token.InsufficientScope}
	revoked := measure.Event{Kind: "revoke", Status: 200}
	got := func(o, expect token.Outcome) measure.Event {
		return measure.Event{Kind: measure.KindRequest, Verdict: o.Verdict, Reason: o.Reason, Expect: expect}
	}
	for _, row := range []struct {
		name, kind, cause string
		requests          []measure.Event
		want              []string
	}{
		{"let in long after the revocation", measure.FalseAccept, measure.CauseAfterBound, []measure.Event{revoked, got(accept, accept)}, []string{"-", "reject invalid_token"}},
		{"let in again after a refusal, which was right", measure.FalseAccept, measure.CauseResurrection, []measure.Event{got(refuse, accept), got(accept, accept)}, []string{"reject invalid_token", "reject invalid_token"}},
		{"let in after it expired", measure.FalseAccept, measure.CauseExpired, []measure.Event{got(accept, accept), got(accept, accept)}, []string{"accept", "reject invalid_token"}},
		{"let in without the scope", measure.FalseAccept, "insufficient_scope", []measure.Event{got(accept, scope)}, []string{"reject insufficient_scope"}},
		{"shut out although it was good", measure.FalseReject, measure.CauseRefused, []measure.Event{got(accept, accept), got(refuse, accept)}, []string{"accept", "accept"}},
		{"refused, but not as a revoked token is", measure.FalseReject, measure.CauseWrongReason, []measure.Event{got(accept, accept), got(scope, accept)}, []string{"accept", "reject invalid_token"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := wrongRow{Violation: measure.Violation{Kind: row.kind, Cause: row.cause, Requests: row.requests}}
			var said []string
			for _, r := range w.Witnesses() {
				said = append(said, outcome(r.Expected))
			}
			assert.Equal(t, row.want, said)
		})
	}
}

func TestAPageOfARevokedTokenLetInSaysThatARejectWasExpected(t *testing.T) {
	r := sample()
	accept := token.Outcome{Verdict: token.Accept}
	r.Patterns[0].Violations = []measure.Violation{{
		Kind: measure.FalseAccept, Gateway: "gw-1", Token: "t-1", Cause: measure.CauseAfterBound,
		Requests: []measure.Event{{Kind: measure.KindRequest, Start: 1e9, End: 2e9, Status: 200, Verdict: token.Accept, Expect: accept}},
	}}
	assertShows(t, page(t, r), `<td class="left">accept</td><td class="left">reject invalid_token</td>`)
}

func TestAPageWithoutALatencyHasNoTableOfThem(t *testing.T) {
	const caption = "<caption>Requests that should be accepted."
	r := sample()
	assertShows(t, page(t, r), caption)
	for i := range r.Patterns {
		r.Patterns[i].Latency = measure.Latency{}
	}
	assert.False(t, strings.Contains(page(t, r), caption))
}

// assertShows spares a person the whole page.
func assertShows(t *testing.T, page, text string) {
	t.Helper()
	assert.True(t, strings.Contains(page, text), "the page does not show %s", text)
}
