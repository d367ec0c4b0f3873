package scenarios

import (
	_ "embed"
	"flag"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tokendrill/tokendrill/chaos"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// full has every key that a scenario can have.
//
//go:embed testdata/full.yaml
var full []byte

const least = "name: x\nabout: y\n"

func TestParseFillsInTheDefaults(t *testing.T) {
	s, err := Parse([]byte(least), "f")
	require.NoError(t, err)
	assert.Equal(t, []string{"cache", "remote", "registry", "hybrid"}, s.Patterns)
	assert.Equal(t, Traffic{Recording: "sample", Speed: 1, Rounds: 6, Slice: time.Second}, s.Traffic)
	assert.Equal(t, []Route{{Method: "GET", Scope: "read"}, {Method: "HEAD", Scope: "read"}, {Scope: "write"}}, s.Routes)
	assert.Equal(t, 1500*time.Millisecond, s.Settings.Cache.TTL)
	assert.NoError(t, editor(t, []byte(least)))
}

func TestParseTakesEveryKey(t *testing.T) {
	s, err := Parse(full, "f")
	require.NoError(t, err)
	require.NoError(t, editor(t, full))
	assert.Equal(t, &Scenario{
		Name: "all-keys", About: "Every key is set.", Patterns: []string{"hybrid", "cache", "registry", "remote"},
		Traffic: Traffic{Recording: "a/b.ndjson.gz", Rate: 99.5, Rounds: 8, Slice: 1500 * time.Millisecond},
		Tokens:  Tokens{Fuzz: 0.125, Lifetime: 5 * time.Minute, Prefix: 20, Suffix: 4},
		Revoke: Revoke{Tokens: 59, Every: 300 * time.Millisecond, FirstGap: 2 * time.Millisecond, Growth: 0.05,
			Window: 4 * time.Second, Rate: 20, Bulk: true},
		Settings: Settings{
			Cache:    CacheSettings{TTL: time.Second, NegativeTTL: 0, Timeout: 400 * time.Millisecond, Refresh: 200 * time.Millisecond, Recheck: 0.02},
			Remote:   RemoteSettings{Timeout: 2 * time.Second, Retries: 0, BreakerFailures: 3, BreakerDelay: 500 * time.Millisecond},
			Registry: RegistrySettings{Staleness: 3 * time.Second, Heartbeat: 100 * time.Millisecond},
			Hybrid:   HybridSettings{MintedTTL: 4 * time.Second, BundleMaxAge: time.Minute, Timeout: 300 * time.Millisecond},
		},
		Routes: []Route{{Method: "POST", Path: "/pay/*", Scope: "pay", Audience: "https://pay.example", Fail: "closed", Sensitive: true, ACR: "mfa"},
			{Path: "/public/*", Fail: "open", Grace: 2 * time.Second}, {Fail: "offline"}},
		Links: map[string]Delay{"client-gateway": {P50: 2 * time.Millisecond},
			"gateway-authority": {P50: 10 * time.Millisecond, P95: 40 * time.Millisecond}},
		Stimuli: []Stimulus{{Name: JustExpired, Pattern: Cache, Rate: 10, At: 100 * time.Millisecond, For: 5 * time.Second, Tokens: 2}},
		Faults: []Fault{
			{Name: "link.cut", Link: "gateway-registry", Pattern: "registry", Gateway: "gw-2", At: time.Second, For: 2 * time.Second},
			{Name: "link.delay", Link: "gateway-authority", At: 0, For: 1500 * time.Millisecond, Delay: Delay{P50: 20 * time.Millisecond, P95: 50 * time.Millisecond}},
			{Name: "link.delay", Link: "gateway-cdn", At: time.Second, For: time.Second, Delay: Delay{P50: 5 * time.Millisecond}},
		},
		AbortWhen: []string{"requests.unavailable_rate > 0.5 for 5s"}, Caps: Caps{For: 2 * time.Second, Share: 1},
		References: []Reference{{Pattern: "cache", Metric: "latency.response.p50", Says: "4 ms"}},
		Gates:      []string{"revoke.fleet_upper.p95{pattern=cache} <= 3s", "safety.false_accepts == 0"},
	}, s)
	assert.Equal(t, chaos.Delay{P50: 10 * time.Millisecond, P95: 40 * time.Millisecond}, s.Links["gateway-authority"].Chaos())
}

// mistake is a scenario that is refused. Those of shape an editor finds, too.
type mistake struct {
	name, yaml string
	want       string
	shape      bool
}

var bad = []mistake{
	{"an empty file", "", "f:1: no scenario or several", false},
	{"two documents", least + "---\n" + least, "f:1: no scenario or several", false},
	{"a list", "- a\n", "f:1: the file is a list; expected keys with values", true},
	{"no YAML", "name: [x\n", "f:1: sequence end token ']' not found; expected YAML", true},
	{"binary junk", "\x00\x01\xff", "f:1: ", true},
	{"an unknown key", least + "trafick: {}\n", `f:3: unknown key "trafick"; expected one of name, about, patterns, traffic,`, true},
	{"an unknown key within", least + "traffic:\n  rounds: 3\n  rat: 5/s\n", `f:5: unknown key "rat"; expected one of recording, rate,`, true},
	{"a key twice", least + "name: z\n", `f:3: key "name" stands twice; expected each key once`, true},
	{"a key that is a number", least + "1: z\n", `f:3: key "1" is not plain text; expected a name`, true},
	{"a merge key", least + "<<: {}\n", `f:3: key "<<" is not plain text`, false},
	{"an anchor", least + "gates: &a []\n", "f:3: gates is an anchor, an alias or a tag; expected a list", false},
	{"an empty value", least + "traffic:\n", "f:3: traffic is empty; expected keys with values", true},
	{"no name", "about: y\n", `f:1: name is ""; expected lower-case words joined by "-"`, true},
	{"a name in capitals", "name: X\nabout: y\n", `f:1: name is "X"; expected lower-case words`, true},
	{"a name that is a number", "name: 5\nabout: y\n", `f:1: name is "5"; expected text`, true},
	{"no about", "name: x\n", "f:1: about is missing", true},
	{"an unknown pattern", least + "patterns:\n  - cache\n  - cach\n", `f:5: patterns[1] "cach" is not known; expected one of cache, remote, registry, hybrid`, true},
	{"a pattern twice", least + "patterns: [cache, cache]\n", `f:3: patterns[1] "cache" stands twice`, true},
	{"patterns as text", least + "patterns: cache\n", `f:3: patterns is "cache"; expected a list`, true},
	{"a negative rate", least + "traffic: {rate: -5/s}\n", `f:3: traffic.rate is "-5/s"; expected requests per second such as 800/s`, true},
	{"a rate without its unit", least + "traffic: {rate: 800}\n", `f:3: traffic.rate is "800"; expected requests per second such as 800/s`, true},
	{"a rate per minute", least + "traffic: {rate: 800/m}\n", `f:3: traffic.rate is "800/m"`, true},
	{"an absurd rate", least + "traffic:\n  rate: 100001/s\n", "f:4: traffic.rate is 100001; expected 0 to 100000", false},
	{"a rate with very many digits", least + "traffic: {rate: " + strings.Repeat("9", 400) + "/s}\n", `f:3: traffic.rate is "9999999999999999999999999999999999999999…"`, false},
	{"a rate and a speed", least + "traffic:\n  rate: 5/s\n  speed: 2\n", "f:5: traffic.rate and traffic.speed contradict each other", false},
	{"a negative speed", least + "traffic: {speed: -1}\n", "f:3: traffic.speed is -1; expected 0 to", false},
	{"a speed that is infinite", least + "traffic: {speed: .inf}\n", `f:3: traffic.speed is ".inf"; expected a number`, true},
	{"half a round", least + "traffic: {rounds: 1.5}\n", `f:3: traffic.rounds is "1.5"; expected a whole number`, true},
	{"fewer than no rounds", least + "traffic: {rounds: -1}\n", "f:3: traffic.rounds is -1; expected 0 to 1000", false},
	{"a slice without its unit", least + "traffic: {slice: 5}\n", `f:3: traffic.slice is "5"; expected a duration such as 1.5s or 20ms`, true},
	{"a negative slice", least + "traffic: {slice: -1s}\n", `f:3: traffic.slice is "-1s"; expected a duration`, true},
	{"a slice too long for a clock", least + "traffic: {slice: 99999999999h}\n", `f:3: traffic.slice is "99999999999h"; expected a duration`, false},
	{"slices that take over an hour", least + "traffic:\n  rounds: 100\n  slice: 10s\n", "f:5: rounds of slices take 1h6m40s; expected at most 1h0m0s", false},
	{"no recording", least + "traffic: {recording: ''}\n", "f:3: traffic.recording is empty", false},
	{"a share over one", least + "tokens: {fuzz: 1.5}\n", `f:3: tokens.fuzz is "1.5"; expected a share such as 5% or 0.05, from 0 to 1`, true},
	{"a share over 100 %", least + "tokens: {fuzz: 150%}\n", `f:3: tokens.fuzz is "150%"; expected a share`, false},
	{"a negative share", least + "tokens: {fuzz: -5%}\n", `f:3: tokens.fuzz is "-5%"; expected a share`, true},
	{"half a second of life", least + "tokens: {lifetime: 500ms}\n", "f:3: tokens.lifetime is 500ms; expected whole seconds", false},
	{"a prefix longer than a token", least + "tokens: {prefix: 129}\n", "f:3: tokens.prefix is 129; expected 0 to 128", false},
	{"a negative suffix", least + "tokens: {suffix: -1}\n", "f:3: tokens.suffix is -1; expected 0 to 128", false},
	{"ends that are longer than a token together", least + "tokens:\n  prefix: 100\n  suffix: 101\n", "f:5: tokens.prefix and tokens.suffix are 201 together; expected at most 200", false},
	{"revocations both in bulk and fresh", least + "revocations:\n  bulk: true\n  fresh: true\n", "f:5: revocations.bulk and revocations.fresh contradict each other; expected one of them", false},
	{"children that are fresh", least + "patterns: [hybrid]\nrevocations: {children: true, fresh: true}\n", "f:4: revocations.fresh and revocations.children contradict each other", false},
	{"children of another pattern", least + "patterns: [hybrid, cache]\nrevocations: {children: true}\n", "f:4: revocations.children is for hybrid alone; expected patterns: [hybrid]", false},
	{"children that expire at once", least + "patterns: [hybrid]\nsettings: {hybrid: {minted_ttl: 1s}}\nrevocations: {children: true}\n", "f:5: revocations.children with a settings.hybrid.minted_ttl of 1s; expected 3s or more", false},
	{"no tokens to revoke", least + "revocations: {tokens: 0}\n", "f:3: revocations.tokens is 0; expected 1 to 10000", false},
	{"revocations that take over an hour", least + "revocations: {tokens: 10000, every: 1s}\n", "f:3: revocations take 11h", false},
	{"an absurd number of probes", least + "revocations: {tokens: 500, first_gap: 1ms, growth: 0, window: 1m}\n", "f:3: 360000000 probes are too many", false},
	{"a cache without a TTL", least + "settings:\n  cache:\n    ttl: 0\n", "f:5: settings.cache.ttl is 0s; expected 1ms to 1h0m0s", false},
	{"a refresh longer than the TTL", least + "settings: {cache: {ttl: 1s, refresh: 1s}}\n", "f:3: settings.cache.refresh is 1s; expected less than the ttl of 1s", false},
	{"negative retries", least + "settings: {remote: {retries: -1}}\n", "f:3: settings.remote.retries is -1; expected 0 to 10", false},
	{"a staleness that a heartbeat cannot keep", least + "settings: {registry: {staleness: 1s, heartbeat: 600ms}}\n", "f:3: settings.registry.staleness is 1s; expected 1.2s to 1h0m0s", false},
	{"a minted token of no whole second", least + "settings: {hybrid: {minted_ttl: 1500ms}}\n", "f:3: settings.hybrid.minted_ttl is 1.5s; expected whole seconds", false},
	{"a method in lower case", least + "routes: [{method: get}]\n", `f:3: routes[0].method is "get"; expected such as GET`, true},
	{"a path without its slash", least + "routes: [{path: a}]\n", `f:3: routes[0].path is "a"`, true},
	{"two scopes", least + "routes: [{scope: a b}]\n", `f:3: routes[0].scope is "a b"; expected one OAuth scope`, false},
	{"an audience with a space", least + "routes: [{audience: a b}]\n", `f:3: routes[0].audience is "a b"`, false},
	{"an unknown fail mode", least + "routes: [{fail: ajar}]\n", `f:3: routes[0].fail "ajar" is not known; expected one of closed, open, offline`, true},
	{"yes for true", least + "routes: [{sensitive: yes}]\n", `f:3: routes[0].sensitive is "yes"; expected true or false`, true},
	{"a route that is never used", least + "routes:\n  - {method: GET}\n  - {method: GET, scope: a}\n", "f:5: routes[1] is never used", false},
	{"a grace on a sensitive route", least + "routes: [{sensitive: true, grace: 1s}]\n", "f:3: routes[0].grace is on a sensitive route", false},
	{"a grace of a day", least + "routes: [{grace: 24h}]\n", "f:3: routes[0].grace is 24h0m0s; expected 0s to 1h0m0s", false},
	{"an acr with a quote", least + "routes: [{acr: 'a\"b'}]\n", `f:3: routes[0].acr is "a\"b"; expected a name without spaces and quotes`, false},
	{"an unknown link", least + "links:\n  gateway-client: 5ms\n", `f:4: links.gateway-client "gateway-client" is not known; expected one of client-gateway,`, true},
	{"a link with an unknown key", least + "links: {gateway-cdn: {p99: 5ms}}\n", `f:3: unknown key "p99"; expected one of p50, p95`, true},
	{"a delay of another kind", least + "links: {gateway-cdn: [5ms]}\n", "f:3: links.gateway-cdn is a list; expected a duration", true},
	{"a p95 below the p50", least + "links: {gateway-cdn: {p50: 5ms, p95: 4ms}}\n", "f:3: links.gateway-cdn has a p95 of 4ms and a p50 of 5ms", false},
	{"a delay of an hour", least + "links: {gateway-cdn: 1h}\n", "f:3: links.gateway-cdn is 1h0m0s; expected 0s to 1m0s", false},
	{"a gate that does not parse", least + "gates:\n  - latency.check.p95 75ms\n", `f:4: gate "latency.check.p95 75ms"`, false},
	{"a gate on an unknown metric", least + "gates:\n  - latency.chek.p95 <= 75ms\n", `f:4: gate "latency.chek.p95 <= 75ms": unknown metric`, false},
	{"a gate on a pattern that does not run", least + "patterns: [cache]\ngates: ['latency.check.p95{pattern=remote} <= 75ms']\n", `f:4: gates[0] limits pattern "remote", which does not run; expected cache`, false},
	{"a gate on a phase that the run does not have", least + "gates:\n  - requests.unavailable_rate{phase=during} == 0\n", `f:4: gates[0] limits phase "during", which the run does not have; expected one of latency, revocation`, false},
	{"a gate on a latency phase that is left out", least + "traffic: {rounds: 0}\ngates: ['latency.check.p95{phase=latency} <= 75ms']\n", `f:4: gates[0] limits phase "latency", which the run does not have; expected revocation`, false},
	{"a gate on what was before a fault that begins at once", least + "faults: [{name: link.cut, link: gateway-cdn, for: 1s}]\ngates: ['requests.unavailable_rate{phase=before} == 0']\n", `f:4: gates[0] limits phase "before", which the run does not have; expected one of latency, during, after`, false},
	{"a stop condition that does not parse", least + "abort_when:\n  - requests.unavailable_rate\n", "f:4: ", false},
	{"a stop condition on an unknown metric", least + "abort_when: ['requests.unavailble_rate > 0.5 for 5s']\n", "f:3: ", false},
	{"a cap that is negative", least + "caps: {for: -1s}\n", `f:3: caps.for is "-1s"; expected a duration`, true},
	{"a gate that is a number", least + "gates: [5]\n", `f:3: gates[0] is "5"; expected text`, true},
	{"a reference to an unknown metric", least + "references: [{pattern: cache, metric: speed, says: 4 ms}]\n", `f:3: references[0].metric "speed" is not known`, false},
	{"a reference that says nothing", least + "references: [{pattern: cache, metric: latency.response.p50}]\n", "f:3: references[0].says is missing", true},
	{"a file of 100 kB", least + "#" + strings.Repeat("x", 100<<10), "f:1: file over 64 KiB", false},
}

func TestParseTellsTheLineAndWhatWasExpected(t *testing.T) {
	for _, row := range slices.Concat(bad, badFaults, badRoles, badStimuli) {
		t.Run(row.name, func(t *testing.T) {
			_, err := Parse([]byte(row.yaml), "f")
			require.ErrorContains(t, err, row.want)
			var at *Error
			require.ErrorAs(t, err, &at)
			assert.Regexp(t, `; expected |^(gate|stop|abort_when)`, at.Msg)
			assert.NotContains(t, err.Error(), "\n", "one line")
		})
	}
}

// What the schema refuses, Parse refuses; Parse alone knows what contradicts what.
func TestSchemaAndParseAgree(t *testing.T) {
	for _, row := range slices.Concat(bad, badFaults, badRoles, badStimuli) {
		t.Run(row.name, func(t *testing.T) {
			if row.shape {
				assert.Error(t, editor(t, []byte(row.yaml)))
			} else if row.yaml != "" {
				assert.NoError(t, editor(t, []byte(row.yaml)))
			}
		})
	}
}

// FuzzParse holds that any file is either refused with its line or valid, and
// that what is valid has sane lengths.
func FuzzParse(f *testing.F) {
	f.Add(full)
	for _, row := range slices.Concat(bad, badFaults, badRoles, badStimuli) {
		if len(row.yaml) < 1000 {
			f.Add([]byte(row.yaml))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Parse(data, "f")
		if err != nil {
			require.Regexp(t, `^f:[1-9][0-9]*: (.*; expected |gate |stop |abort_when)`, err.Error())
			return
		}
		require.LessOrEqual(t, s.LatencyPhase(), maxPhase)
		require.LessOrEqual(t, s.RevocationPhase(), maxPhase)
	})
}
