package measure

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/fixtures/token"
)

// DESIGN section 4: one token, sent at 10,000 ms, ack at 10,010; quiet period 1 s.
func TestIntervalsOfTimeToRevoke(t *testing.T) {
	accept := func(start, end int64) Event { return request("k", start, end, token.Accept) }
	reject := func(start, end int64) Event { return request("k", start, end, token.Reject) }
	none := func(start, end int64) Event { return request("k", start, end, token.Unavailable) }
	primed := accept(9_900, 9_901)
	quiet := reject(14_000, 14_001)
	at := func(v float64) *float64 { return &v }
	expires := edit(revoked("k", 10_000, 10_010), func(e *Event) { e.ExpiresMin, e.ExpiresMax = 12_000*ms, 14_000*ms })
	for _, row := range []struct {
		says         string
		revoke       Event
		requests     []Event
		controls     []Event // nil: every 500 ms
		state        State
		lower, upper *float64
		resurrected  bool
	}{
		{says: "from the last accept to the end of the first reject", requests: []Event{primed, accept(10_500, 10_501), reject(10_700, 10_703), quiet},
			state: Exact, lower: at(500), upper: at(703)},
		{says: "refused at once: the lower bound is zero, not negative", requests: []Event{primed, reject(10_001, 10_002), quiet},
			state: Exact, lower: at(0), upper: at(2)},
		{says: "a reject that began before sent and ended after it counts", requests: []Event{primed, reject(9_999, 10_003), quiet},
			state: Exact, lower: at(0), upper: at(3)},
		{says: "the earliest end counts, not the earliest start", requests: []Event{primed, reject(10_100, 10_900), reject(10_200, 10_210), quiet},
			state: Exact, lower: at(0), upper: at(210)},
		{says: "an accept that overlaps the reject moves the lower bound only", requests: []Event{primed, reject(10_100, 10_400), accept(10_300, 10_900), quiet},
			state: Exact, lower: at(300), upper: at(400)},
		{says: "an accept that starts as the reject ends does not come after it", requests: []Event{primed, reject(10_100, 10_400), accept(10_400, 10_401), quiet},
			state: Exact, lower: at(400), upper: at(400)},
		{says: "an answer that a pause holds back moves nothing", requests: []Event{primed, accept(9_990, 16_000), reject(10_100, 10_101), quiet},
			state: Exact, lower: at(0), upper: at(101)},
		{says: "503s before the reject are no reject", requests: []Event{primed, accept(10_100, 10_101), none(10_200, 10_201), none(10_300, 10_301), reject(10_400, 10_401), quiet},
			state: Exact, lower: at(100), upper: at(401)},
		{says: "insufficient_scope is no revocation", requests: []Event{primed, edit(reject(10_100, 10_101), func(e *Event) { e.Reason = token.InsufficientScope }), reject(10_400, 10_401), quiet},
			state: Exact, lower: at(0), upper: at(401)},
		{says: "after a resurrection the next lasting reject counts", requests: []Event{primed, reject(10_100, 10_101), accept(10_300, 10_301), reject(10_600, 10_601), quiet},
			state: Exact, lower: at(300), upper: at(601), resurrected: true},
		{says: "a resurrection that lasts is censored", requests: []Event{primed, reject(10_100, 10_101), accept(14_000, 14_001)},
			state: Censored, lower: at(4000), resurrected: true},
		{says: "never refused is censored at the last accept", requests: []Event{primed, accept(10_500, 10_501), accept(15_000, 15_001)},
			state: Censored, lower: at(5000)},
		{says: "only 503s after the revocation are censored", requests: []Event{primed, none(10_500, 10_501), none(15_000, 15_001)},
			state: Censored, lower: at(0)},
		{says: "no accept before the revocation: it does not count here", requests: []Event{accept(9_999, 10_001), reject(10_100, 10_101), quiet},
			state: Unprimed},
		{says: "refused only when it may have expired is censored at expiry", revoke: expires, requests: []Event{primed, accept(11_500, 11_501), reject(12_500, 12_501), reject(15_000, 15_001)},
			state: Expired, lower: at(1500)},
		{says: "refused before it could expire, and watched, is exact", revoke: expires, requests: []Event{primed, reject(10_500, 10_501), reject(11_600, 11_601), reject(13_000, 13_001)},
			state: Exact, lower: at(0), upper: at(501)},
		{says: "watching ends where expiry may begin", revoke: expires, requests: []Event{primed, reject(11_500, 11_501), reject(15_000, 15_001)},
			state: Unstable, lower: at(0), upper: at(1501)},
		{says: "not watched for the quiet period is unstable", requests: []Event{primed, reject(10_500, 10_501), reject(11_500, 11_501)},
			state: Unstable, lower: at(0), upper: at(501)},
		{says: "503s are not watching", requests: []Event{primed, reject(10_500, 10_501), none(14_000, 14_001)},
			state: Unstable, lower: at(0), upper: at(501)},
		{says: "without a control the rejects prove nothing", controls: []Event{}, requests: []Event{primed, reject(10_500, 10_501), quiet},
			state: Unknown, lower: at(0)},
		{says: "a control only before proves nothing", controls: []Event{twin("k", 10_000, 10_001)}, requests: []Event{primed, reject(10_500, 10_501), quiet},
			state: Unknown, lower: at(0)},
		{says: "a control only after proves nothing", controls: []Event{twin("k", 11_000, 11_001)}, requests: []Event{primed, reject(10_500, 10_501), quiet},
			state: Unknown, lower: at(0)},
		{says: "controls one gap away on either side prove it", controls: []Event{twin("k", 9_499, 9_500), twin("k", 11_501, 11_502)}, requests: []Event{primed, reject(10_500, 10_501), quiet},
			state: Exact, lower: at(0), upper: at(501)},
		{says: "controls further away prove nothing", controls: []Event{twin("k", 9_498, 9_499), twin("k", 11_501, 11_502)}, requests: []Event{primed, reject(10_500, 10_501), quiet},
			state: Unknown, lower: at(0)},
		{says: "a refused control between proves nothing", controls: []Event{twin("k", 10_000, 10_001), edit(twin("k", 10_600, 10_601), func(e *Event) { e.Verdict = token.Reject }), twin("k", 11_000, 11_001)},
			requests: []Event{primed, reject(10_500, 10_501), quiet}, state: Unknown, lower: at(0)},
		{says: "an unanswered control between does not matter", controls: []Event{twin("k", 10_000, 10_001), edit(twin("k", 10_600, 10_601), func(e *Event) { e.Verdict = token.Unavailable }), twin("k", 11_000, 11_001)},
			requests: []Event{primed, reject(10_500, 10_501), quiet}, state: Exact, lower: at(0), upper: at(501)},
	} {
		t.Run(row.says, func(t *testing.T) {
			if row.revoke.Kind == "" {
				row.revoke = revoked("k", 10_000, 10_010)
			}
			if row.controls == nil {
				row.controls = controls("k")
			}
			meta := testMeta()
			events := append(append(row.controls, row.revoke), row.requests...)
			got := check(&meta.Patterns[0], events).revoke
			require.Len(t, got.Gateways, 1)
			require.Len(t, got.Gateways[0].Intervals, 1)
			i := got.Gateways[0].Intervals[0]
			assert.Equal(t, row.state, i.State)
			assert.Equal(t, row.lower, i.Lower)
			assert.Equal(t, row.upper, i.Upper)
			assert.Equal(t, row.resurrected, i.Resurrected)
		})
	}
}

