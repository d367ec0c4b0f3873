package harness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
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
}

// Progress is how far a run is.
type Progress struct {
	// Doing is what goes on: "starting", "issuing tokens", or a phase.
	Doing string
	// Done of Total tokens are issued; zero at other times.
	Done, Total int
	// Elapsed of Planned time has passed since the first request; zero before it.
	Elapsed, Planned time.Duration
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
// measure.Interrupted and no error; before it, the error of ctx. Any other error
// without a Result means that nothing was measured; with one, that something
// beside the measurement went wrong, such as writing the history.
func Run(ctx context.Context, p *Plan, opts Options) (*Result, error) {
	if opts.Progress == nil {
		opts.Progress = func(Progress) {}
	}
	if opts.Stage == nil {
		opts.Stage = Embedded{}
	}
	opts.Progress(Progress{Doing: "starting"})
	site, err := opts.Stage.Start(ctx, p)
	if err != nil {
		return nil, fmt.Errorf("start the stage: %w", err)
	}
	result, err := runAt(ctx, p, site, opts)
	return result, errors.Join(err, site.Close())
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

	mu       sync.Mutex
	readings map[string][]measure.Reading
	warnings []string
}

// runAt measures a site that is up.
func runAt(ctx context.Context, p *Plan, site *Site, opts Options) (*Result, error) {
	for _, f := range p.Faults {
		if len(site.links(f.Link, f.Pattern, f.Gateway)) == 0 {
			return nil, fmt.Errorf("fault %s: the stage has no link %s", f.Name, f.Where())
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
	started := time.Now()
	b.zero = started
	rec, err := measure.NewRecorder(p.meta(site, started), opts.History)
	if err != nil {
		return nil, err
	}
	r := &run{plan: p, site: site, binding: b, recorder: rec, opts: opts, total: total, zero: started, readings: map[string][]measure.Reading{}}
	stats, cpu, err := r.measure(ctx)
	interrupted := err != nil && ctx.Err() != nil
	if err != nil && !interrupted {
		return nil, err
	}
	report, err := rec.Report(r.summary(interrupted, stats, cpu, floor))
	if report == nil {
		return nil, err
	}
	return &Result{Report: report, recorder: rec}, err
}

// measure sends everything and meanwhile revokes, breaks and mends, samples
// counters and tells progress. It returns when all of it has ended.
func (r *run) measure(ctx context.Context) (AttackStats, cpuUse, error) {
	r.markPhases()
	beside, stop := context.WithCancel(ctx)
	var group sync.WaitGroup
	for _, task := range []func(context.Context){r.revoke, r.breakAndMend, r.sample, r.tell} {
		group.Go(func() { task(beside) })
	}
	before := readCPU()
	stats, err := Attack(ctx, AttackConfig{
		Transport: r.site.Transport, Start: r.zero, Observe: r.recorder.Observe,
	}, r.binding.hits())
	cpu := readCPU().since(before)
	stop()
	group.Wait()
	return stats, cpu, err
}

// markPhases tells the recorder which stretch of the run is what.
func (r *run) markPhases() {
	for _, ph := range r.plan.Phases {
		r.recorder.Phase(ph.Name, int64(ph.From), int64(ph.To))
	}
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
		return true
	case <-ctx.Done():
		return false
	}
}

// now is the instant of the run, in ns since its start.
func (r *run) now() int64 { return int64(time.Since(r.zero)) }

// sample reads the counters of calls to the authority, the last time when ctx ends.
func (r *run) sample(ctx context.Context) {
	const every = 250 * time.Millisecond
	r.read()
	for at := every; r.until(ctx, at); at += every {
		r.read()
	}
	r.read()
}

func (r *run) read() {
	for _, s := range r.plan.Systems {
		r.readings[s.Pattern] = append(r.readings[s.Pattern], measure.Reading{At: r.now(), Count: r.site.Calls(s.Pattern)})
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

// hurried is how many times faster than recorded a replay may be before the
// report says so.
const hurried = 20

// summary is what the recorder cannot know.
func (r *run) summary(interrupted bool, stats AttackStats, cpu cpuUse, floor measure.Dist) measure.Run {
	out := measure.Run{
		Elapsed: time.Since(r.zero),
		Sender: measure.Sender{
			Planned: r.total, Sent: int(stats.Sent), MaxInFlight: stats.MaxInFlight, CPU: cpu.share(), Floor: floor,
		},
		Environment: environment(r.opts.Version, r.plan.Scenario),
		Reproduce:   r.opts.Reproduce,
		Warnings:    r.warnings,
		Authority:   r.readings,
	}
	for _, ref := range r.plan.Scenario.References {
		out.References = append(out.References, measure.Reference{Pattern: ref.Pattern, Metric: ref.Metric, Says: ref.Says})
	}
	if interrupted {
		out.Ended = measure.Interrupted
		out.Invalid = []string{fmt.Sprintf("interrupted after %v of %v", out.Elapsed.Round(time.Second), r.plan.Duration().Round(time.Second))}
	}
	if pace := r.plan.pace(); pace > hurried {
		out.Warnings = append(out.Warnings, fmt.Sprintf("The recording plays %.0f times faster than it was: requests that were seconds apart come at once, and latency includes their queue", pace))
	}
	slices.Sort(out.Warnings)
	return out
}

// meta is the first line of the history.
func (p *Plan) meta(site *Site, started time.Time) measure.Meta {
	m := measure.Meta{
		Schema: measure.HistorySchema, Scenario: p.Scenario.Name, About: p.Scenario.About, Seed: p.Seed, Stage: site.Stage,
		Started: started, PlanDigest: p.Digest, RecordingDigest: p.Recording.Digest, Gates: p.Scenario.Gates,
	}
	for _, s := range p.Systems {
		m.Patterns = append(m.Patterns, measure.PatternMeta{
			Pattern: s.Pattern, Gateways: s.Gateways, Bound: s.Bound, BoundWhy: s.BoundWhy, Quiet: p.Scenario.Quiet(s.Pattern), ControlGap: controlGap,
		})
	}
	return m
}
