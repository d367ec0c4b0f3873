// Package scenarios describes runs: what traffic, which patterns with which
// settings, what breaks when, and which limits must hold. Scenarios are strict
// YAML; a shipped catalogue is embedded.
package scenarios

import (
	"time"

	"github.com/tokendrill/tokendrill/chaos"
	"github.com/tokendrill/tokendrill/fixtures/token"
)

// Scenario is one run, as written in YAML. Parse fills in the defaults; a parsed
// Scenario is valid.
type Scenario struct {
	// Name is what a person calls it: lower-case words joined by "-".
	Name string `yaml:"name"`
	// About says in a sentence or two what the scenario shows.
	About string `yaml:"about"`
	// Patterns are those to run, in the order of the report; empty means all four.
	Patterns []string `yaml:"patterns"`
	Traffic  Traffic  `yaml:"traffic"`
	Tokens   Tokens   `yaml:"tokens"`
	Revoke   Revoke   `yaml:"revocations"`
	Settings Settings `yaml:"settings"`
	// Routes are the policy of every gateway; the first match wins.
	Routes []Route `yaml:"routes"`
	// Links give named links a network profile.
	Links map[string]Delay `yaml:"links"`
	// Faults change links for a while in the revocation phase.
	Faults []Fault `yaml:"faults"`
	// References are published figures to stand beside the measured ones.
	References []Reference `yaml:"references"`
	// Gates are limits, in the grammar of measure.ParseGate.
	Gates []string `yaml:"gates"`
}

// Traffic is the latency phase: rounds of interleaved slices, one per pattern.
type Traffic struct {
	// Recording is "sample" or the path of an NDJSON recording.
	Recording string `yaml:"recording"`
	// Rate is requests per second; zero keeps the recorded pace, times Speed.
	Rate Rate `yaml:"rate"`
	// Speed is the factor over the recorded pace, if Rate is zero.
	Speed  float64       `yaml:"speed"`
	Rounds int           `yaml:"rounds"`
	Slice  time.Duration `yaml:"slice"`
}

// Tokens says what the tokens of a run are like.
type Tokens struct {
	// Fuzz is the share of traffic that carries a mutant, 0 to 1 ("5%").
	Fuzz Share `yaml:"fuzz"`
	// Lifetime is expires_in of what the authority issues.
	Lifetime time.Duration `yaml:"lifetime"`
}

// Revoke is the revocation phase.
type Revoke struct {
	// Tokens are revoked per pattern, each at a moment of its own.
	Tokens int `yaml:"tokens"`
	// Every is the mean time between two revocations over all patterns.
	Every time.Duration `yaml:"every"`
	// FirstGap is the gap between the first probes; it grows by Growth each time.
	FirstGap time.Duration `yaml:"first_gap"`
	Growth   Share         `yaml:"growth"`
	// Window is how long each token is watched after its planned revocation.
	// Zero means twice the quiet period of its pattern plus 0.5 s.
	Window time.Duration `yaml:"window"`
	// Rate is the light traffic of each pattern meanwhile.
	Rate Rate `yaml:"rate"`
}

// Settings are the knobs of the four patterns.
type Settings struct {
	Cache    CacheSettings    `yaml:"cache"`
	Remote   RemoteSettings   `yaml:"remote"`
	Registry RegistrySettings `yaml:"registry"`
	Hybrid   HybridSettings   `yaml:"hybrid"`
}

// CacheSettings are of local introspection with a cache.
type CacheSettings struct {
	TTL         time.Duration `yaml:"ttl"`
	NegativeTTL time.Duration `yaml:"negative_ttl"`
	// Timeout bounds one call to the authority.
	Timeout time.Duration `yaml:"timeout"`
	// Refresh reloads an entry in the background this long before its TTL ends; zero does not.
	Refresh time.Duration `yaml:"refresh"`
	// Recheck is the share of hits that ask the authority all the same.
	Recheck Share `yaml:"recheck"`
}

// RemoteSettings are of remote introspection.
type RemoteSettings struct {
	// Timeout bounds one check, retries included.
	Timeout time.Duration `yaml:"timeout"`
	// Retries after the first try, with jitter.
	Retries int `yaml:"retries"`
	// BreakerFailures in a row open the breaker, for BreakerDelay.
	BreakerFailures int           `yaml:"breaker_failures"`
	BreakerDelay    time.Duration `yaml:"breaker_delay"`
}

// RegistrySettings are of the distributed registry with push.
type RegistrySettings struct {
	// Staleness is how long a gateway decides without a sign of life.
	Staleness time.Duration `yaml:"staleness"`
	// Heartbeat is how often the authority publishes one.
	Heartbeat time.Duration `yaml:"heartbeat"`
}

// HybridSettings are of edge minting and origin validation.
type HybridSettings struct {
	// MintedTTL is the life of a minted token.
	MintedTTL time.Duration `yaml:"minted_ttl"`
	// BundleMaxAge is how long the CDN and the origin may keep a key bundle.
	BundleMaxAge time.Duration `yaml:"bundle_max_age"`
	// Timeout bounds one call of the edge to the authority.
	Timeout time.Duration `yaml:"timeout"`
}

// Route is one rule of the policy.
type Route struct {
	Method    string         `yaml:"method"`
	Path      string         `yaml:"path"`
	Scope     string         `yaml:"scope"`
	Audience  string         `yaml:"audience"`
	Fail      token.FailMode `yaml:"fail"`
	Sensitive bool           `yaml:"sensitive"`
}

// Delay is a network profile: a constant, or a median with a 95th percentile.
type Delay struct {
	P50 time.Duration `yaml:"p50"`
	P95 time.Duration `yaml:"p95"`
}

// Chaos returns the profile in chaos' words.
func (d Delay) Chaos() chaos.Delay { return chaos.Delay{P50: d.P50, P95: d.P95} }

// Fault is one fault: what, where, and when within the revocation phase.
type Fault struct {
	// Name is a fault of the catalogue: link.cut or link.delay.
	Name string `yaml:"name"`
	// Link is the link it acts on; Pattern and Gateway narrow it, empty means all.
	Link    string `yaml:"link"`
	Pattern string `yaml:"pattern"`
	Gateway string `yaml:"gateway"`
	// At is when it begins, from the start of the revocation phase; For how long it lasts.
	At  time.Duration `yaml:"at"`
	For time.Duration `yaml:"for"`
	// Delay is the parameter of link.delay.
	Delay Delay `yaml:"delay"`
}

// Reference is a published figure and where it comes from.
type Reference struct {
	Pattern string `yaml:"pattern"`
	Metric  string `yaml:"metric"`
	Says    string `yaml:"says"`
}

// Rate is requests per second, written "800/s".
type Rate float64

// Share is a fraction of one, written "5%" or 0.05.
type Share float64
