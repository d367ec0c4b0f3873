package measure

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/fixtures/token"
)

// DESIGN section 3: what is wrong with a request on a token that nobody revokes.
func TestOracleOnTokensThatAreNotRevoked(t *testing.T) {
	scope := token.Outcome{Verdict: token.Reject, Reason: token.InsufficientScope}
	stepUp := token.Outcome{Verdict: token.Reject, Reason: token.InsufficientAuthentication}
	// The token expires within 100 to 200 ns; the route lets it in for 50 ns more, under audit.
	expired := func(start int64, cause string) Event {
		return Event{Verdict: token.Accept, Expect: expectAccept, Cause: cause, Start: start, End: 300, ExpiresMin: 100, ExpiresMax: 200, Grace: 50}
	}
	noGrace := func(e *Event) { e.Grace = 0 }
	for _, row := range []struct {
		says string
		e    Event
		want judgement
	}{
		{"a good token let in is right", Event{Verdict: token.Accept, Expect: expectAccept}, judgement{}},
		{"a bad token refused for its reason is right", Event{Verdict: token.Reject, Reason: token.InvalidToken, Expect: expectReject}, judgement{}},
		{"a forged token let in is a false accept, named by its mutation", Event{Verdict: token.Accept, Expect: expectReject, Detail: "alg-none"}, judgement{FalseAccept, "alg-none"}},
		{"a fail-open route does not excuse it, but is named", Event{Verdict: token.Accept, Expect: expectReject, Detail: "alg-none", Cause: "fail_open"}, judgement{FalseAccept, "fail_open"}},
		{"an accept without the scope is a false accept, named by the reason", Event{Verdict: token.Accept, Expect: scope}, judgement{FalseAccept, "insufficient_scope"}},
		{"a good token let in by a fail-open route is right", Event{Verdict: token.Accept, Expect: expectAccept, Cause: "fail_open"}, judgement{}},
		{"a good token refused is a false reject", Event{Verdict: token.Reject, Reason: token.InvalidToken, Expect: expectAccept}, judgement{FalseReject, CauseRefused}},
		{"a harmless mutant refused is a false reject, named by its mutation", Event{Verdict: token.Reject, Reason: token.InvalidToken, Expect: expectAccept, Detail: "extra-claim"}, judgement{FalseReject, "extra-claim"}},
		{"a bad token refused for another reason is a false reject", Event{Verdict: token.Reject, Reason: token.InvalidToken, Expect: scope}, judgement{FalseReject, CauseWrongReason}},
		{"a 401 without an error code is another reason", Event{Verdict: token.Reject, Reason: token.OtherReason, Expect: expectReject}, judgement{FalseReject, CauseWrongReason}},
		{"no answer to a good token is not wrong", Event{Verdict: token.Unavailable, Expect: expectAccept}, judgement{}},
		{"no answer to a bad token is not wrong", Event{Verdict: token.Unavailable, Expect: expectReject}, judgement{}},
		{"a request without an expectation is not judged", Event{Verdict: token.Reject, Reason: token.OtherReason}, judgement{}},
		{"a reject that ends as the token may expire is legal", Event{Verdict: token.Reject, Reason: token.InvalidToken, Expect: expectAccept, Start: 90, End: 100, ExpiresMin: 100, ExpiresMax: 200}, judgement{}},
		{"a reject that ends before is a false reject", Event{Verdict: token.Reject, Reason: token.InvalidToken, Expect: expectAccept, Start: 90, End: 99, ExpiresMin: 100, ExpiresMax: 200}, judgement{FalseReject, CauseRefused}},
		{"expiry does not explain insufficient_scope", Event{Verdict: token.Reject, Reason: token.InsufficientScope, Expect: expectAccept, Start: 190, End: 199, ExpiresMin: 100, ExpiresMax: 200}, judgement{FalseReject, CauseRefused}},
		{"an accept begun by the last legal instant is legal", Event{Verdict: token.Accept, Expect: expectAccept, Start: 200, End: 300, ExpiresMin: 100, ExpiresMax: 200}, judgement{}},
		{"an accept begun after it is a false accept", Event{Verdict: token.Accept, Expect: expectAccept, Start: 201, End: 300, ExpiresMin: 100, ExpiresMax: 200}, judgement{FalseAccept, CauseExpired}},
		{"within the route's grace an audited accept is a fallback", expired(201, CauseJustExpired), judgement{}},
		{"to the end of the grace", expired(250, CauseJustExpired), judgement{}},
		{"later it is a false accept, audited or not", expired(251, CauseJustExpired), judgement{FalseAccept, CauseJustExpired}},
		{"an accept within the grace that nobody audits is a false accept", expired(201, ""), judgement{FalseAccept, CauseUnaudited}},
		{"another cause does not stand for the audit", expired(201, CauseFailOpen), judgement{FalseAccept, CauseFailOpen}},
		{"before it can have expired nobody needs to audit", expired(200, ""), judgement{}},
		{"an audit is no excuse on a route without grace", edit(expired(201, CauseJustExpired), noGrace), judgement{FalseAccept, CauseJustExpired}},
		{"an audit does not excuse a forged token", edit(expired(201, CauseJustExpired), func(e *Event) { e.Expect = expectReject }), judgement{FalseAccept, CauseJustExpired}},
		{"a reject within the grace is legal", Event{Verdict: token.Reject, Reason: token.InvalidToken, Expect: expectAccept, Start: 210, End: 220, ExpiresMin: 100, ExpiresMax: 200, Grace: 50}, judgement{}},
		{"a caller who must step up is asked to", Event{Verdict: token.Reject, Reason: token.InsufficientAuthentication, Expect: stepUp, Cause: CauseStepUp}, judgement{}},
		{"let in instead is a false accept", Event{Verdict: token.Accept, Expect: stepUp}, judgement{FalseAccept, "insufficient_user_authentication"}},
		{"refused for good instead is a false reject", Event{Verdict: token.Reject, Reason: token.InvalidToken, Expect: stepUp}, judgement{FalseReject, CauseWrongReason}},
		{"refused for its scope instead is a false reject", Event{Verdict: token.Reject, Reason: token.InsufficientScope, Expect: stepUp}, judgement{FalseReject, CauseWrongReason}},
		{"a caller who has stepped up is not asked again", Event{Verdict: token.Reject, Reason: token.InsufficientAuthentication, Expect: expectAccept, Cause: CauseStepUp}, judgement{FalseReject, CauseRefused}},
		{"an expired token may be refused where it should step up", Event{Verdict: token.Reject, Reason: token.InvalidToken, Expect: stepUp, End: 100, ExpiresMin: 100, ExpiresMax: 200}, judgement{}},
	} {
		t.Run(row.says, func(t *testing.T) { assert.Equal(t, row.want, judge(&row.e)) })
	}
}

