// Package measure turns what a run saw into what can be said about it: the
// history, the checker, time-to-revoke, HDR series, gates and the report. It
// knows no network and no vegeta: the same code judges a run while it ends and
// a saved history a year later.
package measure

import (
	"time"

	"github.com/tokendrill/tokendrill/fixtures/token"
)

// Schema is the version of report.json.
const Schema = "tokendrill.report/v1"

// Report is report.json. Every duration is a number of milliseconds; what was
// not measured, or what the sample cannot support, is null.
type Report struct {
	Schema          string      `json:"schema"`
	Scenario        string      `json:"scenario"`
	About           string      `json:"about,omitempty"`
	Seed            uint64      `json:"seed"`
	Stage           string      `json:"stage"`
	Started         time.Time   `json:"started"`
	Elapsed         float64     `json:"elapsed"`
	PlanDigest      string      `json:"plan_digest"`
	RecordingDigest string      `json:"recording_digest"`
	Reproduce       string      `json:"reproduce,omitempty"` // the command that runs this again
	Environment     Environment `json:"environment"`
	Sender          Sender      `json:"sender"`
	Validity        Validity    `json:"validity"`
	Warnings        []string    `json:"warnings"`
	Patterns        []Pattern   `json:"patterns"`
	// Ties are groups of patterns whose check p95 cannot be told apart.
	Ties   [][]string `json:"ties,omitempty"`
	Faults []Fault    `json:"faults"`
	// Stopped says which stop condition ended the run, and Undo what became of the
	// faults that were in place when it ended.
	Stopped string `json:"stopped,omitempty"`
	Undo    Undo   `json:"undo"`
	// References are published figures that the scenario asks to be shown beside ours.
	References []Reference `json:"references,omitempty"`
	Verdict    RunVerdict  `json:"verdict"`
}

// RunVerdict is the outcome of a whole run.
type RunVerdict string

// Pass, Fail and Inconclusive are verdicts on gates and runs; Stopped and
// Interrupted are of runs that did not come to their own end.
const (
	Pass         RunVerdict = "pass"
	Fail         RunVerdict = "fail"
	Inconclusive RunVerdict = "inconclusive"
	Stopped      RunVerdict = "stopped"
	Interrupted  RunVerdict = "interrupted"
)

// Environment is where the run took place.
type Environment struct {
	Tokendrill string `json:"tokendrill"` // version or commit
	Go         string `json:"go"`
	OS         string `json:"os"`
	CPU        string `json:"cpu,omitempty"`
	Cores      int    `json:"cores"`
	// Network says what the links add, "none added" or the profile.
	Network string `json:"network"`
}

// Sender says how well the sender kept to its plan: a late sender measures itself.
type Sender struct {
	Planned     int   `json:"planned"`
	Sent        int   `json:"sent"`
	Lag         Dist  `json:"lag"`
	MaxInFlight int64 `json:"max_in_flight"`
	// CPU is the share of all cores that this process used, 0 to 1, and Machine what
	// everybody on the machine used, containers among them; null if unknown.
	CPU     *float64 `json:"cpu"`
	Machine *float64 `json:"machine,omitempty"`
	// Floor is the response latency of the stage's bare path, without a token decision.
	Floor Dist `json:"floor"`
}

// Validity says whether the figures may be believed at all.
type Validity struct {
	OK      bool     `json:"ok"`
	Reasons []string `json:"reasons,omitempty"`
	// Faults are those of the Reasons, at their end, that name a fault of which
	// nothing is known: the figures stand, but say nothing about it.
	Faults []string `json:"faults,omitempty"`
}

