package harness

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tokendrill/tokendrill/chaos"
	"github.com/tokendrill/tokendrill/harness/measure"
)

const (
	// healTimeout bounds the mending of one fault, startTimeout that of one for which
	// containers are started again, and hurriedTimeout any after Options.Hurry.
	healTimeout    = 5 * time.Second
	startTimeout   = 30 * time.Second
	hurriedTimeout = time.Second
	// lastWords is how long a heal that was told to end may take to say why.
	lastWords = 500 * time.Millisecond
)

// UndoError says which faults a run has left in place.
type UndoError struct{ Left []string }

func (e *UndoError) Error() string {
	return fmt.Sprintf("undo is incomplete, still in place: %s; mend: tokendrill heal", strings.Join(e.Left, ", "))
}

// undoing keeps what is in place and counts what was undone. It is safe for
// concurrent use; the zero value is ready.
type undoing struct {
	mu    sync.Mutex
	stack []*placed // in the order of injection
	count measure.Undo
}

func (u *undoing) add(p *placed) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.stack = append(u.stack, p)
}

// stuck counts a fault that was injected in part and cannot be taken back.
func (u *undoing) stuck(label string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.count.Injected++
	u.count.Left = append(u.count.Left, label)
}

// done takes a fault off the stack and counts it. One of which it was known that
// nothing undoes it does not count.
func (u *undoing) done(p *placed, err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.stack = slices.DeleteFunc(u.stack, func(q *placed) bool { return p == q })
	switch {
	case !p.spec.Reversible(p.Params()):
		return
	case err == nil:
		u.count.Healed++
	default:
		u.count.Left = append(u.count.Left, p.label())
	}
	u.count.Injected++
}

// counted is what became of all faults.
func (u *undoing) counted() measure.Undo {
	u.mu.Lock()
	defer u.mu.Unlock()
	out := u.count
	out.Left = slices.Clone(u.count.Left)
	return out
}

// err is an *UndoError if something is left in place.
func (u *undoing) err() error {
	if left := u.counted().Left; len(left) > 0 {
		return &UndoError{left}
	}
	return nil
}

// inPlace is the latest fault in place and how many there are; nil if none is.
func (u *undoing) inPlace() (*placed, int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.stack) == 0 {
		return nil, 0
	}
	return u.stack[len(u.stack)-1], len(u.stack)
}

// undoRest undoes what is still in place, the latest first.
func (r *run) undoRest(ctx context.Context) {
	for p, n := r.undo.inPlace(); p != nil; p, n = r.undo.inPlace() {
		r.opts.Progress(Progress{Doing: "undoing faults", Faults: n})
		r.mend(ctx, p)
		p.judge()
	}
}

// mend heals a fault, in a time of its own whatever becomes of ctx.
func (r *run) mend(ctx context.Context, p *placed) {
	p.event.Met = p.injected.Met()
	p.clear = p.injected.Clear()
	err := r.heal(ctx, p)
	p.event.End = r.now()
	r.outage.end(p.event.End, r.plan.Faults)
	if !p.spec.Outlives() { // a command is its own evidence
		p.clear = p.injected.Clear()
	}
	r.undo.done(p, err)
	if err != nil {
		r.warn(fmt.Sprintf("%s could not be healed: %v", p.label(), err))
		return
	}
	r.warnIf(r.journal.healed(p.id))
}

func (r *run) heal(ctx context.Context, p *placed) error {
	if !p.spec.Reversible(p.Params()) {
		r.warn(p.label() + " stays: nothing heals it, which --irreversible allows")
		return nil
	}
	limit := healTimeout
	if p.spec.Place == chaos.OnContainer {
		limit = startTimeout
	}
	ctx, cancel := r.mendTime(ctx, limit)
	defer cancel()
	healed := make(chan error, 1)
	go func() { healed <- safely(func() error { return p.injected.Heal(ctx) }) }()
	select {
	case err := <-healed:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-healed:
		return err
	case <-time.After(lastWords):
		return errors.New("it did not end in time")
	}
}

// mendTime is a context of its own for mending: ctx may have ended.
func (r *run) mendTime(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	go func() {
		select {
		case <-r.opts.Hurry:
		case <-ctx.Done():
			return
		}
		select {
		case <-time.After(hurriedTimeout):
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// panicked is a panic as an error.
type panicked struct{ value any }

func (p panicked) Error() string { return fmt.Sprintf("panic: %v", p.value) }

// safely calls f and turns a panic into an error.
func safely(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = panicked{v}
		}
	}()
	return f()
}
