package harness

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/tokendrill/tokendrill/fixtures/token"
	"github.com/tokendrill/tokendrill/harness/measure"
)

// revokeTimeout bounds one revocation call.
const revokeTimeout = 5 * time.Second

// revoke calls the authority at each planned moment, open-loop: a slow answer does
// not hold back the next call. Meanwhile it issues the tokens that are due.
func (r *run) revoke(ctx context.Context) {
	doubts := new(issueDoubts)
	defer context.AfterFunc(ctx, r.binding.giveUp)()
	var calls sync.WaitGroup
	calls.Go(func() { r.issueDue(ctx, doubts) })
	for _, batch := range batches(r.plan.Revocations) {
		if !r.until(ctx, batch[0].At) {
			break
		}
		calls.Go(func() { r.revokeBatch(ctx, batch, doubts) })
	}
	calls.Wait()
	<-ctx.Done() // until then requests may be left out
	for _, doubt := range doubts.tell(r.binding.missed.Load()) {
		r.warn(doubt)
	}
}

// batches cuts the revocations into calls.
func batches(all []Revocation) [][]Revocation {
	var out [][]Revocation
	for i, rv := range all {
		if i > 0 && rv.Group != "" && rv.Group == all[i-1].Group {
			out[len(out)-1] = append(out[len(out)-1], rv)
		} else {
			out = append(out, []Revocation{rv})
		}
	}
	return out
}

// revokeBatch makes one call and records it for each token that it revokes.
func (r *run) revokeBatch(ctx context.Context, batch []Revocation, doubts *issueDoubts) {
	rv := batch[0]
	t, ok := r.toRevoke(ctx, rv, doubts)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, revokeTimeout)
	defer cancel()
	sent := r.now()
	status, err := r.call(ctx, rv, t)
	ack := r.now()
	if unsent(err) {
		return
	}
	if err != nil {
		status = 0 // no answer came
	}
	if rv.Group != "" && status == http.StatusOK {
		r.binding.groups[rv.Group].Store(ack)
	}
	for _, rv := range batch {
		e := measure.Event{
			Kind: measure.KindRevoke, Pattern: r.plan.Systems[rv.System].Pattern, Token: rv.Token, Class: token.Revoked,
			Planned: int64(rv.At), Start: sent, End: ack, Status: status, Phase: rv.Phase, Moment: rv.Moment,
		}
		e.ExpiresMin, e.ExpiresMax = r.binding.expiry(r.binding.issued(bindKey{rv.System, rv.Token}))
		r.recorder.Revoked(e)
	}
}

// unsent says that a call ended before anything was sent: there was nobody to
// connect to, so nothing was revoked.
func unsent(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// toRevoke is the token of a revocation. A fresh one is issued now; a child should
// have been a little earlier. It is false if there is none.
func (r *run) toRevoke(ctx context.Context, rv Revocation, doubts *issueDoubts) (bound, bool) {
	key := bindKey{rv.System, rv.Token}
	late := r.binding.late[key]
	switch {
	case late == nil:
		return r.binding.tokens[key], true
	case late.issue.Fresh:
		t, err := r.binding.issueLate(ctx, key)
		doubts.add(ctx, err)
		return t, err == nil
	}
	return late.await(r.zero.Add(rv.At + issueTimeout))
}

// call revokes a token, its parent or its group.
func (r *run) call(ctx context.Context, rv Revocation, t bound) (status int, err error) {
	switch {
	case rv.Group != "":
		return r.site.authority(rv.System).RevokeAll(ctx, rv.Group)
	case t.parent != "":
		return r.site.authority(rv.System).Revoke(ctx, t.parent)
	}
	return r.site.authority(rv.System).Revoke(ctx, t.raw)
}

// issueDue issues the tokens of the plan that are issued during the run, each at its
// time.
func (r *run) issueDue(ctx context.Context, doubts *issueDoubts) {
	var calls sync.WaitGroup
	defer calls.Wait()
	for _, key := range r.plan.lateKeys() {
		if !r.until(ctx, r.plan.issues[key].At) {
			return
		}
		calls.Go(func() {
			_, err := r.binding.issueLate(ctx, key)
			doubts.add(ctx, err)
		})
	}
}

// issueDoubts keeps what went wrong with tokens that were issued during the run. It
// is safe for concurrent use.
type issueDoubts struct {
	mu    sync.Mutex
	count int
	first error
}

// add keeps an error, unless the end of the run explains it.
func (d *issueDoubts) add(ctx context.Context, err error) {
	if err == nil || ctx.Err() != nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.count++; d.first == nil {
		d.first = err
	}
}

// tell puts the doubts into words; missed counts the requests that were left out.
func (d *issueDoubts) tell(missed int64) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []string
	if d.count > 0 {
		out = append(out, fmt.Sprintf("%d tokens could not be issued during the run, the first: %v", d.count, d.first))
	}
	if missed > 0 {
		out = append(out, fmt.Sprintf("%d requests were left out: their tokens were not issued in time", missed))
	}
	return out
}
