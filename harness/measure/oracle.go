package measure

import (
	"cmp"
	"math"

	"github.com/tokendrill/tokendrill/fixtures/token"
)

// Kinds of wrong decisions. A stale accept is not wrong in itself: it is what
// time-to-revoke measures.
const (
	FalseAccept = "false_accept"
	FalseReject = "false_reject"
	StaleAccept = "stale_accept"
)

// Causes of violations, beside mutation names and the Cause of an accept.
const (
	// CauseResurrection is an accept that started after a reject had ended.
	CauseResurrection = "resurrection"
	// CauseAfterBound is an accept later than the ack plus the pattern's bound.
	CauseAfterBound = "after_bound"
	// CauseExpired is an accept after the last instant at which the token could be alive.
	CauseExpired = "expired"
	// CauseUnaudited is such an accept within the route's grace, but without the
	// audit that grace asks for.
	CauseUnaudited = "unaudited"
	// CauseWrongReason is a reject that gave another reason than it should.
	CauseWrongReason = "wrong_reason"
	// CauseRefused is a reject of a token that was good.
	CauseRefused = "refused"
)

// judgement is the oracle's word on one request; the zero value is "right, or
// not decided".
type judgement struct {
	kind  string
	cause string
}

// judge compares what a request got with what it should get, for a token that
// no revocation touches. UNAVAILABLE is never wrong, and a request without an
// expectation is not judged. Near its expiry either verdict is legal (DESIGN
// section 3): a reject that ended after ExpiresMin, an accept begun by ExpiresMax
// or, with CauseJustExpired, within the route's grace after it. No other cause
// excuses an accept.
func judge(e *Event) judgement {
	want := e.Expect
	switch {
	case e.Verdict == token.Accept && want.Verdict == token.Reject:
		return judgement{FalseAccept, cmp.Or(e.Cause, e.Detail, string(want.Reason))}
	case e.Verdict == token.Accept && e.ExpiresMax > 0:
		return outlived(e, e.ExpiresMax)
	case e.Verdict != token.Reject || want.Verdict == "":
		return judgement{}
	case e.Reason == token.InvalidToken && e.ExpiresMin > 0 && e.End >= e.ExpiresMin:
		return judgement{}
	case want.Verdict == token.Accept:
		return judgement{FalseReject, cmp.Or(e.Detail, CauseRefused)}
	case e.Reason != want.Reason:
		return judgement{FalseReject, cmp.Or(e.Detail, CauseWrongReason)}
	}
	return judgement{}
}

// outlived judges an accept against the last instant at which the token could be
// alive: begun later, it is right only within the route's grace and under audit.
func outlived(e *Event, latest int64) judgement {
	switch grace := e.Start > latest && e.Start-latest <= e.Grace; {
	case e.Start <= latest, grace && e.Cause == CauseJustExpired:
		return judgement{}
	case grace:
		return judgement{FalseAccept, cmp.Or(e.Cause, CauseUnaudited)}
	}
	return judgement{FalseAccept, cmp.Or(e.Cause, CauseExpired)}
}

// revocation is when a token was revoked, in ns since the start of the run.
type revocation struct {
	event Event // the call, with the earliest sent and ack of its tries
	acked bool
	bound int64
	// expiresMin and expiresMax bound the expiry; math.MaxInt64 means not within the run.
	expiresMin, expiresMax int64
}

func newRevocation(e Event, bound int64) revocation {
	v := revocation{event: e, acked: e.Status/100 == 2, bound: bound, expiresMin: math.MaxInt64, expiresMax: math.MaxInt64}
	if e.ExpiresMin > 0 {
		v.expiresMin = e.ExpiresMin
	}
	if e.ExpiresMax > 0 {
		v.expiresMax = e.ExpiresMax
	}
	return v
}

// merge joins two tries to revoke one token; of a nil one the other is left.
// The earliest sent and the earliest ack count.
func (v *revocation) merge(other revocation) *revocation {
	if v == nil {
		return &other
	}
	first, second := *v, other
	if second.sent() < first.sent() {
		first, second = second, first
	}
	if second.acked && (!first.acked || second.ack() < first.ack()) {
		first.acked, first.event.End, first.event.Status = true, second.ack(), second.event.Status
	}
	return &first
}

func (v *revocation) sent() int64 { return v.event.Start }
func (v *revocation) ack() int64  { return v.event.End }

// refuses says whether a request shows that the revocation took effect: an
// invalid_token reject that may have been decided after the call was sent and
// that expiry does not explain.
func (v *revocation) refuses(e *Event) bool {
	return e.Verdict == token.Reject && e.Reason == token.InvalidToken && e.End > v.sent() && e.End < v.expiresMin
}

// judge is the oracle for a request on the revoked token at one gateway, where
// the first reject that refuses it ended at firstReject (math.MaxInt64: none).
//
// Without a known ack the revocation may not have happened, so that neither
// stale accepts nor the bound are judged; but once the gateway has refused the
// token, an accept begun later contradicts it whether or not it did happen.
func (v *revocation) judge(e *Event, firstReject int64) judgement {
	if e.Verdict == token.Reject {
		return v.judgeReject(e)
	}
	if e.Verdict != token.Accept {
		return judgement{}
	}
	switch plain, expired := judge(e), outlived(e, v.expiresMax); {
	case plain.kind != "":
		return plain
	case expired.kind != "":
		return expired
	case e.Start > firstReject:
		return judgement{FalseAccept, cmp.Or(e.Cause, CauseResurrection)}
	case !v.acked || e.Start <= v.ack():
		return judgement{}
	case e.Start-v.ack() > v.bound:
		return judgement{FalseAccept, cmp.Or(e.Cause, CauseAfterBound)}
	}
	return judgement{kind: StaleAccept}
}

// judgeReject allows invalid_token as soon as it may have been decided after
// the call was sent, or after the token could have expired.
func (v *revocation) judgeReject(e *Event) judgement {
	if e.Reason == token.InvalidToken && (e.End > v.sent() || e.End >= v.expiresMin) {
		return judgement{}
	}
	j := judge(e)
	if j.cause == CauseRefused && e.End > v.sent() {
		j.cause = CauseWrongReason // the token may be refused by now, but not like this
	}
	return j
}

// inFlight says how long after the ack a request begun before it was accepted.
func (v *revocation) inFlight(e *Event) (overrun int64, ok bool) {
	if !v.acked || e.Verdict != token.Accept || e.Start > v.ack() || e.End <= v.ack() {
		return 0, false
	}
	return e.End - v.ack(), true
}

// add counts one judgement.
func (s *Safety) add(kind string) {
	switch kind {
	case FalseAccept:
		s.FalseAccepts++
	case StaleAccept:
		s.StaleAccepts++
	case FalseReject:
		s.FalseRejects++
	}
}

func (s *Safety) merge(from Safety) {
	s.FalseAccepts += from.FalseAccepts
	s.StaleAccepts += from.StaleAccepts
	s.FalseRejects += from.FalseRejects
}

// keptViolations bounds what is kept for each kind, gateway and phase.
const keptViolations = 20

// witnesses keeps the first violations of each kind, gateway and phase.
type witnesses struct {
	kept []Violation
	seen map[[3]string]int
}

// keep keeps a violation if there is room, and says whether it did.
func (w *witnesses) keep(v Violation) bool {
	if w.seen == nil {
		w.seen = map[[3]string]int{}
	}
	key := [3]string{v.Kind, v.Gateway, v.Requests[len(v.Requests)-1].Phase}
	if w.seen[key]++; w.seen[key] > keptViolations {
		return false
	}
	w.kept = append(w.kept, v)
	return true
}