// Pattern is all that is known about one pattern, or one target.
type Pattern struct {
	Pattern string `json:"pattern"`
	// Target says that it is a system of the user's own, no reference pattern.
	Target bool `json:"target,omitempty"`
	// Notes say how it was reached, where that bears on what can be believed.
	Notes []string `json:"notes,omitempty"`
	// Bound is how long a revoked token may live by design (DESIGN "bound").
	Bound    float64  `json:"bound"`
	BoundWhy string   `json:"bound_why,omitempty"` // such as "TTL 1.5 s + authority timeout 0.5 s"
	Requests Requests `json:"requests"`
	// Bare counts the requests without a token on the control path of a target; they
	// are not among Requests. Accepted means that the path answered.
	Bare       Requests    `json:"bare,omitzero"`
	Latency    Latency     `json:"latency"`
	Revoke     Revoke      `json:"revoke"`
	Safety     Safety      `json:"safety"`
	Mutations  []Mutation  `json:"mutations,omitempty"`
	Violations []Violation `json:"violations"`
	// Gateways split requests and safety by enforcement point.
	Gateways []Gateway `json:"gateways,omitempty"`
	// Fallbacks count what was decided by something else than an ordinary check.
	Fallbacks []Fallback `json:"fallbacks,omitempty"`
	// Recovery is how long after the end of the last fault response latency and
	// availability were back at their level before the first one, in ms; null if
	// that is not known, for the reason in RecoveryWhy. RecoveryAbove is what it is
	// known to exceed if they were not back by the end of the run.
	Recovery      *float64 `json:"recovery"`
	RecoveryAbove *float64 `json:"recovery_above,omitempty"`
	RecoveryWhy   string   `json:"recovery_why,omitempty"`
	Phases        []Phase  `json:"phases"`
	Timeline      Timeline `json:"timeline"`
	Cache         Cache    `json:"cache"`
	// AuthorityCalls is null where nobody counts what is asked of the authority.
	AuthorityCalls *int64 `json:"authority_calls"`
	Probes         int    `json:"probes"`
	Gates          []Gate `json:"gates"`
}

// Requests counts the requests of one pattern by what was answered. Probes and
// fuzzed tokens count too.
type Requests struct {
	Sent            int      `json:"sent"`
	Accepted        int      `json:"accepted"`
	Rejected        int      `json:"rejected"`
	Unavailable     int      `json:"unavailable"`
	UnavailableRate *float64 `json:"unavailable_rate"`
}

// Dist summarizes a latency histogram, in milliseconds.
type Dist struct {
	Count int64    `json:"count"`
	P50   *float64 `json:"p50"`
	P95   *float64 `json:"p95"`
	P99   *float64 `json:"p99"`
	Max   *float64 `json:"max"`
	// P95Slices are the p95 of each interleaved slice, in order; P95Noise is half
	// the width of the 95 % interval of their median. Null with under six slices.
	P95Slices []float64 `json:"p95_slices,omitempty"`
	P95Noise  *float64  `json:"p95_noise,omitempty"`
}

// Latency holds the series of requests that should be accepted, in the latency phase.
type Latency struct {
	Response Dist `json:"response"` // planned send to last byte
	Service  Dist `json:"service"`  // send to last byte
	Lag      Dist `json:"lag"`      // planned to actual send
	Check    Dist `json:"check"`    // as the gateway told in Server-Timing, or derived
	Hit      Dist `json:"hit"`      // check, cache hits only
	Miss     Dist `json:"miss"`     // check, cache misses only
	// CheckDerived says that no check was told, and that Check is how much longer the
	// response took than that of the control path: the difference of the p50 and of
	// the p95, at least zero, with the count of the smaller sample. P95Slices are the
	// differences slice by slice, of which noise may leave some below zero.
	CheckDerived bool `json:"check_derived,omitempty"`
	// Bare is the response of the control path of a target, without a token.
	Bare Dist `json:"bare,omitzero"`
	// Curves are for plots: response, check hit, check miss, bare, lag.
	Curves []Curve `json:"curves,omitempty"`
}

// Curve is one latency-by-percentile line; points are percentile in 0..100 and milliseconds.
type Curve struct {
	Series string       `json:"series"`
	Points [][2]float64 `json:"points"`
}