// DESIGN sections 3 and 4: one token revoked from 1,000 (sent) to 1,010 ms (ack), bound 2 s.
func TestOracleOnRevokedTokens(t *testing.T) {
	accept := func(start, end int64) Event { return request("k", start, end, token.Accept) }
	reject := func(start, end int64) Event { return request("k", start, end, token.Reject) }
	noAck := func(e *Event) { e.Status = 0 }
	for _, row := range []struct {
		says     string
		revoke   Event
		requests []Event
		want     Safety
		causes   []string
		inFlight int
	}{
		{says: "an accept before the revocation is right", requests: []Event{accept(900, 910)}},
		{says: "an accept begun before the ack and over before it is right", requests: []Event{accept(1001, 1009)}},
		{says: "an accept begun before the ack and over after it was in flight", requests: []Event{accept(1005, 1020)}, inFlight: 1},
		{says: "an accept begun at the very ack was in flight", requests: []Event{accept(1010, 1020)}, inFlight: 1},
		{says: "however long a pause holds its answer back", requests: []Event{accept(1005, 60_000)}, inFlight: 1},
		{says: "and whatever was refused meanwhile", requests: []Event{accept(1005, 60_000), reject(1500, 1501)}, inFlight: 1},
		{says: "begun after the ack and within the bound, its answer may come late, too", requests: []Event{accept(3010, 60_000)}, want: Safety{StaleAccepts: 1}},
		{says: "an accept begun after the ack is stale", requests: []Event{accept(1011, 1020)}, want: Safety{StaleAccepts: 1}},
		{says: "an accept at the bound is stale", requests: []Event{accept(3010, 3011)}, want: Safety{StaleAccepts: 1}},
		{says: "an accept later than the bound is false, not stale", requests: []Event{accept(3011, 3012)}, want: Safety{FalseAccepts: 1}, causes: []string{CauseAfterBound}},
		{says: "a fail-open accept later than the bound is false and named", requests: []Event{edit(accept(3011, 3012), func(e *Event) { e.Cause = "fail_open" })}, want: Safety{FalseAccepts: 1}, causes: []string{"fail_open"}},
		{says: "a reject after the revocation is right", requests: []Event{reject(1011, 1020)}},
		{says: "a reject that may have been decided after the call was sent is right", requests: []Event{reject(990, 1001)}},
		{says: "a reject over before the call was sent is false", requests: []Event{reject(980, 1000)}, want: Safety{FalseRejects: 1}, causes: []string{CauseRefused}},
		{says: "a reject for another reason is false even after the revocation", requests: []Event{edit(reject(1011, 1020), func(e *Event) { e.Reason = token.InsufficientScope })}, want: Safety{FalseRejects: 1}, causes: []string{CauseWrongReason}},
		{says: "on a route without the scope both reasons are right after the revocation", requests: []Event{
			edit(reject(1011, 1020), func(e *Event) { e.Expect.Verdict, e.Expect.Reason = token.Reject, token.InsufficientScope }),
			edit(reject(1011, 1020), func(e *Event) {
				e.Expect.Verdict, e.Expect.Reason, e.Reason = token.Reject, token.InsufficientScope, token.InsufficientScope
			})}},
		{says: "an accept that starts after a reject ended is a resurrection", requests: []Event{reject(1011, 1020), accept(1021, 1022)}, want: Safety{FalseAccepts: 1}, causes: []string{CauseResurrection}},
		{says: "an accept that starts before the reject ended is stale only", requests: []Event{reject(1011, 1020), accept(1020, 1022)}, want: Safety{StaleAccepts: 1}},
		{says: "a resurrection between sent and ack is one, too", requests: []Event{reject(1001, 1002), accept(1003, 1004)}, want: Safety{FalseAccepts: 1}, causes: []string{CauseResurrection}},
		{says: "no answer before or after is neither", requests: []Event{request("k", 1011, 1020, token.Unavailable), accept(1021, 1022)}, want: Safety{StaleAccepts: 1}},
		{says: "without an ack, late accepts are not judged", revoke: edit(revoked("k", 1000, 1010), noAck), requests: []Event{accept(1011, 1020), accept(9000, 9001)}},
		{says: "a 503 to the revocation is no ack", revoke: edit(revoked("k", 1000, 1010), func(e *Event) { e.Status = 503 }), requests: []Event{accept(9000, 9001)}},
		{says: "without an ack, a resurrection is one all the same", revoke: edit(revoked("k", 1000, 1010), noAck), requests: []Event{reject(1011, 1020), accept(1021, 1022)}, want: Safety{FalseAccepts: 1}, causes: []string{CauseResurrection}},
		{says: "a refused revocation leaves the token out", revoke: edit(revoked("k", 1000, 1010), func(e *Event) { e.Status = 401 }), requests: []Event{reject(500, 501), accept(9000, 9001)}},
		{says: "an accept after the last legal instant of its life is false", revoke: edit(revoked("k", 1000, 1010), func(e *Event) { e.ExpiresMin, e.ExpiresMax = 1400*ms, 1500*ms }), requests: []Event{accept(1500, 1502), accept(1501, 1502)}, want: Safety{StaleAccepts: 1, FalseAccepts: 1}, causes: []string{CauseExpired}},
		{says: "grace lets an expired token in, not a revoked one", revoke: edit(revoked("k", 1000, 1010), func(e *Event) { e.ExpiresMin, e.ExpiresMax = 1400*ms, 1500*ms }), requests: []Event{
			edit(accept(1501, 1502), func(e *Event) { e.Cause, e.Grace = CauseJustExpired, 5000*ms }),
			edit(accept(3011, 3012), func(e *Event) { e.Cause, e.Grace = CauseJustExpired, 5000*ms }),
			edit(accept(1503, 1504), func(e *Event) { e.Grace = 5000 * ms }),
		}, want: Safety{StaleAccepts: 1, FalseAccepts: 2}, causes: []string{CauseUnaudited, CauseJustExpired}},
		{says: "revoked straight after issue, without a use before: what comes later than the bound is false", requests: []Event{accept(1020, 1021), accept(3011, 3012)}, want: Safety{StaleAccepts: 1, FalseAccepts: 1}, causes: []string{CauseAfterBound}},
		{says: "and so is coming back to life", requests: []Event{reject(1020, 1021), accept(1030, 1031)}, want: Safety{FalseAccepts: 1}, causes: []string{CauseResurrection}},
		{says: "a reject as the token may expire is no revocation: an accept after it is legal", revoke: edit(revoked("k", 1000, 1010), func(e *Event) { e.ExpiresMin, e.ExpiresMax = 1400*ms, 1500*ms }), requests: []Event{reject(1390, 1400), accept(1401, 1402)}, want: Safety{StaleAccepts: 1}},
	} {
		t.Run(row.says, func(t *testing.T) {
			if row.revoke.Kind == "" {
				row.revoke = revoked("k", 1000, 1010)
			}
			meta := testMeta()
			got := check(&meta.Patterns[0], append(row.requests, row.revoke))
			assert.Equal(t, row.want, got.safety.of("revoke"))
			var causes []string
			for _, v := range got.violations {
				causes = append(causes, v.Cause)
			}
			assert.Equal(t, row.causes, causes)
			assert.Equal(t, row.inFlight, got.revoke.InFlight)
		})
	}
}

