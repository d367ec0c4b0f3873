package chaos

import (
	"context"
	"time"
)

// forever is a wait without an end of its own.
const forever = time.Duration(1<<63 - 1)

// hold keeps something back until a time, and no longer than until over is
// closed. With a zero time only that ends it.
type hold struct {
	until time.Time
	over  <-chan struct{}
}

// left says for how long it still holds; 0 means that it does not.
func (h hold) left(now time.Time) time.Duration {
	select {
	case <-h.over:
		return 0
	default:
	}
	if h.until.IsZero() {
		return forever
	}
	return max(h.until.Sub(now), 0)
}

// wait waits until nothing holds any more, or ctx ends.
func (h hold) wait(ctx context.Context) error {
	d := h.left(time.Now())
	if d == 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-h.over:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
