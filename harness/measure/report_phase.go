package measure

import "github.com/tokendrill/tokendrill/fixtures/token"

// Phase is one stretch of the run, from and to as planned. Requests belong to it by
// when they were under way, tokens by when they were to be revoked.
type Phase struct {
	Phase    string   `json:"phase"`
	From     float64  `json:"from"`
	To       float64  `json:"to"`
	Requests Requests `json:"requests"`
	Latency  Latency  `json:"latency"`
	// Revoke and RevokeLower are the fleet's upper and lower bounds of the tokens
	// revoked in this phase; null without any.
	Revoke      *Quantiles   `json:"revoke"`
	RevokeLower *Quantiles   `json:"revoke_lower"`
	Revocations RevokeCounts `json:"revocations"`
	Safety      Safety       `json:"safety"`
	Cache       Cache        `json:"cache"`
	// AuthorityCalls were made in this phase, to the resolution of the readings; null
	// where nobody counts them.
	AuthorityCalls *int64 `json:"authority_calls"`
	// Fallbacks are those of this phase.
	Fallbacks []Fallback `json:"fallbacks,omitempty"`
	Gateways  []Gateway  `json:"gateways,omitempty"`
}

// RevokeCounts counts revoked tokens. Tokens and Moments are over the fleet, the
// others count (token, gateway) pairs as in Revoke.
type RevokeCounts struct {
	Tokens        int `json:"tokens"`
	Moments       int `json:"moments"`
	Censored      int `json:"censored"`
	Unknown       int `json:"unknown"`
	Unstable      int `json:"unstable"`
	Unprimed      int `json:"unprimed"`
	Resurrections int `json:"resurrections"`
}

// Gateway is what one enforcement point did, in the whole run or in a phase.
type Gateway struct {
	Gateway  string   `json:"gateway"`
	Requests Requests `json:"requests"`
	Safety   Safety   `json:"safety"`
	// Worst is, in a phase, the revocation and the last accept with the largest
	// lower bound of time-to-revoke.
	Worst []Event `json:"worst,omitempty"`
	// Replicas are, in the whole run, those behind the gateway that named themselves,
	// by name: the first 64. OtherReplicas is how many requests met any other.
	Replicas      []Replica `json:"replicas,omitempty"`
	OtherReplicas int       `json:"other_replicas,omitempty"`
}

// Replica is one of several servers behind a gateway, and how many requests with a
// token it answered.
type Replica struct {
	Replica  string `json:"replica"`
	Requests int    `json:"requests"`
}

// Causes of a decision that is no ordinary check.
const (
	// CauseFailOpen lets a request in because no decision could be had.
	CauseFailOpen = "fail_open"
	// CauseOffline decides from the signature alone, in an outage.
	CauseOffline = "offline"
	// CauseJustExpired lets a token in that has just expired, under audit.
	CauseJustExpired = token.CauseJustExpired
	// CauseStepUp asks the caller to authenticate again (RFC 9470).
	CauseStepUp = token.CauseStepUp
)

// Fallback counts the requests of one phase that one cause let in or, for
// CauseStepUp, asked to step up.
type Fallback struct {
	Cause string `json:"cause"`
	Phase string `json:"phase"`
	Count int    `json:"count"`
}
