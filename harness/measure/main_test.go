package measure

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tokendrill/tokendrill/fixtures/token"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const ms = int64(time.Millisecond)

// testMeta is a run of one pattern with one gateway, a bound of 2 s and a quiet
// period of 1 s.
func testMeta(gates ...string) Meta {
	return Meta{
		Schema:   HistorySchema,
		Scenario: "test",
		Seed:     7,
		Stage:    "toy",
		Started:  time.Unix(1_700_000_000, 123_456_789).UTC(),
		Patterns: []PatternMeta{{
			Pattern: "cache", Gateways: []string{"gw-1"},
			Bound: 2 * time.Second, Quiet: time.Second, ControlGap: time.Second,
		}},
		Phases: []PhaseMeta{{LatencyPhase, 0, 9_000 * ms}, {"revoke", 9_000 * ms, 20_000 * ms}},
		Gates:  gates,
	}
}

var (
	expectAccept = token.Outcome{Verdict: token.Accept}
	expectReject = token.Outcome{Verdict: token.Reject, Reason: token.InvalidToken}
)

// request is an event on a revoked token; times are in ms.
func request(ref token.Ref, start, end int64, v token.Verdict) Event {
	e := Event{
		Kind: KindRequest, Pattern: "cache", Token: ref, Gateway: "gw-1", Class: token.Revoked,
		Planned: start * ms, Start: start * ms, End: end * ms, Verdict: v, Expect: expectAccept, Phase: "revoke",
	}
	if v == token.Reject {
		e.Reason, e.Status = token.InvalidToken, 401
	}
	return e
}

// twin is an accepted request on the control token of a revoked one.
func twin(ref token.Ref, start, end int64) Event {
	e := request("control-of-"+ref, start, end, token.Accept)
	e.Class, e.Twin = token.Control, ref
	return e
}

// revoked is a revocation; times are in ms.
func revoked(ref token.Ref, sent, ack int64) Event {
	return Event{Kind: KindRevoke, Pattern: "cache", Token: ref, Class: token.Revoked, Planned: sent * ms, Start: sent * ms, End: ack * ms, Status: 200, Phase: "revoke"}
}

// edit changes an event in passing.
func edit(e Event, change func(*Event)) Event {
	change(&e)
	return e
}

// controls are twins every half second from 0 to 20 s.
func controls(ref token.Ref) []Event {
	var out []Event
	for at := int64(0); at <= 20_000; at += 500 {
		out = append(out, twin(ref, at, at+1))
	}
	return out
}

// of is the safety of one phase.
func (l ledger) of(phase string) Safety { return l.sum("", phase).safety }
