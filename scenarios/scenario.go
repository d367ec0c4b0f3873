// Package scenarios describes runs: what traffic, which patterns with which
// settings, what breaks when, and which limits must hold. Scenarios are strict
// YAML; a shipped catalogue is embedded.
package scenarios

import (
	"fmt"
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
	// Roles replace roles of the stage by other people's software: registry, cdn or
	// upstream. That takes containers.
	Roles map[string]RoleImage `yaml:"roles"`
	// Stimuli are crafted traffic in the revocation phase, beside the recording's.
	Stimuli []Stimulus `yaml:"stimuli"`
	// Faults break links and nodes for a while in the revocation phase.
	Faults []Fault `yaml:"faults"`
	// AbortWhen are stop conditions, in the grammar of measure.ParseStop.
	AbortWhen []string `yaml:"abort_when"`
	// Caps bound what the faults may do.
	Caps Caps `yaml:"caps"`
	// References are published figures to stand beside the measured ones.
	References []Reference `yaml:"references"`
	// Gates are limits, in the grammar of measure.ParseGate.
	Gates []string `yaml:"gates"`

	// Targets are systems of the user's own, measured beside the patterns; no file
	// names them.
	Targets []*Target `yaml:"-"`

	// irreversible are the faults that may stay without an undo.
	irreversible []string
}

// RoleImage is other people's software in the place of a role.
type RoleImage struct {
	// Image is a reference that the Docker engine has or can pull, such as "nats:2.12".
	Image string `yaml:"image"`
	// Command replaces that of the image; empty keeps it.
	Command []string `yaml:"command"`
	// Port is where it listens; zero is 4222 for a registry, and 8080 for the others.
	Port int `yaml:"port"`
	// Config are files by their absolute path in the container. In their text
	// ${AUTHORITY} is the base URL of the authority as the container reaches it.
	Config map[string]string `yaml:"config"`
	// Env are environment variables.
	Env map[string]string `yaml:"env"`
}

// Traffic is the latency phase: rounds of interleaved slices, one per pattern.
type Traffic struct {
	// Recording is "sample" or the path of an NDJSON recording.
	Recording string `yaml:"recording"`
	// Rate is requests per second; zero keeps the recorded pace, times Speed.
	Rate Rate `yaml:"rate"`
	// Speed is the factor over the recorded pace, if Rate is zero.
	Speed float64 `yaml:"speed"`
	// Rounds of one slice for each pattern; zero leaves the latency phase out.
	Rounds int           `yaml:"rounds"`
	Slice  time.Duration `yaml:"slice"`
}

// Tokens says what the tokens of a run are like.
type Tokens struct {
	// Fuzz is the share of traffic that carries a mutant, 0 to 1 ("5%").
	Fuzz Share `yaml:"fuzz"`
	// Lifetime is expires_in of what the authority issues.
	Lifetime time.Duration `yaml:"lifetime"`
	// Prefix and Suffix are how many characters the opaque tokens have in common at
	// their beginning and at their end; zero is none.
	Prefix int `yaml:"prefix"`
	Suffix int `yaml:"suffix"`
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
	// Bulk revokes all tokens of a pattern in one call: one moment. 20 of them are
	// probed; each of the others is used once before and once after the bound.
	Bulk bool `yaml:"bulk"`
	// Fresh issues each token just before it is revoked, so that nobody has used it.
	Fresh bool `yaml:"fresh"`
	// Children presents minted tokens at the origins and revokes their parents. It
	// is for the pattern hybrid alone.
	Children bool `yaml:"children"`
}

// Stimulus is crafted traffic that provokes a bug in what decides.
type Stimulus struct {
	// Name is one of those that StimulusSpecs lists, such as "scope-change".
	Name string `yaml:"name"`
	// Pattern narrows it; empty means all.
	Pattern string `yaml:"pattern"`
	// Rate is requests per second and pattern.
	Rate Rate `yaml:"rate"`
	// At is when it begins, from the start of the revocation phase; For how long it
	// lasts, zero until the end.
	At  time.Duration `yaml:"at"`
	For time.Duration `yaml:"for"`
	// Tokens is how many different tokens it uses; zero is the stimulus' own number.
	Tokens int `yaml:"tokens"`
}

