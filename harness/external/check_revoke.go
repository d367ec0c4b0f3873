package external

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tokendrill/tokendrill/fixtures/token"
	"github.com/tokendrill/tokendrill/scenarios"
)

const (
	// A revoked token is asked about at gaps that grow from firstGap by a quarter
	// each, to lastGap.
	firstGap, lastGap = 10 * time.Millisecond, time.Second
)

// margin is what the bound is allowed to be over by.
func margin(bound time.Duration) time.Duration { return max(500*time.Millisecond, bound/10) }

// revocation revokes one of two tokens, and says whether that one is refused within
// the bound and the other is not.
func (e *examiner) revocation(ctx context.Context) {
	if len(e.tokens) < 2 || !slices.Contains(e.accepted, true) {
		return
	}
	within := e.Target.Bound + margin(e.Target.Bound)
	e.tell(Finding{What: "revoke", State: Waits, Says: fmt.Sprintf("a revoked token is to be refused, within %v", within)})
	var status int
	sent := time.Now()
	err := e.call(ctx, func(ctx context.Context) (err error) {
		status, err = e.authority.Revoke(ctx, e.tokens[0].Token)
		return err
	})
	switch {
	case err != nil:
		e.say(ctx, noAuthority("revoke", "no answer to the revocation: ", err, e.timeout))
		return
	case status != http.StatusOK:
		e.say(ctx, notRevoked(status))
		return
	}
	last, took := e.watch(ctx, sent, within)
	e.refusal(ctx, last, took, within)
	e.other(ctx)
}

// notRevoked says why a revocation was not acknowledged.
func notRevoked(status int) Finding {
	f := Finding{What: "revoke", State: Fails, Fix: "check authority.revocation_endpoint or authority.revoke"}
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		f.Says = fmt.Sprintf("the authority refuses to revoke (%d)", status)
		f.Fix = "let authority.client revoke the tokens that it gets (RFC 7009 section 2.1), or revoke them otherwise by authority.revoke"
	case status >= http.StatusInternalServerError:
		f.Says = fmt.Sprintf("the authority cannot revoke (%d)", status)
		f.Fix = "see its log"
	default:
		f.Says = fmt.Sprintf("was answered %d, which acknowledges nothing", status)
	}
	return f
}

// watch asks every gateway that took the token until it is refused, and returns the
// last answer of each and how long after sent that was.
func (e *examiner) watch(ctx context.Context, sent time.Time, within time.Duration) ([]answer, []time.Duration) {
	last, took := make([]answer, len(e.accepted)), make([]time.Duration, len(e.accepted))
	waiting := slices.Clone(e.accepted)
	for gap := firstGap; slices.Contains(waiting, true); gap = min(lastGap, gap*5/4) {
		for g, a := range e.ask(ctx, waiting, e.Target.Probe.Path, e.tokens[0].Token) {
			if !waiting[g] {
				continue
			}
			last[g], took[g] = a, a.got.Sub(sent)
			refused := a.err == nil && a.outcome.Verdict == token.Reject
			waiting[g] = !refused && a.sent.Sub(sent) < within
		}
		if ctx.Err() != nil || slices.Contains(waiting, true) && pause(ctx, min(gap, max(0, time.Until(sent.Add(within))))) != nil {
			break
		}
	}
	return last, took
}

// refusal says at which gateways a revoked token was refused.
func (e *examiner) refusal(ctx context.Context, last []answer, took []time.Duration, within time.Duration) {
	var fine []string
	for g, a := range last {
		name := e.Target.Gateways[g].Name
		f := Finding{What: "revoke", State: Fails}
		switch {
		case !e.accepted[g]:
			continue
		case accepts(a):
			f.Says = fmt.Sprintf("was answered 200 and the token is still accepted at %s after %v: the revoke call revokes nothing, or the bound is longer", name, within)
			f.Fix = "check authority.revoke, or raise bound"
		case a.err != nil || a.outcome.Verdict != token.Reject:
			says, fix := e.undecided(a)
			f.Says, f.Fix = fmt.Sprintf("%s answers a revoked token with %s", name, says), fix
		case took[g] > within:
			f.State = Doubt
			f.Says = fmt.Sprintf("the token was refused at %s only %s after the revocation was sent", name, brief(took[g]))
			f.Fix = "raise bound, or limits.rate, by which probes may come late"
		default:
			fine = append(fine, fmt.Sprintf("%s after %s", name, brief(took[g])))
			continue
		}
		e.say(ctx, f)
	}
	if len(fine) > 0 {
		e.say(ctx, Finding{What: "revoke", State: Works, Says: "the token is refused: " + strings.Join(fine, ", ")})
	}
}

// other says whether the token that was not revoked is still accepted.
func (e *examiner) other(ctx context.Context) {
	answers := e.ask(ctx, e.accepted, e.Target.Probe.Path, e.tokens[1].Token)
	e.judge(ctx, "other token", "still accepted", answers, func(a answer) *Finding {
		switch kind := e.Target.Authority.Revoke.Kind; {
		case accepts(a):
			return nil
		case a.err != nil || a.outcome.Verdict != token.Reject:
			says, fix := e.undecided(a)
			return &Finding{State: Fails, Says: "answers a token that was not revoked with " + says, Fix: fix}
		case kind == scenarios.KindToken:
			return &Finding{State: Fails, Says: fmt.Sprintf("refuses the token that was not revoked too (%d): one revocation took both", a.StatusCode),
				Fix: "say what it takes away in authority.revoke.kind: session, user or client"}
		default:
			return &Finding{State: Doubt, Says: fmt.Sprintf("refuses the token that was not revoked too (%d): both are of one %s", a.StatusCode, kind),
				Fix: fmt.Sprintf("have each token issued for a %s of its own (authority.issue)", kind)}
		}
	})
}
