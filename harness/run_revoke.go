package harness

import (
	"context"
	"sync"
	"time"

	"github.com/tokendrill/tokendrill/fixtures/token"
	"github.com/tokendrill/tokendrill/harness/measure"
)

// revokeTimeout bounds one revocation call.
const revokeTimeout = 5 * time.Second

// revoke calls the authority at each planned moment, open-loop: a slow answer
// does not hold back the next call.
func (r *run) revoke(ctx context.Context) {
	var calls sync.WaitGroup
	defer calls.Wait()
	for _, rv := range r.plan.Revocations {
		if !r.until(ctx, rv.At) {
			return
		}
		calls.Go(func() { r.recorder.Revoked(r.revokeOne(ctx, rv)) })
	}
}

func (r *run) revokeOne(ctx context.Context, rv Revocation) measure.Event {
	ctx, cancel := context.WithTimeout(ctx, revokeTimeout)
	defer cancel()
	t := r.binding.tokens[bindKey{rv.System, rv.Token}]
	e := measure.Event{
		Kind: measure.KindRevoke, Pattern: r.plan.Systems[rv.System].Pattern, Token: rv.Token, Class: token.Revoked,
		Planned: int64(rv.At), Phase: rv.Phase, Moment: rv.Moment,
	}
	e.ExpiresMin, e.ExpiresMax = r.binding.expiry(t)
	e.Start = r.now()
	status, err := r.site.Authority.Revoke(ctx, t.raw)
	e.End = r.now()
	if err == nil {
		e.Status = status
	}
	return e
}