// DESIGN section 3: each violation keeps its two witness requests.
func TestViolationsKeepTheirWitnesses(t *testing.T) {
	meta := testMeta()
	reject := request("k", 1011, 1020, token.Reject)
	back := request("k", 1100, 1101, token.Accept)
	got := check(&meta.Patterns[0], []Event{revoked("k", 1000, 1010), back, reject})
	require.Len(t, got.violations, 1)
	assert.Equal(t, []Event{reject, back}, got.violations[0].Requests)

	late := request("k", 9000, 9001, token.Accept)
	got = check(&meta.Patterns[0], []Event{late, revoked("k", 1000, 1010)})
	require.Len(t, got.violations, 1)
	assert.Equal(t, []Event{revoked("k", 1000, 1010), late}, got.violations[0].Requests)

	refused := edit(twin("k", 2000, 2001), func(e *Event) { e.Verdict, e.Reason = token.Reject, token.InvalidToken })
	got = check(&meta.Patterns[0], []Event{twin("k", 1000, 1001), refused, revoked("k", 1000, 1010)})
	require.Len(t, got.violations, 1)
	assert.Equal(t, []Event{twin("k", 1000, 1001), refused}, got.violations[0].Requests)
}

func TestAtMostTwentyViolationsAreKeptButAllAreCounted(t *testing.T) {
	meta := testMeta()
	events := []Event{revoked("k", 1000, 1010)}
	for i := range int64(50) {
		events = append(events, request("k", 9000+i, 9001+i, token.Accept))
	}
	got := check(&meta.Patterns[0], events)
	assert.Len(t, got.violations, 20)
	assert.Equal(t, 50, got.safety.of("revoke").FalseAccepts)
}