// Safety counts wrong decisions; the three are disjoint (DESIGN section 3).
type Safety struct {
	FalseAccepts int `json:"false_accepts"`
	StaleAccepts int `json:"stale_accepts"`
	FalseRejects int `json:"false_rejects"`
}

// Mutation is what one pattern made of one way of fuzzing a token.
type Mutation struct {
	Mutation    string        `json:"mutation"`
	Expect      token.Outcome `json:"expect"`
	Sent        int           `json:"sent"`
	Accepted    int           `json:"accepted"`
	Rejected    int           `json:"rejected"`
	Unavailable int           `json:"unavailable"`
	Wrong       int           `json:"wrong"`
}

// Violation is one wrong decision with the requests that prove it: at most 20
// are kept for each kind, gateway and phase; Safety counts all.
type Violation struct {
	// Kind is false_accept or false_reject.
	Kind    string    `json:"kind"`
	Gateway string    `json:"gateway"`
	Token   token.Ref `json:"token"`
	// Cause says why, such as resurrection, after_bound, fail_open, or a mutation's name.
	Cause    string  `json:"cause,omitempty"`
	Requests []Event `json:"requests"`
}

// Timeline is what happened when, in steps of equal length from the start of the run.
type Timeline struct {
	Step           float64  `json:"step"`
	Lanes          []Lane   `json:"lanes"`
	ResponseP95    []Number `json:"response_p95"`
	AuthorityCalls []int64  `json:"authority_calls"` // null where nobody counts them
}

// Number is a figure that may be missing.
type Number = *float64

// Lane is one gateway's row of the timeline.
type Lane struct {
	Gateway     string `json:"gateway"`
	Accepted    []int  `json:"accepted"`
	Rejected    []int  `json:"rejected"`
	Unavailable []int  `json:"unavailable"`
	// Stale counts accepts of revoked tokens, right or wrong.
	Stale []int `json:"stale"`
}

// Cache counts the gateways' cache results.
type Cache struct {
	Hits   int64 `json:"hits"`
	Misses int64 `json:"misses"`
}

// Fault is one injected fault. From and To are ms since the start of the run.
type Fault struct {
	Name   string  `json:"name"`
	From   float64 `json:"from"`
	To     float64 `json:"to"`
	Landed bool    `json:"landed"`
	Healed bool    `json:"healed"`
	// Met is how much the fault acted on; Clear is how much came through the same
	// place unharmed after it was healed. For a fault of a container both count
	// looks: that it was in force, and signs of life after it.
	Met   int64 `json:"met"`
	Clear int64 `json:"clear"`
	// Unknown says why nothing is known about its effect or its end; empty if both
	// were seen.
	Unknown string `json:"unknown,omitempty"`
}

// Undo counts the faults of a run that were injected, and those of them that were
// mended; Left names the others.
type Undo struct {
	Injected int      `json:"injected"`
	Healed   int      `json:"healed"`
	Left     []string `json:"left,omitempty"`
}

// Reference is a published figure, quoted from a scenario.
type Reference struct {
	Pattern string `json:"pattern"`
	Metric  string `json:"metric"`
	Says    string `json:"says"`
	// Value is the same figure of this run, in the metric's unit; null if not measured.
	Value *float64 `json:"value"`
}

// Gate is one evaluated limit.
type Gate struct {
	Expr    string     `json:"expr"`
	Verdict RunVerdict `json:"verdict"` // pass, fail or inconclusive
	Value   *float64   `json:"value"`
	Lower   *float64   `json:"lower,omitempty"` // the interval of the value, if it has one
	Upper   *float64   `json:"upper,omitempty"`
	Limit   float64    `json:"limit"`
	Metric  string     `json:"metric"`
	N       int        `json:"n"`
	// Derived says that the value is of a derived check latency (Latency.CheckDerived).
	Derived bool `json:"derived,omitempty"`
	// Why says in a few words what decided an inconclusive or failed gate.
	Why     string     `json:"why,omitempty"`
	Witness *Violation `json:"witness,omitempty"`
}
