package measure

import (
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/tokendrill/tokendrill/fixtures/token"
)

// LatencyPhase is the phase whose requests make the latency figures of a report.
const LatencyPhase = "latency"

// Recorder turns finished requests into counts, histograms, wrong decisions and
// a history, and at the end into a Report. It is safe for concurrent use. Its
// memory does not grow with the number of requests, but for those that carry a
// revoked or a control token: they are kept for the checker.
type Recorder struct {
	meta     Meta
	gates    []GateExpr
	patterns map[string]*patternRecord // fixed from the start
	journal  *journal
	// strays are requests that name a pattern that meta does not.
	strays atomic.Int64
}

// NewRecorder starts a recording. The history, one Event per line, goes to w,
// which may be nil; it is buffered until Report. An error names the gate or the
// pattern of meta that is wrong, or is that of writing the first line.
func NewRecorder(meta Meta, w io.Writer) (*Recorder, error) {
	meta.Schema = HistorySchema
	meta.Started = meta.Started.Round(0) // the file has no monotonic clock either
	gates, err := parseGates(meta)
	if err != nil {
		return nil, err
	}
	r := &Recorder{meta: meta, gates: gates, patterns: map[string]*patternRecord{}}
	for _, p := range meta.Patterns {
		if p.Pattern == "" || r.patterns[p.Pattern] != nil {
			return nil, fmt.Errorf("record: pattern %q is empty or named twice", p.Pattern)
		}
		r.patterns[p.Pattern] = newPatternRecord(p.Bound)
	}
	if len(r.patterns) == 0 {
		return nil, errors.New("record: no pattern to record")
	}
	r.journal, err = newJournal(meta, w)
	if err != nil {
		return nil, err
	}
	return r, nil
}

// Observe records one finished request. An empty Kind means KindRequest. The
// mutation of a fuzzed token is in Detail. ExpiresMin and ExpiresMax may be set
// where the expiry of the token falls within the run, and Grace where the route
// has one. A request without an Expect is counted, but not judged. One of
// token.Bare carries no token: it is no traffic, and only the control of a derived
// check latency.
func (r *Recorder) Observe(o Observation) {
	o.Kind = KindRequest
	p := r.patterns[o.Pattern]
	if p == nil {
		r.strays.Add(1)
		return
	}
	if o.Class == token.Bare {
		p.bare(&o)
		return
	}
	if o.Class == token.Revoked || o.Class == token.Control {
		p.observe(&o, judgement{})
		r.journal.add(o.Event)
		return
	}
	if v, kept := p.observe(&o, judge(&o.Event)); kept {
		// The line is the wrong request itself: judged again, it says the same.
		e := o.Event
		e.Kind, e.Violation = KindViolation, v.Kind
		r.journal.note(e)
	}
}

// Revoked records a revocation call, once for each token that it revokes: Start
// is when it was sent and End when its answer came. Status 200 is an ack; 4xx
// means that the token is left out; anything else (0 is no answer) means that
// the revocation may have happened: its ack is unknown. Tokens revoked by one
// call have the same Moment; 0 means a moment of its own. Of several tries for
// one token the earliest sent and the earliest ack count.
func (r *Recorder) Revoked(e Event) {
	p := r.patterns[e.Pattern]
	if p == nil {
		r.strays.Add(1)
		return
	}
	e.Kind = KindRevoke
	p.revoked(e)
	r.journal.add(e)
}

// Fault records a fault that began at Start and ended at End. Fault names it;
// Detail holds FaultLanded and FaultHealed as far as they were verified, Met and
// Clear the evidence. A fault without Met, or without Clear after it was healed,
// leaves the run inconclusive, as does one that could not be injected and is
// recorded without either. A later event with the same Fault and Start replaces
// the earlier one.
func (r *Recorder) Fault(e Event) {
	e.Kind = KindFault
	r.journal.add(e)
}

// Slice records that a slice of a pattern's latency phase lasted from one
// instant to another, in ns since start: one interval of the .hlog files.
// Requests find their slice by Observation.Slice, so late answers land right.
func (r *Recorder) Slice(pattern string, slice int, from, to int64) {
	p := r.patterns[pattern]
	if p == nil {
		r.strays.Add(1)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.slices[slice] = stretch{from, to}
}