// A token that is revoked straight after it was issued has no accept before: it
// counts for safety, with its witness, and not for time-to-revoke.
func TestFreshRevocationsCountForSafetyOnly(t *testing.T) {
	r, err := NewRecorder(testMeta("safety.false_accepts == 0", "revoke.fleet_upper.max <= 5s", "revoke.unprimed == 1", "revoke.tokens >= 1"), nil)
	require.NoError(t, err)
	late := request("k", 3011, 3012, token.Accept)
	feed(r, append(controls("k"), revoked("k", 1000, 1010), request("k", 1020, 1021, token.Accept), late, request("k", 3500, 3501, token.Reject)))
	p := finish(t, r, Run{}).Patterns[0]
	assert.Equal(t, []RunVerdict{Fail, Inconclusive, Pass, Inconclusive}, []RunVerdict{p.Gates[0].Verdict, p.Gates[1].Verdict, p.Gates[2].Verdict, p.Gates[3].Verdict})
	require.NotNil(t, p.Gates[0].Witness)
	assert.Equal(t, []Event{revoked("k", 1000, 1010), late}, p.Gates[0].Witness.Requests)
	assert.Equal(t, "no revocation was measured", p.Gates[1].Why)
	assert.Equal(t, 1, p.Revoke.Unprimed)
	assert.Zero(t, p.Revoke.Tokens)
}