// Caps are limits on what faults may do; zero is no limit.
type Caps struct {
	// For is the longest that one fault may last.
	For time.Duration `yaml:"for"`
	// Share is the largest part of what comes by that a fault may act on; a fault
	// without a share acts on all.
	Share Share `yaml:"share"`
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
	// Grace is the limited operation for tokens that have just expired.
	Grace time.Duration `yaml:"grace"`
	// ACR is the authentication context that the route asks for (RFC 9470).
	ACR string `yaml:"acr"`
}

// Delay is a network profile: a constant, or a median with a 95th percentile.
type Delay struct {
	P50 time.Duration `yaml:"p50"`
	P95 time.Duration `yaml:"p95"`
}

// String is the delay as a person would say it.
func (d Delay) String() string {
	if d.P95 == 0 {
		return d.P50.String()
	}
	return fmt.Sprintf("p50 %v p95 %v", d.P50, d.P95)
}

// Chaos returns the profile in chaos' words.
func (d Delay) Chaos() chaos.Delay { return chaos.Delay{P50: d.P50, P95: d.P95} }

// Fault is one fault: what, where, and when within the revocation phase. Which
// of its keys it takes is in the catalogue of package chaos.
type Fault struct {
	// Name is a fault of chaos.Catalogue.
	Name string `yaml:"name"`
	// Link is the link, or Node the role, that it acts on, or the container of the
	// role. Pattern and Gateway narrow it; empty means all.
	Link    string `yaml:"link"`
	Node    string `yaml:"node"`
	Pattern string `yaml:"pattern"`
	Gateway string `yaml:"gateway"`
	// At is when it begins, from the start of the revocation phase; For how long it lasts.
	At  time.Duration `yaml:"at"`
	For time.Duration `yaml:"for"`

	Delay      Delay         `yaml:"delay"`
	Share      Share         `yaml:"share"`
	Status     int           `yaml:"status"`
	RetryAfter time.Duration `yaml:"retry_after"`
	MaxAge     time.Duration `yaml:"max_age"`
	Offset     Offset        `yaml:"offset"`
	Factor     float64       `yaml:"factor"`
	CPUs       float64       `yaml:"cpus"`
	Memory     chaos.Size    `yaml:"memory"`
	Path       string        `yaml:"path"`
	Inject     []string      `yaml:"inject"`
	Heal       []string      `yaml:"heal"`
	InjectCall *chaos.Call   `yaml:"inject_call"`
	HealCall   *chaos.Call   `yaml:"heal_call"`

	// As is what a report calls the fault in the place of Name, if it is not empty.
	As string `yaml:"-"`
	// Hosts are those beyond loopback that its calls may go to; the command line
	// allows them, and no file.
	Hosts []string `yaml:"-"`
	// midway faults are placed by Scenario.Midway.
	midway bool
}

// Params are the fault's parameters in chaos' words.
func (f Fault) Params() chaos.Params {
	return chaos.Params{
		Delay: f.Delay.Chaos(), Share: float64(f.Share), Status: f.Status, RetryAfter: f.RetryAfter, MaxAge: f.MaxAge,
		Offset: time.Duration(f.Offset), Factor: f.Factor, CPUs: f.CPUs, Memory: f.Memory, Path: f.Path, Inject: f.Inject, Heal: f.Heal,
		InjectCall: f.InjectCall, HealCall: f.HealCall, Hosts: f.Hosts,
	}
}

// Reference is a published figure and where it comes from.
type Reference struct {
	Pattern string `yaml:"pattern"`
	Metric  string `yaml:"metric"`
	Says    string `yaml:"says"`
}

// Offset is how far a clock is off, written "5s" or "-5s".
type Offset time.Duration

// String writes an offset as a duration.
func (o Offset) String() string { return time.Duration(o).String() }

// Rate is requests per second, written "800/s".
type Rate float64

// Share is a fraction of one, written "5%" or 0.05.
type Share float64
