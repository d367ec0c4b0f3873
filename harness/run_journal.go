package harness

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tokendrill/tokendrill/chaos"
)

// undoJournal is the undo journal of a run with its watchdog. The zero value
// keeps none.
type undoJournal struct {
	on      *chaos.Journal
	unwatch func()
}

// openJournal starts the journal of a run that has faults, and the watchdog if
// one of them outlives this process.
func openJournal(p *Plan, opts Options) (j undoJournal, err error) {
	if opts.State == "" || len(p.Faults) == 0 {
		return j, nil
	}
	if j.on, err = chaos.OpenJournal(opts.State, chaos.DefaultLease, time.Now); err != nil {
		return undoJournal{}, err
	}
	if opts.Watchdog == nil || !slices.ContainsFunc(p.Faults, FaultWindow.outlives) {
		return j, nil
	}
	if j.unwatch, err = opts.Watchdog(); err != nil {
		return undoJournal{}, errors.Join(fmt.Errorf("start the watchdog: %w", err), j.on.Close())
	}
	return j, nil
}

// outlives says whether the fault stays when this process dies.
func (w FaultWindow) outlives() bool {
	spec, _ := chaos.Find(w.Name)
	return spec.Outlives()
}

// entry is what a journal says of the fault: one of containers is undone by taking
// the stage away. Before there is a stage, sweep is nil.
func (w FaultWindow) entry(sweep []string, at time.Time) (chaos.Entry, error) {
	spec, _ := chaos.Find(w.Name)
	e, err := chaos.NewEntry(spec, w.Params(), w.Where(), at)
	if err == nil && spec.Place == chaos.OnContainer && sweep != nil {
		e, err = e.SweptBy(sweep)
	}
	return e, err
}

// undoable refuses faults that could not be undone on every way out.
func (p *Plan) undoable(opts Options) error {
	for _, w := range p.Faults {
		if _, err := w.entry(nil, time.Time{}); err != nil {
			return fmt.Errorf("fault %s: %w", w.label(), err)
		}
		if w.outlives() && opts.State == "" {
			return fmt.Errorf("fault %s stays when this process dies: it takes an undo journal, and none is kept", w.label())
		}
	}
	return nil
}

// begin writes a fault down that is about to be injected.
func (j undoJournal) begin(e chaos.Entry) (id int, err error) {
	if j.on == nil {
		return 0, nil
	}
	return j.on.Begin(e)
}

// healed writes down that a fault is not in place any more.
func (j undoJournal) healed(id int) error {
	if j.on == nil {
		return nil
	}
	return j.on.Healed(id)
}

// lost gives an error when nothing more can be injected.
func (j undoJournal) lost() <-chan error {
	if j.on == nil {
		return nil
	}
	return j.on.Lost()
}

// close removes the journal if nothing is left in place, and then waits for the
// watchdog to go. If something is, the watchdog tries once more, on its own.
func (j undoJournal) close(undone bool) error {
	if j.on == nil {
		return nil
	}
	err := j.on.Close()
	if undone && j.unwatch != nil {
		j.unwatch()
	}
	return err
}
