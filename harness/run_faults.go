package harness

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/tokendrill/tokendrill/chaos"
	"github.com/tokendrill/tokendrill/harness/measure"
)

const (
	// injectTimeout bounds the injection of one fault.
	injectTimeout = 10 * time.Second
	// evidenceEvery is how often a fault that has ended is looked at, and
	// evidenceWait for how long.
	evidenceEvery = 20 * time.Millisecond
	evidenceWait  = 5 * time.Second
)

// placed is a fault that is in place.
type placed struct {
	FaultWindow
	spec     chaos.Spec
	injected *chaos.Injected
	id       int // in the journal
	event    *measure.Event
	clear    int64 // what had come through when it was healed
}

// breakAndMend injects each fault at its time and heals it at its end. Those that
// are in place when ctx ends are undone then, the latest first: no fault outlives
// the run. What was seen of them is recorded in the order of the plan.
func (r *run) breakAndMend(ctx context.Context) {
	seen := make([]measure.Event, len(r.plan.Faults))
	var going sync.WaitGroup
	for i, f := range r.plan.Faults {
		going.Go(func() {
			if r.until(ctx, f.From) {
				r.fault(ctx, f, &seen[i])
			}
		})
	}
	going.Wait()
	r.undoRest(ctx)
	for _, e := range seen {
		if e.Kind != "" {
			r.recorder.Fault(e)
		}
	}
}

// fault injects one fault and heals it at its end. If ctx ends before that it is
// left in place for undoRest. What is seen of it goes to e, of a fault that could
// not be injected too: then nothing is known about what it would have done.
func (r *run) fault(ctx context.Context, w FaultWindow, e *measure.Event) {
	*e = measure.Event{Kind: measure.KindFault, Fault: w.label(), Planned: int64(w.From), Start: r.now()}
	r.outage.begin(e.Start)
	p, err := r.inject(ctx, w, e)
	switch {
	case err != nil && ctx.Err() != nil:
		*e = measure.Event{} // the run ended before
		return
	case err != nil:
		e.End = r.now()
		r.outage.end(e.End, r.plan.Faults)
		return
	}
	if r.until(ctx, w.To) {
		r.mend(ctx, p)
		r.awaitEvidence(ctx, p)
	}
}

// label names the fault in a report.
func (w FaultWindow) label() string { return strings.TrimSpace(cmp.Or(w.As, w.Name) + " " + w.Where()) }

// inject writes a fault down and injects it.
func (r *run) inject(ctx context.Context, w FaultWindow, e *measure.Event) (*placed, error) {
	spec, _ := chaos.Find(w.Name) // scenarios.Parse knows the names
	p := &placed{FaultWindow: w, spec: spec, event: e}
	entry, err := w.entry(r.site.Sweep, time.Now())
	if err == nil {
		p.id, err = r.journal.begin(entry)
	}
	if err != nil {
		r.warn(fmt.Sprintf("%s was not injected: %v", w.label(), err))
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, injectTimeout)
	defer cancel()
	err = safely(func() (err error) {
		p.injected, err = r.site.inject(ctx, w)
		return err
	})
	if err == nil {
		r.undo.add(p)
		return p, nil
	}
	if ctx.Err() == nil || p.stays(err) {
		r.warn(fmt.Sprintf("%s could not be injected: %v", w.label(), err))
	}
	if p.stays(err) {
		r.undo.stuck(w.label())
	} else {
		r.warnIf(r.journal.healed(p.id))
	}
	if errors.As(err, new(panicked)) { // nobody knows what it has done here
		r.abort(fmt.Errorf("fault %s: %w", w.label(), err))
	}
	return nil, err
}

// stays says whether a fault that failed to be injected may be in place, of those
// that somebody could undo later.
func (p *placed) stays(err error) bool {
	outlives := p.spec.Outlives() && p.spec.Reversible(p.Params())
	return outlives && (errors.Is(err, chaos.ErrLeft) || errors.As(err, new(panicked)))
}

// awaitEvidence waits until something has come through unharmed, at most for a
// while or until ctx ends.
func (r *run) awaitEvidence(ctx context.Context, p *placed) {
	at := time.Duration(r.now())
	for end := at + evidenceWait; p.injected.Clear() == p.clear && at < end; {
		if at += evidenceEvery; !r.until(ctx, at) {
			break
		}
	}
	p.judge()
}

// judge says what was seen of a fault: it landed if something met it, and it
// healed if something came through afterwards.
func (p *placed) judge() {
	p.event.Clear = p.injected.Clear() - p.clear
	var words []string
	if p.event.Met > 0 {
		words = append(words, measure.FaultLanded)
	}
	if p.event.Clear > 0 {
		words = append(words, measure.FaultHealed)
	}
	p.event.Detail = strings.Join(words, " ")
}

// warn keeps a doubt for the report.
func (r *run) warn(doubt string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.warnings = append(r.warnings, doubt)
}

func (r *run) warnIf(err error) {
	if err != nil {
		r.warn(err.Error())
	}
}
