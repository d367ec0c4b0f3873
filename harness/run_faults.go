package harness

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/tokendrill/tokendrill/chaos"
	"github.com/tokendrill/tokendrill/harness/measure"
	"github.com/tokendrill/tokendrill/scenarios"
)

// healTimeout bounds the mending of one fault.
const healTimeout = 5 * time.Second

// breakAndMend injects each fault at its time and heals it at its end, or when
// ctx ends: no fault outlives the run. What was seen of them is recorded in the
// order of the plan.
func (r *run) breakAndMend(ctx context.Context) {
	seen := make([]measure.Event, len(r.plan.Faults))
	var going sync.WaitGroup
	for i, f := range r.plan.Faults {
		going.Go(func() {
			if r.until(ctx, f.From) {
				seen[i] = r.fault(ctx, f)
			}
		})
	}
	going.Wait()
	for _, e := range seen {
		if e.Kind != "" {
			r.recorder.Fault(e)
		}
	}
}

// fault injects one fault, heals it and says what was seen of it: it landed if
// something met it, and it healed if something came through afterwards. The zero
// Event means that it could not be injected.
func (r *run) fault(ctx context.Context, w FaultWindow) measure.Event {
	links := r.site.links(w.Link, w.Pattern, w.Gateway)
	e := measure.Event{Kind: measure.KindFault, Fault: w.Name + " " + w.Where(), Planned: int64(w.From), Start: r.now()}
	met := counter(w.Fault, links)
	heal, err := faultOf(w.Fault).Inject(ctx, chaos.Target{Links: links})
	if err != nil {
		r.warn(fmt.Sprintf("%s could not be injected: %v", e.Fault, err))
		return measure.Event{}
	}
	r.until(ctx, w.To)
	landed := met() > 0

	mend, cancel := context.WithTimeout(context.WithoutCancel(ctx), healTimeout)
	defer cancel()
	err = heal(mend)
	e.End = r.now()
	if err != nil {
		r.warn(fmt.Sprintf("%s could not be healed: %v", e.Fault, err))
	}
	passed := through(links)
	r.until(ctx, w.To+healTimeout)
	healed := err == nil && passed() > 0
	e.Detail = evidence(landed, healed)
	return e
}

// evidence is the detail of a fault event.
func evidence(landed, healed bool) string {
	var words []string
	if landed {
		words = append(words, measure.FaultLanded)
	}
	if healed {
		words = append(words, measure.FaultHealed)
	}
	return strings.Join(words, " ")
}

// faultOf builds the fault that a scenario names; scenarios.Parse knows the names.
func faultOf(f scenarios.Fault) chaos.Fault {
	if f.Name == scenarios.LinkDelay {
		return chaos.LinkDelay{Delay: f.Delay.Chaos()}
	}
	return chaos.LinkCut{}
}

// counter counts what has met a fault since it was called.
func counter(f scenarios.Fault, links []*chaos.Link) func() int64 {
	if f.Name == scenarios.LinkDelay {
		return through(links)
	}
	return since(links, (*chaos.Link).Refused)
}

// through counts what has come through the links since it was called.
func through(links []*chaos.Link) func() int64 { return since(links, (*chaos.Link).Passed) }

func since(links []*chaos.Link, read func(*chaos.Link) int64) func() int64 {
	sum := func() (n int64) {
		for _, l := range links {
			n += read(l)
		}
		return n
	}
	before := sum()
	return func() int64 { return sum() - before }
}

// warn keeps a doubt for the report.
func (r *run) warn(doubt string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.warnings = append(r.warnings, doubt)
}
