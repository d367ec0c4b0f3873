package harness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/tokendrill/tokendrill/harness/measure"
)

// Options say where and how a plan is run. The zero value runs it on an Embedded stage.
type Options struct {
	// Stage is where to run; nil means an Embedded one.
	Stage Stage
	// History gets history.ndjson while the run goes on; nil keeps none.
	History io.Writer
	// Progress is told how far the run is, a few times a second; it may be nil.
	// Calls do not overlap.
	Progress func(Progress)
	// Version is the version of tokendrill, for the report.
	Version string
	// Reproduce is the command that runs this again, for the report.
	Reproduce string
	// State is the folder of undo journals, which chaos.Recover reads; with none,
	// faults that stay when this process dies are refused.
	State string
	// Watchdog starts a process that heals what the journals of this one say if it
	// dies, by chaos.Watch, if the plan has faults that would stay. Wait, which may
	// be nil, is called once the journal is closed. A nil Watchdog leaves that to
	// whoever plays the journal.
	Watchdog func() (wait func(), err error)
	// Hurry is closed by a user who does not want to wait: what is still to be
	// undone gets a second each. It may be nil.
	Hurry <-chan struct{}
}

// Progress is how far a run is.
type Progress struct {
	// Doing is what goes on: "starting", "issuing tokens", a phase, or "undoing faults".
	Doing string
	// Done of Total tokens are issued; zero at other times.
	Done, Total int
	// Elapsed of Planned time has passed since the first request; zero before it.
	Elapsed, Planned time.Duration
	// Faults are still in place while they are undone at the end; zero at other times.
	Faults int
}

// Result is a run that has ended.
type Result struct {
	Report   *measure.Report
	recorder *measure.Recorder
}

// WriteHLog writes the HDR histograms of the run to dir, one .hlog for each series.
func (r *Result) WriteHLog(dir string) error { return r.recorder.WriteHLog(dir) }

// Run carries a plan out on a stage and judges it. When ctx ends during the
// measurement, Run returns what was measured until then, with the verdict
// measure.Interrupted and no error; before it, the error of ctx. A stop condition
// does the same with measure.Stopped. Any other error without a Result means that
// nothing was measured; with one, that something beside the measurement went
// wrong, such as writing the history. Every fault is undone before Run returns or
// panics; an *[UndoError] names those that could not be.
func Run(ctx context.Context, p *Plan, opts Options) (*Result, error) {
	opts.Progress = inTurn(opts.Progress)
	if opts.Stage == nil {
		opts.Stage = Embedded{}
	}
	if err := p.undoable(opts); err != nil {
		return nil, err
	}
	opts.Progress(Progress{Doing: "starting"})
	site, err := opts.Stage.Start(ctx, p)
	if err != nil {
		return nil, fmt.Errorf("start the stage: %w", err)
	}
	result, err := runAt(ctx, p, site, opts)
	return result, errors.Join(err, site.Close())
}

// inTurn makes calls of tell one after the other; nil is told nothing.
func inTurn(tell func(Progress)) func(Progress) {
	if tell == nil {
		return func(Progress) {}
	}
	var mu sync.Mutex
	return func(p Progress) {
		mu.Lock()
		defer mu.Unlock()
		tell(p)
	}
}

// run is one measurement going on.
type run struct {
	plan     *Plan
	site     *Site
	binding  *binding
	recorder *measure.Recorder
	opts     Options
	total    int       // planned requests
	zero     time.Time // the start of the run; every instant counts from it

	journal undoJournal
	undo    undoing
	outage  outage
	stops   *measure.Guard
	abort   context.CancelCauseFunc // ends the measurement

	mu       sync.Mutex
	readings map[string][]measure.Reading
	warnings []string
}

