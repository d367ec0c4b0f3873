package scenarios

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tokendrill/tokendrill/chaos"
)

// How names are written in a target; the schema for editors says the same.
var (
	headerForm = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$") // RFC 9110 section 5.1
	faultForm  = regexp.MustCompile(`^[a-z0-9]+([.-][a-z0-9]+)*$`)
)

// probeMethods are what a probe can ask with.
var probeMethods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions,
}

// Caps on what a target may ask for. A bound is measured in over three times itself,
// and a run lasts an hour at most. Fewer tokens do not make one revocation with its
// control, traffic and a look beforehand.
const (
	minBound    = 10 * time.Millisecond
	maxBound    = 15 * time.Minute
	maxGateways = 16
	minTokens   = 8
)

// targetReview is of a target.
type targetReview struct {
	*Target
	mistakes
}

// validateTarget returns the first mistake of a target, or nil. It compiles the
// rules of the verdict.
func validateTarget(t *Target, doc *document) error {
	r := &targetReview{Target: t, mistakes: mistakes{doc: doc}}
	r.named(r.Name, "name")
	r.must(!slices.Contains(patterns, r.Name), "name", "name is %s, which is a reference pattern; expected another name", quote(r.Name))
	r.must(r.doc.lines["bound"] != 0, "bound", "bound is missing; expected how long a revoked token may live by design, such as 10s")
	between(r, r.Bound, minBound, maxBound, "bound")
	r.gateways()
	r.connection()
	r.authority()
	r.probe()
	r.rules(r.Verdict.Accept, "verdict.accept")
	r.rules(r.Verdict.Reject, "verdict.reject")
	r.unreached()
	for i, f := range r.Faults {
		r.fault(f, r.Faults[:i], fmt.Sprintf("faults[%d]", i))
	}
	r.limits()
	return r.err()
}

func (r *targetReview) gateways() {
	n := len(r.Gateways)
	r.must(n >= 1 && n <= maxGateways, "gateways", "gateways are %d; expected 1 to %d, each with name and url", n, maxGateways)
	for i, g := range r.Gateways {
		path := fmt.Sprintf("gateways[%d]", i)
		r.named(g.Name, path+".name")
		r.must(!slices.ContainsFunc(r.Gateways[:i], func(b TargetGateway) bool { return b.Name == g.Name }),
			path+".name", "%s.name %s stands twice; expected a name for each", path, quote(g.Name))
		r.must(g.URL != "", path+".url", `%s.url is missing; expected such as "https://api.example.com"`, path)
		r.url(g.URL, path+".url")
		_, query, _ := strings.Cut(g.URL, "?")
		r.must(query == "", path+".url", "%s.url has a query; expected it in probe.path", path)
		r.must(g.Connect == "" || isHostPort(g.Connect), path+".connect", `%s.connect is %s; expected a host and a port such as "10.0.0.7:443"`, path, quote(g.Connect))
		r.must(g.ReplicaHeader == "" || headerForm.MatchString(g.ReplicaHeader), path+".replica_header",
			"%s.replica_header is %s; expected the name of a header such as X-Served-By", path, quote(g.ReplicaHeader))
	}
}

// url notes a mistake unless text is empty or the URL of a server. It does not show
// the URL, which may hold what it should not.
func (r *targetReview) url(text, path string) {
	if text == "" {
		return
	}
	u, err := url.Parse(text)
	const example = `"https://api.example.com"`
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || strings.Contains(text, " ") || u.Port() != "" && !isPort(u.Port()):
		r.must(false, path, "%s is no URL of a server; expected such as %s", path, example)
	case u.User != nil:
		r.must(false, path, "%s has a user or a password in it; expected such as %s", path, example)
	case strings.Contains(text, "#"):
		r.must(false, path, "%s has a fragment; expected such as %s", path, example)
	}
	r.noSecret(text, path)
}

func isPort(text string) bool {
	n, err := strconv.Atoi(text)
	return err == nil && n > 0 && n < 1<<16
}

func isHostPort(text string) bool {
	host, port, err := net.SplitHostPort(text)
	return err == nil && host != "" && isPort(port)
}

