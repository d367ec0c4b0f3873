package harness

import (
	"cmp"
	"fmt"
	"iter"
	"net/url"
	"slices"
	"time"

	"github.com/tokendrill/tokendrill/fixtures/token"
	"github.com/tokendrill/tokendrill/harness/measure"
)

// hits yields the plan's requests with live tokens and the outcome to expect. A
// request whose token is not there when it is due is left out.
func (b *binding) hits() iter.Seq[Hit] {
	return func(yield func(Hit) bool) {
		for r := range b.plan.Requests() {
			h, ok := b.hit(r)
			if !ok {
				b.missed.Add(1)
			} else if !yield(h) {
				return
			}
		}
	}
}

// hit binds one request. It is false if the token was to be issued by now and is not.
func (b *binding) hit(r Request) (Hit, bool) {
	sys := b.plan.Systems[r.System]
	label := &measure.Observation{Slice: r.Slice, Probe: r.Probe, Event: measure.Event{
		Kind: measure.KindRequest, Pattern: sys.Pattern, Gateway: sys.Gateways[r.Gateway],
		Token: r.Token, Class: r.Class, Twin: r.Twin, Phase: b.plan.PhaseAt(r.At), Detail: r.Stimulus,
	}}
	h := Hit{At: r.At, Method: r.Method, URL: b.url(r), Label: label}
	b.aim(&h, r)
	if r.Class == token.Bare {
		return h, true
	}
	if pool := b.mutants[r.System]; r.Mutant > 0 && len(pool) > 0 {
		b.fuzz(&h, label, r, r.Mutant%len(pool))
		return h, true
	}
	key := bindKey{r.System, r.Token}
	if raw, ok := b.never[key]; ok {
		h.Authorization = []string{"Bearer " + raw}
		label.Expect = token.Outcome{Verdict: token.Reject, Reason: token.InvalidToken}
		return h, true
	}
	t, ok := b.tokens[key]
	if late := b.late[key]; late != nil {
		if t, ok = late.await(b.zero.Add(r.At)); !ok {
			return Hit{}, false
		}
	}
	if ok {
		h.Authorization = []string{"Bearer " + t.raw}
	}
	b.judge(label, r, t, ok)
	return h, true
}

// aim sends a hit the way that a target is reached, and has its answer judged as
// the target says.
func (b *binding) aim(h *Hit, r Request) {
	t := b.plan.Systems[r.System].Target
	if t == nil {
		return
	}
	h.Judge, h.Timeout, h.ReplicaHeader = t.Verdict.Outcome, t.Connection.Timeout, t.Gateways[r.Gateway].ReplicaHeader
	if own := b.site.own(r.System); own != nil {
		h.Via = own.Doors[r.Gateway]
	}
}

// url is where a request goes.
func (b *binding) url(r Request) string {
	if r.Origin {
		return b.site.Origins[r.System][r.Gateway] + r.Path
	}
	return b.site.Gateways[r.System][r.Gateway] + r.Path
}

// judge sets what the request calls for.
func (b *binding) judge(label *measure.Observation, r Request, t bound, hasToken bool) {
	label.Expect = b.plan.expect(r, t.Grant, hasToken)
	label.ExpiresMin, label.ExpiresMax = b.expiry(t)
	if label.ExpiresMax > 0 && label.Expect.Verdict == token.Accept {
		label.Grace = max(0, int64(b.plan.route(r).Limited()-b.plan.policy.Leeway)) // ExpiresMax has the leeway in it
	}
	if r.Until > 0 && label.ExpiresMin == 0 {
		label.ExpiresMin = int64(r.Until) // sent late, it meets the revocation
	}
	if r.Group != "" {
		label.Expect = b.afterwards(r)
	}
}

// afterwards is the outcome that a request on a revoked token of a group calls for:
// none, and so no judgement, until the bound is over since the acknowledgement.
func (b *binding) afterwards(r Request) token.Outcome {
	ack := time.Duration(b.groups[r.Group].Load())
	if ack == 0 || r.At <= ack+b.plan.Systems[r.System].Bound {
		return token.Outcome{}
	}
	return token.Outcome{Verdict: token.Reject, Reason: token.InvalidToken}
}

// fuzz puts a mutant in the place of the token. One that is as good as its
// original fares like it.
func (b *binding) fuzz(h *Hit, label *measure.Observation, r Request, n int) {
	m := b.mutants[r.System][n]
	h.Authorization = m.Authorization
	label.Token, label.Detail, label.Expect = token.Ref(fmt.Sprintf("f-%d", n+1)), m.Mutation, m.Introspected
	if b.plan.Systems[r.System].Offline {
		label.Expect = m.Offline
	}
	if b.plan.Systems[r.System].Target != nil && label.Expect.Verdict == token.Reject {
		label.Expect.Reason = token.InvalidToken // a target's rejects have no other reasons
	}
	if base := b.bases[r.System]; label.Expect.Verdict == token.Accept {
		b.judge(label, r, base, true)
	}
}

// expiry bounds the expiry of a token in ns since the start of the run; zeros if
// it is not known or lies after the run.
func (b *binding) expiry(t bound) (earliest, latest int64) {
	earliest, latest = int64(t.expiresMin.Sub(b.zero)), int64(t.expiresMax.Sub(b.zero))
	if t.expiresMin.IsZero() || earliest > int64(b.plan.Duration()+time.Minute) {
		return 0, 0
	}
	return max(1, earliest), latest // zero would say that it does not expire
}

// expect is the outcome that a request calls for if its token is good.
func (p *Plan) expect(r Request, g Grant, hasToken bool) token.Outcome {
	if p.Systems[r.System].Target != nil { // what its routes ask for, its tokens have
		if !hasToken {
			return token.Outcome{Verdict: token.Reject, Reason: token.InvalidToken}
		}
		return token.Outcome{Verdict: token.Accept}
	}
	route := p.route(r)
	reject := func(why token.Reason) token.Outcome { return token.Outcome{Verdict: token.Reject, Reason: why} }
	switch {
	case !hasToken:
		return reject(token.OtherReason)
	case g.NoExpiry, !r.Origin && route.Audience != cmp.Or(g.Audience, p.policy.Audience):
		return reject(token.InvalidToken)
	case route.Scope != "" && !slices.Contains(g.Scope, route.Scope):
		return reject(token.InsufficientScope)
	case route.ACR != "" && g.ACR != route.ACR:
		return reject(token.InsufficientAuthentication)
	}
	return token.Outcome{Verdict: token.Accept}
}

// route is the policy of a request.
func (p *Plan) route(r Request) token.Route {
	path := r.Path
	if target, err := url.ParseRequestURI(path); err == nil { // requestPath saw to that
		path = target.Path
	}
	return p.policy.Match(r.Method, path)
}