// runAt measures a site that is up.
func runAt(ctx context.Context, p *Plan, site *Site, opts Options) (*Result, error) {
	for _, f := range p.Faults {
		if err := site.reaches(f); err != nil {
			return nil, err
		}
	}
	b, err := bind(ctx, p, site, func(done, total int) {
		opts.Progress(Progress{Doing: "issuing tokens", Done: done, Total: total})
	})
	if err != nil {
		return nil, err
	}
	floor, err := measureFloor(ctx, site)
	if err != nil {
		return nil, err
	}
	total := p.Count().Requests // takes its time, which must not make the first requests late
	journal, err := openJournal(p, opts)
	if err != nil {
		return nil, err
	}
	b.zero = time.Now()
	r := &run{
		plan: p, site: site, binding: b, opts: opts, total: total, zero: b.zero,
		journal: journal, readings: map[string][]measure.Reading{},
	}
	result, err := r.judged(ctx, floor)
	return result, errors.Join(err, r.undo.err())
}

// judged measures and reports.
func (r *run) judged(ctx context.Context, floor measure.Dist) (result *Result, err error) {
	defer func() { err = errors.Join(err, r.journal.close(r.undo.err() == nil)) }()
	if r.recorder, err = measure.NewRecorder(r.plan.meta(r.site, r.zero), r.opts.History); err != nil {
		return nil, err
	}
	if r.stops, err = r.guard(); err != nil {
		return nil, err
	}
	stats, cpu, err := r.measure(ctx)
	ended, err := r.ending(ctx, err)
	if err != nil {
		return nil, err
	}
	report, err := r.recorder.Report(r.summary(ended, stats, cpu, floor))
	if report == nil {
		return nil, err
	}
	return &Result{Report: report, recorder: r.recorder}, err
}

// measure sends everything and meanwhile revokes, breaks and mends, samples
// counters and tells progress. When it returns, or panics, all of it has ended.
func (r *run) measure(ctx context.Context) (AttackStats, cpuUse, error) {
	ctx, r.abort = context.WithCancelCause(ctx)
	defer r.abort(nil)
	r.markSlices()
	beside, stop := context.WithCancel(ctx)
	var group sync.WaitGroup
	for _, task := range []func(context.Context){r.revoke, r.breakAndMend, r.sample, r.tell, r.watch} {
		group.Go(func() { task(beside) })
	}
	defer group.Wait()
	defer stop()
	before := readCPU()
	stats, err := Attack(ctx, AttackConfig{
		Transport: r.site.Transport, Start: r.zero, Observe: r.observe,
	}, r.binding.hits())
	return stats, readCPU().since(before), err
}

// markSlices tells the recorder which stretch of the run is which slice.
func (r *run) markSlices() {
	t := r.plan.Scenario.Traffic
	for round := range t.Rounds {
		for slot, system := range r.plan.order(round) {
			from := t.Slice * time.Duration(round*len(r.plan.Systems)+slot)
			r.recorder.Slice(r.plan.Systems[system].Pattern, round, int64(from), int64(from+t.Slice))
		}
	}
}

// until waits for an instant of the run; false means that ctx ended first.
func (r *run) until(ctx context.Context, at time.Duration) bool {
	t := time.NewTimer(time.Until(r.zero.Add(at)))
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// now is the instant of the run, in ns since its start.
func (r *run) now() int64 { return int64(time.Since(r.zero)) }

// sample reads the counters of calls to the authority, the last time when ctx ends.
func (r *run) sample(ctx context.Context) {
	const every = 100 * time.Millisecond
	r.read()
	for at := every; r.until(ctx, at); at += every {
		r.read()
	}
	r.read()
}

func (r *run) read() {
	for _, s := range r.plan.Systems {
		if n := r.site.Calls(s.Pattern); n >= 0 {
			r.readings[s.Pattern] = append(r.readings[s.Pattern], measure.Reading{At: r.now(), Count: n})
		}
	}
}

// tell reports progress.
func (r *run) tell(ctx context.Context) {
	const every = 250 * time.Millisecond
	planned := r.plan.Duration()
	for at := time.Duration(0); r.until(ctx, at); at += every {
		r.opts.Progress(Progress{Doing: r.plan.PhaseAt(at), Elapsed: at, Planned: planned})
	}
}
