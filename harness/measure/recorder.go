package measure

import (
	"io"
)

// LatencyPhase is the phase whose requests make the latency figures of a report.
const LatencyPhase = "latency"

// Recorder turns finished requests into counts, histograms, wrong decisions and
// a history, and at the end into a Report. It is safe for concurrent use. Its
// memory does not grow with the number of requests, but for those that carry a
// revoked or a control token: they are kept for the checker.
type Recorder struct {
	meta Meta
}

// NewRecorder starts a recording. The history, one Event per line, goes to w,
// which may be nil; it is buffered until Report. An error names the gate or the
// pattern of meta that is wrong, or is that of writing the first line.
func NewRecorder(meta Meta, w io.Writer) (*Recorder, error) { return &Recorder{meta: meta}, nil }

// Observe records one finished request. An empty Kind means KindRequest. The
// mutation of a fuzzed token is in Detail. ExpiresMin and ExpiresMax may be set
// where the expiry of the token falls within the run.
func (r *Recorder) Observe(o Observation) {}

// Revoked records a revocation call, once for each token that it revokes: Start
// is when it was sent and End when its answer came. Status 200 is an ack; 4xx
// means that the token is left out; anything else (0 is no answer) means that
// the revocation may have happened: its ack is unknown. Tokens revoked by one
// call have the same Moment; 0 means a moment of its own.
func (r *Recorder) Revoked(e Event) {}

// Fault records a fault that began at Start and ended at End. Fault names it;
// Detail holds FaultLanded and FaultHealed as far as they were verified. A later
// event with the same Fault and Start replaces the earlier one.
func (r *Recorder) Fault(e Event) {}

// Phase records that a phase lasted from one instant to another, in ns since start.
func (r *Recorder) Phase(name string, from, to int64) {}

// Slice records that a slice of a pattern's latency phase lasted from one
// instant to another, in ns since start: one interval of the .hlog files.
// Requests find their slice by Observation.Slice, so late answers land right.
func (r *Recorder) Slice(pattern string, slice int, from, to int64) {}

// Report ends the recording and judges it. It flushes the history; if that, or
// an earlier write to it, failed then the error says so and the report is good
// all the same. No other method may be running.
func (r *Recorder) Report(run Run) (*Report, error) { return nil, nil }

// WriteHLog writes one HdrHistogram interval log for each series (lag, service,
// response, check, hit, miss) to dir: format 1.3, nanoseconds, tags
// pattern:gateway:phase:class, one interval per slice.
func (r *Recorder) WriteHLog(dir string) error { return nil }
