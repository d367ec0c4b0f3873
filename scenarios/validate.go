package scenarios

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/tokendrill/tokendrill/fixtures/token"
)

var (
	patterns  = []string{Cache, Remote, Registry, Hybrid}
	failModes = []string{string(token.FailClosed), string(token.FailOpen), string(token.FailOffline)}
)

// How names are written; the schema for editors says the same.
var (
	nameForm   = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	methodForm = regexp.MustCompile(`^[A-Z]+$`)
	pathForm   = regexp.MustCompile(`^/[!-~]*$`)
	scopeForm  = regexp.MustCompile(`^[!#-\[\]-~]+$`) // RFC 6749 section 3.3
)

// Caps on what a run may plan.
const (
	maxRate   = 100_000 // requests per second
	maxPhase  = time.Hour
	maxProbes = 5_000_000
	maxDelay  = time.Minute
)

// mistakes are collected, and the one that comes first in the file is kept.
type mistakes struct {
	doc   *document
	first *Error
}

// err is the first mistake, or nil.
func (r *mistakes) err() error {
	if r.first == nil { // a typed nil is no nil
		return nil
	}
	return r.first
}

// must notes a mistake at path unless ok.
func (r *mistakes) must(ok bool, path, format string, args ...any) {
	if ok {
		return
	}
	if e := r.doc.mistake(path, format, args...); r.first == nil || e.Line < r.first.Line {
		r.first = e
	}
}

// choice notes a mistake unless value is one of those allowed.
func (r *mistakes) choice(value string, allowed []string, path string) {
	r.must(slices.Contains(allowed, value), path, "%s %s is not known; expected %s", path, quote(value), oneOf(allowed))
}

// named notes a mistake unless name is one.
func (r *mistakes) named(name, path string) {
	r.must(nameForm.MatchString(name) && len(name) <= 60, path, `%s is %s; expected lower-case words joined by "-"`, path, quote(name))
}

// reviewer notes mistakes.
type reviewer interface {
	must(ok bool, path, format string, args ...any)
}

// between notes a mistake unless lo <= value <= hi.
func between[T int | Rate | float64 | time.Duration](r reviewer, value, lo, hi T, path string) {
	r.must(value >= lo && value <= hi, path, "%s is %v; expected %v to %v", path, value, lo, hi)
}

// wholeSeconds notes a mistake unless d can stand in expires_in or max-age.
func (r *review) wholeSeconds(d, hi time.Duration, path string) {
	r.must(d >= time.Second && d <= hi && d%time.Second == 0, path, "%s is %v; expected whole seconds, 1s to %v", path, d, hi)
}

// Validate checks a scenario that was changed after Parse. The *Error names the
// scenario in the place of a file, and no line.
func (s *Scenario) Validate() error { return validate(s, &document{file: s.Name}) }

// review is of a scenario.
type review struct {
	*Scenario
	mistakes
}

// validate returns the first mistake of a complete scenario, or nil.
func validate(s *Scenario, doc *document) error {
	r := &review{Scenario: s, mistakes: mistakes{doc: doc}}
	r.names()
	r.traffic()
	r.revocations()
	r.settings()
	r.routes()
	for name, d := range s.Links {
		r.choice(name, links, "links."+name)
		r.ourHop(name, "links."+name)
		r.delay(d, "links."+name)
	}
	r.roles()
	r.faults()
	r.stimuli()
	r.limits()
	return r.err()
}

func (r *review) names() {
	r.named(r.Name, "name")
	r.must(r.About != "", "about", "about is missing; expected a sentence on what the scenario shows")
	for i, p := range r.Patterns {
		path := fmt.Sprintf("patterns[%d]", i)
		r.choice(p, patterns, path)
		r.must(!slices.Contains(r.Patterns[:i], p), path, "%s %s stands twice; expected each pattern once", path, quote(p))
	}
}

func (r *review) traffic() {
	t := r.Traffic
	r.must(t.Recording != "", "traffic.recording", `traffic.recording is empty; expected "sample" or the path of a recording`)
	between(r, t.Rate, 0, maxRate, "traffic.rate")
	between(r, t.Speed, 0, 1_000_000, "traffic.speed")
	r.must(t.Rate == 0 || t.Speed == 0, "traffic.speed", "traffic.rate and traffic.speed contradict each other; expected one of them")
	between(r, t.Rounds, 0, 1000, "traffic.rounds")
	between(r, t.Slice, 10*time.Millisecond, maxPhase, "traffic.slice")
	if r.first == nil {
		r.must(r.LatencyPhase() <= maxPhase, "traffic.slice", "rounds of slices take %v; expected at most %v", r.LatencyPhase(), maxPhase)
	}
	r.tokens()
}

// The most characters that opaque tokens may have in common, at one end and at both.
const (
	maxEnd   = 128
	maxAlike = 200
)

func (r *review) tokens() {
	t := r.Tokens
	r.wholeSeconds(t.Lifetime, 24*time.Hour, "tokens.lifetime")
	between(r, t.Prefix, 0, maxEnd, "tokens.prefix")
	between(r, t.Suffix, 0, maxEnd, "tokens.suffix")
	r.must(t.Prefix+t.Suffix <= maxAlike, "tokens.suffix", "tokens.prefix and tokens.suffix are %d together; expected at most %d", t.Prefix+t.Suffix, maxAlike)
}