func (r *targetReview) connection() {
	c := r.Connection
	r.must(c.KeyFile == "" || c.CertFile != "", "connection.key_file", "connection.key_file stands alone; expected cert_file with it")
	r.must(c.CertFile == "" || c.KeyFile != "", "connection.cert_file", "connection.cert_file stands alone; expected key_file with it")
	r.must(!c.Insecure || r.overTLS(), "connection.insecure", "connection.insecure is set, but nothing is reached over TLS; expected an https URL, or no insecure")
	r.must(!c.HTTP2 || r.overTLS(), "connection.http2", "connection.http2 is set, but nothing is reached over TLS; expected an https URL, or no http2")
	between(r, c.Timeout, 10*time.Millisecond, time.Minute, "connection.timeout")
}

// overTLS says whether anything of the target has an https URL.
func (r *targetReview) overTLS() bool {
	a := r.Authority
	urls := []string{a.Issuer, a.TokenEndpoint, a.IntrospectionEndpoint, a.RevocationEndpoint, a.JWKSURI}
	for _, g := range r.Gateways {
		urls = append(urls, g.URL)
	}
	for _, c := range []*chaos.Call{a.Issue.HTTP, a.Revoke.HTTP} {
		if c != nil {
			urls = append(urls, c.URL)
		}
	}
	return slices.ContainsFunc(urls, func(u string) bool { return strings.HasPrefix(u, "https:") || strings.HasPrefix(u, "${") })
}

func (r *targetReview) probe() {
	p := r.Probe
	r.choice(p.Method, probeMethods, "probe.method")
	r.must(p.Path != "", "probe.path", `probe.path is missing; expected a path that asks for a token, such as "/protected"`)
	r.path(p.Path, "probe.path")
	r.path(p.Control, "probe.control")
	r.must(p.Control == "" || p.Control != p.Path, "probe.control", "probe.control is probe.path; expected a path that asks for no token")
}

// path notes a mistake unless text is empty or can follow the URL of a gateway.
func (r *targetReview) path(text, path string) {
	r.must(text == "" || pathForm.MatchString(text) && !strings.Contains(text, "#"), path, `%s is %s; expected such as "/protected"`, path, quote(text))
	r.noSecret(text, path)
}

// fault checks a fault by itself and against those before.
func (r *targetReview) fault(f TargetFault, before []TargetFault, path string) {
	r.must(faultForm.MatchString(f.Name) && len(f.Name) <= 60, path+".name", `%s.name is %s; expected lower-case words joined by "." or "-", such as authority.outage`, path, quote(f.Name))
	_, ours := chaos.Find(f.Name)
	r.must(!ours, path+".name", "%s.name %s is a fault of the catalogue; expected a name of your own, such as authority.outage", path, quote(f.Name))
	r.must(!slices.ContainsFunc(before, func(b TargetFault) bool { return b.Name == f.Name }), path+".name", "%s.name %s stands twice; expected a name for each", path, quote(f.Name))
	commands, calls := len(f.Inject)+len(f.Heal) > 0, f.InjectCall != nil || f.HealCall != nil
	const expected = "expected inject with heal, or inject_call with heal_call"
	switch {
	case commands && calls:
		r.must(false, path, "%s has both commands and calls; %s", path, expected)
	case commands:
		r.must(len(f.Inject) > 0 && len(f.Heal) > 0, path, "%s has only one of inject and heal; %s", path, expected)
	case calls:
		r.must(f.InjectCall != nil && f.HealCall != nil, path, "%s has only one of inject_call and heal_call; %s", path, expected)
	default:
		r.must(false, path, "%s breaks nothing; %s", path, expected)
	}
	r.command(f.Inject, path+".inject")
	r.command(f.Heal, path+".heal")
	r.call(f.InjectCall, path+".inject_call")
	r.call(f.HealCall, path+".heal_call")
}

func (r *targetReview) limits() {
	l := r.Limits
	between(r, l.Rate, 1, maxRate, "limits.rate")
	between(r, l.Tokens, minTokens, 10_000, "limits.tokens")
	between(r, l.Duration, time.Second, maxPhase, "limits.duration")
	one := Scenario{Targets: []*Target{r.Target}, Revoke: Revoke{Tokens: 1}}
	if least := one.RevocationPhase().Truncate(time.Second) + time.Second; r.first == nil {
		r.must(l.Duration >= least, "limits.duration", "limits.duration is %v, too short to see one revocation with a bound of %v; expected %v or more", l.Duration, r.Bound, least)
	}
}