func TestFleetIsTheSlowestGateway(t *testing.T) {
	at := func(v float64) *float64 { return &v }
	exact := func(gw string, lower, upper float64) Interval {
		return Interval{Gateway: gw, State: Exact, Lower: at(lower), Upper: at(upper)}
	}
	censored := func(gw string, lower float64) Interval {
		return Interval{Gateway: gw, State: Censored, Lower: at(lower)}
	}
	for _, row := range []struct {
		says string
		at   []Interval
		want Interval
	}{
		{"the largest upper bound, and the largest lower bound", []Interval{exact("a", 10, 20), exact("b", 5, 30)}, exact("b", 10, 30)},
		{"censored if any gateway is", []Interval{exact("a", 10, 20), censored("b", 5)}, censored("b", 10)},
		{"the censored one that lasted longest", []Interval{censored("a", 5), censored("b", 9)}, censored("b", 9)},
		{"unstable if any is, however early", []Interval{exact("a", 10, 20), {Gateway: "b", State: Unstable, Lower: at(1), Upper: at(2)}}, Interval{Gateway: "b", State: Unstable, Lower: at(10), Upper: at(20)}},
		{"a gateway that was not primed does not count", []Interval{exact("a", 10, 20), {Gateway: "b", State: Unprimed}}, exact("a", 10, 20)},
	} {
		t.Run(row.says, func(t *testing.T) {
			got, ok := slowest(row.at)
			assert.True(t, ok)
			assert.Equal(t, row.want, got)
		})
	}
	_, ok := slowest([]Interval{{State: Unprimed}})
	assert.False(t, ok)
}

