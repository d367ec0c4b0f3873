package harness

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// lateToken is a token that is issued during the run. It is settled once: issued,
// or given up. It is safe for concurrent use.
type lateToken struct {
	issue issue
	once  sync.Once
	ready chan struct{} // closed when settled
	token bound
	ok    bool
}

// settle says what became of the token; only the first word counts.
func (l *lateToken) settle(t bound, ok bool) {
	l.once.Do(func() {
		l.token, l.ok = t, ok
		close(l.ready)
	})
}

// await waits for the token until it is needed. The attack draws a request when the
// one before is on its way, so that waiting for as long holds up nothing.
func (l *lateToken) await(needed time.Time) (bound, bool) {
	t := time.NewTimer(time.Until(needed))
	defer t.Stop()
	select {
	case <-l.ready:
		return l.token, l.ok
	case <-t.C:
	}
	select {
	case <-l.ready: // both at once, or late itself
		return l.token, l.ok
	default:
		return bound{}, false
	}
}

// issueTimeout bounds the issue of one token during the run.
const issueTimeout = 5 * time.Second

// issueLate issues a token of the plan that is due.
func (b *binding) issueLate(ctx context.Context, key bindKey) (bound, error) {
	ctx, cancel := context.WithTimeout(ctx, issueTimeout)
	defer cancel()
	late := b.late[key]
	t, err := b.issue(ctx, key.system, late.issue.Grant)
	late.settle(t, err == nil)
	if err != nil {
		return bound{}, fmt.Errorf("issue a token for %s at %s: %w", key.ref, b.plan.Systems[key.system].Pattern, err)
	}
	return t, nil
}

// issued is a token that is there by now; the zero bound if it is not.
func (b *binding) issued(key bindKey) bound {
	if late := b.late[key]; late != nil {
		t, _ := late.await(time.Time{})
		return t
	}
	return b.tokens[key]
}

// giveUp settles what was not issued, so that nobody waits for it.
func (b *binding) giveUp() {
	for _, l := range b.late {
		l.settle(bound{}, false)
	}
}
