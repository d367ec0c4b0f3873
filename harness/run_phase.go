package harness

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/tokendrill/tokendrill/harness/measure"
)

// outage is the time from the begin of the first fault to the end of the last one, in
// ns since the start of the run. It is safe for concurrent use.
type outage struct {
	begun atomic.Int64 // 0 before
	over  atomic.Int64 // 0 before
	ended atomic.Int64 // how many faults have
}

// begin notes that a fault is about to be injected.
func (o *outage) begin(now int64) { o.begun.CompareAndSwap(0, now) }

// end notes that a fault is over, of those of a plan. One that could not be injected
// is over at once, which does not end the outage sooner than was planned.
func (o *outage) end(now int64, faults []FaultWindow) {
	var last time.Duration
	for _, f := range faults {
		last = max(last, f.To)
	}
	if int(o.ended.Add(1)) == len(faults) {
		o.over.Store(max(now, int64(last)))
	}
}

// observe files a request under the phase in which it was under way.
func (r *run) observe(o measure.Observation) {
	phase := r.outage.phase(o.Start, o.End)
	planned := slices.ContainsFunc(r.plan.Phases, func(p Phase) bool { return p.Name == phase }) // without faults none is
	if planned && o.Phase != PhaseLatency {
		o.Phase = phase
	}
	r.recorder.Observe(o)
}

// phase is the one in which a request was under way, in a run with faults. A sender or
// an engine that is late has requests meet a fault that were planned before or after it.
func (o *outage) phase(start, end int64) string {
	begun, over := o.begun.Load(), o.over.Load()
	switch {
	case begun == 0 || end <= begun:
		return PhaseBefore
	case over != 0 && start >= over:
		return PhaseAfter
	}
	return PhaseDuring
}