func TestRevocationsThatWereTriedTwice(t *testing.T) {
	meta := testMeta()
	lost := edit(revoked("k", 10_000, 10_300), func(e *Event) { e.Status = 0 })
	events := append(controls("k"), lost, revoked("k", 10_400, 10_410),
		request("k", 9_900, 9_901, token.Accept), request("k", 10_600, 10_601, token.Reject), request("k", 14_000, 14_001, token.Reject))
	got := check(&meta.Patterns[0], events).revoke
	require.Len(t, got.Fleet, 1)
	assert.Equal(t, 601.0, *got.Fleet[0].Upper, "sent is the first try")
	assert.Equal(t, 410.0, *got.Fleet[0].Ack, "ack is the first that came")
	assert.Zero(t, got.NoAck)
}

func TestOfTwoAcksTheEarlierCounts(t *testing.T) {
	meta := testMeta()
	got := check(&meta.Patterns[0], append(controls("k"), revoked("k", 10_000, 10_300), revoked("k", 10_100, 10_110), request("k", 9_900, 9_901, token.Accept)))
	assert.Equal(t, 110.0, *got.revoke.Fleet[0].Ack)
}

func TestTokensThatWereNeverRevokedAreLeftOut(t *testing.T) {
	meta := testMeta()
	refused := edit(revoked("r", 10_000, 10_010), func(e *Event) { e.Status = 400 })
	got := check(&meta.Patterns[0], []Event{refused, request("r", 9_000, 9_001, token.Accept), request("never", 9_000, 9_001, token.Reject)})
	assert.Equal(t, 2, got.revoke.Excluded)
	assert.Zero(t, got.revoke.Tokens)
	assert.Empty(t, got.violations)
}

func TestTimeToRevokeFromTheAck(t *testing.T) {
	meta := testMeta()
	events := append(controls("k"), revoked("k", 10_000, 10_400),
		request("k", 9_900, 9_901, token.Accept), request("k", 10_300, 10_301, token.Accept),
		request("k", 10_600, 10_601, token.Reject), request("k", 14_000, 14_001, token.Reject))
	got := check(&meta.Patterns[0], events).revoke
	assert.Equal(t, 300.0, *got.FleetLower.Max)
	assert.Equal(t, 601.0, *got.FleetUpper.Max)
	assert.Equal(t, 0.0, *got.AckLower.Max)
	assert.Equal(t, 201.0, *got.AckUpper.Max)
}

func TestWatchedIsTheShortestWatch(t *testing.T) {
	meta := testMeta()
	events := append(controls("a"), revoked("a", 10_000, 10_010), revoked("b", 11_000, 11_010),
		request("a", 9_900, 9_901, token.Accept), request("a", 14_000, 14_001, token.Reject),
		request("b", 9_900, 9_901, token.Accept), request("b", 14_000, 14_001, token.Reject))
	got := check(&meta.Patterns[0], events).revoke
	assert.Equal(t, 3*float64(time.Second/time.Millisecond), got.Watched)
}
