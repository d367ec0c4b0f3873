package measure

import (
	"time"

	"github.com/tokendrill/tokendrill/fixtures/token"
)

// Kind is the kind of one history event.
type Kind string

const (
	// KindRun is the first line of a history: what was run (Meta).
	KindRun Kind = "run"
	// KindRequest is a request that carried a revoked or a control token.
	KindRequest Kind = "request"
	// KindRevoke is a revocation call; Start is sent, End is ack.
	KindRevoke Kind = "revoke"
	// KindFault is the edge of a fault: Start is its begin, End its end.
	KindFault Kind = "fault"
	// KindViolation is a wrong decision found while the run went on.
	KindViolation Kind = "violation"
	// KindEnd is the last line: the run ended at End, and Detail says stopped or
	// interrupted if that was not its own end. Ending says more.
	KindEnd Kind = "end"
)

// Event is one line of history.ndjson. All instants are nanoseconds since the
// start of the run on the one monotonic clock of the harness.
//
// A history holds every request on revoked and control tokens, every revoke,
// fault edge and violation. Other traffic is counters and histograms.
type Event struct {
	Kind    Kind        `json:"kind"`
	Pattern string      `json:"pattern,omitempty"`
	Token   token.Ref   `json:"token,omitempty"`
	Gateway string      `json:"gateway,omitempty"`
	Class   token.Class `json:"class,omitempty"`
	// Twin is, on a request of a control token, the revoked token it stands beside.
	Twin token.Ref `json:"twin,omitempty"`
	// Planned is when the request or revocation should have started.
	Planned int64 `json:"planned"`
	// Start is when it was really sent: a decision happens within [Start, End].
	Start int64 `json:"start"`
	End   int64 `json:"end"`
	// Status is the HTTP status; 0 means that no answer came.
	Status  int           `json:"status,omitempty"`
	Verdict token.Verdict `json:"verdict,omitempty"`
	Reason  token.Reason  `json:"reason,omitempty"`
	// Expect is what the request's route and token, were it not revoked, call for.
	Expect token.Outcome `json:"expect,omitzero"`
	// Cause labels an accept that a fallback gave, such as CauseFailOpen.
	Cause string `json:"cause,omitempty"`
	Phase string `json:"phase,omitempty"`
	// Moment groups revocations that happened in one call: they are one sample.
	Moment int `json:"moment,omitempty"`
	// Expires bounds the true expiry of the token: [ExpiresMin, ExpiresMax] in ns
	// since start, the leeway included; 0 means not within the run.
	ExpiresMin int64 `json:"expires_min,omitempty"`
	ExpiresMax int64 `json:"expires_max,omitempty"`
	// Grace is, on a request, how many ns after ExpiresMax (which does not include
	// it) the route lets a token in under audit: with CauseJustExpired that is a
	// fallback, without it a false accept. 0 means that the route does not.
	Grace int64 `json:"grace,omitempty"`
	// Fault names the fault of a fault event; Violation the kind of a violation;
	// Detail says more in a few words, such as the name of a mutation.
	Fault     string `json:"fault,omitempty"`
	Violation string `json:"violation,omitempty"`
	Detail    string `json:"detail,omitempty"`
	// Met and Clear are, on a fault event, what it acted on and what came through
	// unharmed after it was healed.
	Met   int64 `json:"met,omitempty"`
	Clear int64 `json:"clear,omitempty"`
	// Meta is set on the first line only, and Ending on the last.
	Meta   *Meta   `json:"meta,omitempty"`
	Ending *Ending `json:"ending,omitempty"`
}

// HistorySchema is the version of history.ndjson.
const HistorySchema = "tokendrill.history/v1"

// Meta is what a history says about its run, enough to judge it again.
type Meta struct {
	Schema          string        `json:"schema"`
	Scenario        string        `json:"scenario"`
	About           string        `json:"about,omitempty"`
	Seed            uint64        `json:"seed"`
	Stage           string        `json:"stage"`
	Started         time.Time     `json:"started"`
	PlanDigest      string        `json:"plan_digest"`
	RecordingDigest string        `json:"recording_digest"`
	Patterns        []PatternMeta `json:"patterns"`
	Gates           []string      `json:"gates"`
	// Phases are in order of time; a gate can name them only.
	Phases []PhaseMeta `json:"phases,omitempty"`
}

// PhaseMeta is when a phase takes place, in ns since the start of the run. A
// request belongs to it by its label, not by its time.
type PhaseMeta struct {
	Phase string `json:"phase"`
	From  int64  `json:"from"`
	To    int64  `json:"to"`
}

// Ending is what a history says at its end beyond when and how the run ended.
type Ending struct {
	// Stopped is the stop condition that was met; empty if none was.
	Stopped string `json:"stopped,omitempty"`
	Undo    Undo   `json:"undo"`
	// Invalid holds the reasons why the figures cannot be believed.
	Invalid []string `json:"invalid,omitempty"`
}

// PatternMeta describes one pattern of a run; durations are nanoseconds.
type PatternMeta struct {
	Pattern  string        `json:"pattern"`
	Gateways []string      `json:"gateways"`
	Bound    time.Duration `json:"bound"`
	BoundWhy string        `json:"bound_why,omitempty"`
	// Quiet is how long watching must go on after the first reject.
	Quiet time.Duration `json:"quiet"`
	// ControlGap is how near an accepted control must be on either side of the
	// request that sets the upper bound.
	ControlGap time.Duration `json:"control_gap"`
	// Target says that it is a system of the user's own, no reference pattern.
	Target bool `json:"target,omitempty"`
	// Notes say how it was reached, where that bears on what can be believed, such as
	// "TLS certificates were not verified (insecure)".
	Notes []string `json:"notes,omitempty"`
	// ReplicaHeaders are the response headers that name the replica, by gateway.
	ReplicaHeaders map[string]string `json:"replica_headers,omitempty"`
}

// Cache results of an Observation (RFC 9211).
const (
	CacheHit  = "hit"
	CacheMiss = "miss"
)

// Observation is one finished request, as the attack saw it.
type Observation struct {
	Event
	// Check is the time that the gateway spent deciding; negative if not told.
	Check time.Duration
	// Cache is CacheHit, CacheMiss, or empty if the gateway did not say.
	Cache string
	// Replica is the one behind a balancer that answered; empty if not told.
	Replica string
	// Slice is the round of an interleaved latency phase; -1 outside of it.
	Slice int
	// Probe says that the request was sent to measure revocation, not as traffic.
	Probe bool
}
