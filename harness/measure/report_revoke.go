package measure

import "github.com/tokendrill/tokendrill/fixtures/token"

// Quantiles summarizes one bound of time-to-revoke, in milliseconds. A quantile
// that is censored is null, with the bound it is known to exceed in Above.
type Quantiles struct {
	P50   *float64 `json:"p50"`
	P95   *float64 `json:"p95"`
	P99   *float64 `json:"p99"`
	Max   *float64 `json:"max"`
	Above *Above   `json:"above,omitempty"`
}

// Above holds, for each censored quantile, the value it is known to exceed.
type Above struct {
	P50 *float64 `json:"p50,omitempty"`
	P95 *float64 `json:"p95,omitempty"`
	P99 *float64 `json:"p99,omitempty"`
	Max *float64 `json:"max,omitempty"`
}

// Revoke is time-to-revoke, from the revoke call being sent, over all
// (token, gateway) pairs; Fleet figures take the slowest gateway of each token.
type Revoke struct {
	Tokens  int `json:"tokens"`
	Moments int `json:"moments"`
	// Censored (expired ones among them), Unknown, Unstable, Unprimed and
	// Resurrections count (token, gateway) pairs. Unprimed pairs count nowhere else.
	Censored      int `json:"censored"`
	Unknown       int `json:"unknown"`
	Unstable      int `json:"unstable"`
	Unprimed      int `json:"unprimed"`
	Resurrections int `json:"resurrections"`
	// InFlight counts requests begun before the ack and accepted after it;
	// InFlightOverrun is the longest such overrun.
	InFlight        int      `json:"in_flight"`
	InFlightOverrun *float64 `json:"in_flight_overrun"`
	// Excluded counts tokens whose revocation was refused (4xx) or never tried;
	// NoAck those whose revocation may have happened: figures from sent only.
	Excluded   int             `json:"excluded"`
	NoAck      int             `json:"no_ack"`
	Lower      Quantiles       `json:"lower"`
	Upper      Quantiles       `json:"upper"`
	FleetLower Quantiles       `json:"fleet_lower"`
	FleetUpper Quantiles       `json:"fleet_upper"`
	AckLower   Quantiles       `json:"ack_lower"` // the fleet figures from the ack; tokens without one drop out
	AckUpper   Quantiles       `json:"ack_upper"`
	Watched    float64         `json:"watched"` // how long each token was watched after its revocation, at least
	Fleet      []Interval      `json:"fleet"`   // one per token: the slowest gateway
	Gateways   []GatewayRevoke `json:"gateways"`
}

// GatewayRevoke is time-to-revoke at one enforcement point.
type GatewayRevoke struct {
	Gateway       string     `json:"gateway"`
	Tokens        int        `json:"tokens"`
	Censored      int        `json:"censored"`
	Unknown       int        `json:"unknown"`
	Resurrections int        `json:"resurrections"`
	Lower         Quantiles  `json:"lower"`
	Upper         Quantiles  `json:"upper"`
	Intervals     []Interval `json:"intervals"`
	// Worst is the witness of the largest lower bound: the revocation and the last accept.
	Worst []Event `json:"worst,omitempty"`
}

// State says what is known about one interval.
type State string

const (
	// Exact means: the true moment lies within [Lower, Upper].
	Exact State = "exact"
	// Censored means: no reject by the end; only Lower is known.
	Censored State = "censored"
	// Expired means: the token may have expired before it was refused; only Lower is known.
	Expired State = "expired"
	// Unknown means: the control does not support the rejects.
	Unknown State = "unknown"
	// Unstable means: refused by Upper, but not watched for the quiet period afterwards:
	// in quantiles and gates its upper bound counts as unknown.
	Unstable State = "unstable"
	// Unprimed means: no accept before the revocation; it does not count here.
	Unprimed State = "unprimed"
)

// Interval is the time-to-revoke of one token at one gateway, or over the
// fleet, in milliseconds from the revoke call being sent.
type Interval struct {
	Token token.Ref `json:"token"`
	// At is when the revocation was sent, in ms since the start of the run.
	At    float64  `json:"at"`
	Lower *float64 `json:"lower"`
	Upper *float64 `json:"upper"`
	State State    `json:"state"`
	// Ack is when the acknowledgement came, in ms after At; null without one.
	Ack *float64 `json:"ack"`
	// Moment groups tokens revoked by one call; 0 is a moment of its own.
	Moment int `json:"moment,omitempty"`
	// Phase is the phase in which it was to be revoked.
	Phase string `json:"phase,omitempty"`
	// Gateway is set on fleet intervals: the slowest one.
	Gateway string `json:"gateway,omitempty"`
	// Resurrected says that an accept followed a reject.
	Resurrected bool `json:"resurrected,omitempty"`
}