func (r *review) revocations() {
	v := r.Revoke
	between(r, v.Tokens, 1, 10_000, "revocations.tokens")
	between(r, v.Every, time.Millisecond, time.Minute, "revocations.every")
	between(r, v.FirstGap, time.Millisecond, time.Minute, "revocations.first_gap")
	between(r, v.Window, 0, maxPhase, "revocations.window")
	between(r, v.Rate, 0, maxRate, "revocations.rate")
	r.kinds()
	if r.first == nil {
		r.must(r.RevocationPhase() <= maxPhase, "revocations.tokens", "revocations take %v; expected at most %v", r.RevocationPhase(), maxPhase)
		r.must(r.probes() <= maxProbes, "revocations.first_gap", "%.0f probes are too many; expected at most %d: raise first_gap or growth", r.probes(), maxProbes)
	}
}

// minChildTTL is the least life of a child whose revocation can be told from its
// expiry, which is known to a second.
const minChildTTL = 3 * time.Second

// kinds checks the special kinds of revocation.
func (r *review) kinds() {
	v, ttl := r.Revoke, r.Settings.Hybrid.MintedTTL
	r.must(!v.Bulk || !v.Fresh, "revocations.fresh", "revocations.bulk and revocations.fresh contradict each other; expected one of them")
	r.must(!v.Fresh || !v.Children, "revocations.children", "revocations.fresh and revocations.children contradict each other; expected one of them")
	if v.Children {
		r.must(slices.Equal(r.Patterns, []string{Hybrid}), "revocations.children", "revocations.children is for %s alone; expected patterns: [%s]", Hybrid, Hybrid)
		r.must(ttl >= minChildTTL, "revocations.children", "revocations.children with a settings.hybrid.minted_ttl of %v; expected %v or more, so that a revocation can be told from exp", ttl, minChildTTL)
	}
}

func (r *review) settings() {
	c, m, g, h := r.Settings.Cache, r.Settings.Remote, r.Settings.Registry, r.Settings.Hybrid
	const ms, top = time.Millisecond, maxPhase
	between(r, c.TTL, ms, top, "settings.cache.ttl")
	between(r, c.NegativeTTL, 0, top, "settings.cache.negative_ttl")
	between(r, c.Timeout, ms, top, "settings.cache.timeout")
	r.must(c.Refresh < c.TTL, "settings.cache.refresh", "settings.cache.refresh is %v; expected less than the ttl of %v", c.Refresh, c.TTL)
	between(r, m.Timeout, ms, top, "settings.remote.timeout")
	between(r, m.Retries, 0, 10, "settings.remote.retries")
	between(r, m.BreakerFailures, 1, 1000, "settings.remote.breaker_failures")
	between(r, m.BreakerDelay, ms, top, "settings.remote.breaker_delay")
	between(r, g.Heartbeat, ms, top, "settings.registry.heartbeat")
	between(r, g.Staleness, 2*g.Heartbeat, top, "settings.registry.staleness")
	r.wholeSeconds(h.MintedTTL, top, "settings.hybrid.minted_ttl")
	r.wholeSeconds(h.BundleMaxAge, 24*time.Hour, "settings.hybrid.bundle_max_age")
	between(r, h.Timeout, ms, top, "settings.hybrid.timeout")
}

func (r *review) routes() {
	for i, t := range r.Routes {
		path := fmt.Sprintf("routes[%d]", i)
		r.must(t.Method == "" || methodForm.MatchString(t.Method), path+".method", "%s.method is %s; expected such as GET", path, quote(t.Method))
		r.must(t.Path == "" || pathForm.MatchString(t.Path), path+".path", `%s.path is %s; expected such as "/orders" or "/orders/*"`, path, quote(t.Path))
		r.must(t.Scope == "" || scopeForm.MatchString(t.Scope), path+".scope", "%s.scope is %s; expected one OAuth scope", path, quote(t.Scope))
		r.must(!strings.ContainsFunc(t.Audience, func(c rune) bool { return c <= ' ' || c > '~' }), path+".audience", "%s.audience is %s; expected a name without spaces", path, quote(t.Audience))
		if t.Fail != "" {
			r.choice(string(t.Fail), failModes, path+".fail")
		}
		between(r, t.Grace, 0, maxPhase, path+".grace")
		r.must(t.Grace == 0 || !t.Sensitive, path+".grace", "%s.grace is on a sensitive route, which has no fallbacks; expected one of the two", path)
		r.must(t.ACR == "" || scopeForm.MatchString(t.ACR), path+".acr", "%s.acr is %s; expected a name without spaces and quotes", path, quote(t.ACR))
		for _, before := range r.Routes[:i] {
			r.must(before.Method != t.Method || before.Path != t.Path, path, "%s is never used, one before has the same method and path; expected each pair once", path)
		}
	}
}

func (r *review) delay(d Delay, path string) {
	between(r, d.P50, 0, maxDelay, path)
	r.must(d.P95 == 0 || d.P50 > 0 && d.P95 >= d.P50, path, "%s has a p95 of %v and a p50 of %v; expected p95 to be the larger", path, d.P95, d.P50)
	between(r, d.P95, 0, maxDelay, path)
}
