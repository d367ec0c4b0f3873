package external

import (
	"context"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/tokendrill/tokendrill/fixtures/token"
	"github.com/tokendrill/tokendrill/harness"
)

// issue asks for tokens; how that went is told later.
func (e *examiner) issue(ctx context.Context, n int) {
	t := e.Target.Authority
	grant := harness.Grant{Format: token.Format(t.TokenType), Scope: strings.Fields(t.Scope)}
	for range n {
		e.notIssued = e.call(ctx, func(ctx context.Context) error {
			issued, err := e.authority.Issue(ctx, grant)
			if err == nil {
				e.tokens, e.secret = append(e.tokens, issued), append(e.secret, issued.Token)
			}
			return err
		})
		if e.notIssued != nil {
			return
		}
	}
}

// issuance says how the tokens came.
func (e *examiner) issuance(ctx context.Context) {
	if e.notIssued != nil {
		e.say(ctx, noAuthority("token", "none is issued: ", e.notIssued, e.timeout))
		return
	}
	says := "issued, " + e.Target.Authority.TokenType
	if life := e.tokens[0].ExpiresIn; life > 0 {
		says += fmt.Sprintf(", expires in %v", life)
	}
	e.say(ctx, Finding{What: "token", State: Works, Says: says})
}

// noAuthority is the finding of an error of the authority, which says itself what it
// expects if it can.
func noAuthority(what, says string, err error, timeout time.Duration) Finding {
	text, expected, ok := strings.Cut(err.Error(), "; expected ")
	if ok {
		return Finding{What: what, State: Fails, Says: says + text, Fix: "expected " + expected}
	}
	_, fix := trouble(err, timeout)
	fix = strings.ReplaceAll(fix, "correct url or connect", "correct its URL in authority")
	return Finding{What: what, State: Fails, Says: says + text, Fix: fix}
}

// noToken is what a finding about requests without a token looks at.
const noToken = "no token"

// unauthenticated says whether requests without a token are refused.
func (e *examiner) unauthenticated(ctx context.Context) {
	e.refused(ctx, noToken, "a request without a token", e.bare, func(a answer) (says, fix string) {
		return fmt.Sprintf("accepts a request without a token (%d): it accepts everything, or %s %s is not protected",
			a.StatusCode, e.Target.Probe.Method, e.Target.Probe.Path), "probe a path that asks for a token"
	})
}

// canary sends a token that was never issued, and says whether it is refused.
func (e *examiner) canary(ctx context.Context) {
	model := strings.Repeat("x", 43) // 256 bits, if there is none to look like
	if len(e.tokens) > 0 {
		model = e.tokens[0].Token
	}
	raw := harness.Lookalike(model, token.Format(e.Target.Authority.TokenType))
	e.secret = append(e.secret, raw)
	answers := e.ask(ctx, e.reached, e.Target.Probe.Path, raw)
	e.refused(ctx, "canary", "a token that was never issued", answers, func(a answer) (says, fix string) {
		return fmt.Sprintf("accepts a token that was never issued (%d): it does not check tokens", a.StatusCode),
			"probe a path whose tokens are checked, or have them checked"
	})
}

// refused says whether a request was refused at every gateway; accepted puts into
// words that it was not.
func (e *examiner) refused(ctx context.Context, what, request string, answers []answer, accepted func(answer) (says, fix string)) {
	e.judge(ctx, what, "refused", answers, func(a answer) *Finding {
		f := &Finding{State: Fails}
		login, fix := loginPage(a)
		switch {
		case a.err == nil && a.outcome.Verdict == token.Reject:
			return nil
		case a.err == nil && a.outcome.Verdict == token.Accept && login == "":
			f.Says, f.Fix = accepted(a)
			return f
		case login == "":
			login, fix = e.undecided(a)
		}
		if what == noToken && a.outcome.Verdict != token.Accept {
			f.State = Doubt // it is tokens that a run sends
		}
		f.Says, f.Fix = fmt.Sprintf("answers %s with %s", request, login), fix
		return f
	})
}

// acceptance says whether the tokens are accepted at every gateway.
func (e *examiner) acceptance(ctx context.Context) {
	if e.notIssued != nil {
		return
	}
	for _, issued := range e.tokens {
		for g, a := range e.ask(ctx, e.reached, e.Target.Probe.Path, issued.Token) {
			if e.taken == nil {
				e.taken = make([]answer, len(e.reached))
			}
			if e.taken[g].err == nil && (e.taken[g].Response == nil || accepts(e.taken[g])) { // the first that is not
				e.taken[g] = a
			}
		}
	}
	for g, a := range e.taken {
		e.accepted[g] = accepts(a)
	}
	e.judge(ctx, "accepted", "a token just issued is accepted", e.taken, e.notTaken)
}

func accepts(a answer) bool {
	return a.Response != nil && a.err == nil && a.outcome.Verdict == token.Accept
}

// notTaken says why a good token was not accepted, or nil if it was.
func (e *examiner) notTaken(a answer) *Finding {
	f := &Finding{State: Fails}
	switch code, scope := challenge(a); {
	case accepts(a):
		return nil
	case a.err != nil || a.outcome.Verdict != token.Reject:
		f.Says, f.Fix = e.undecided(a)
		f.Says = "answers a token just issued with " + f.Says
	case code == string(token.InsufficientScope) && scope != "":
		f.Says = fmt.Sprintf("refuses a token just issued (%d insufficient_scope)", a.StatusCode)
		f.Fix = fmt.Sprintf("add %q to authority.scope", scope)
	case code == string(token.InsufficientScope) || a.StatusCode == http.StatusForbidden:
		f.Says = fmt.Sprintf("refuses a token just issued (%s)", strings.TrimSpace(fmt.Sprint(a.StatusCode, " ", code)))
		f.Fix = fmt.Sprintf("add what %s asks for to authority.scope or authority.parameters", e.Target.Probe.Path)
	default:
		f.Says = fmt.Sprintf("refuses everything, a token just issued too (%s)", strings.TrimSpace(fmt.Sprint(a.StatusCode, " ", code)))
		f.Fix = "see that it takes tokens of this authority: its issuer and audience, and the credentials that it introspects with"
	}
	return f
}

// judge tells what is bad at each gateway that was asked, or in one finding that
// none is.
func (e *examiner) judge(ctx context.Context, what, works string, answers []answer, bad func(answer) *Finding) {
	asked, good := make([]bool, len(answers)), map[string][]string{}
	var order []string
	for g, a := range answers {
		if asked[g] = e.reached[g] && (a.Response != nil || a.err != nil); !asked[g] {
			continue
		}
		name := e.Target.Gateways[g].Name
		if f := bad(a); f != nil {
			f.What, f.Says = what, name+" "+f.Says
			e.say(ctx, *f)
			continue
		}
		status := fmt.Sprint(a.StatusCode)
		if good[status] == nil {
			order = append(order, status)
		}
		good[status] = append(good[status], name)
	}
	for i, status := range order {
		order[i] = fmt.Sprintf("%s at %s", status, strings.Join(good[status], ", "))
	}
	if len(order) > 0 {
		e.say(ctx, Finding{What: what, State: Works, Says: works + ": " + strings.Join(order, "; ")})
	}
}

// undecided says what an answer is that no rule of the verdict takes, and what to change.
func (e *examiner) undecided(a answer) (says, fix string) {
	if a.err != nil {
		return e.unreachable(a)
	}
	if says, fix = loginPage(a); says != "" {
		return says, fix
	}
	says = fmt.Sprint(a.StatusCode)
	switch code := a.StatusCode; {
	case code >= 300 && code < 400:
		return says + " to " + location(a), "write in url and probe.path where it redirects to"
	case code == http.StatusTooManyRequests:
		return says + ": too many requests", "lower limits.rate, or raise the limit of the gateway"
	case code >= 500:
		return says + ": an outage, no decision", "see the log of the gateway: it, its authority or what is behind it is down"
	case code == http.StatusNotFound:
		return says + ", which no rule of verdict takes", "probe a path that exists, or add 404 to verdict.accept"
	}
	return says + ", which no rule of verdict takes", fmt.Sprintf("add %d to verdict.accept or verdict.reject", a.StatusCode)
}

// loginWords are how the path of a login page is known.
var loginWords = regexp.MustCompile(`(?i)log-?_?in|log-?_?on|sign-?_?in|auth|sso|saml|session`)

// loginPage says that an answer is one, with the rule that takes it; empty if it is not.
func loginPage(a answer) (says, fix string) {
	if a.err != nil || a.Response == nil {
		return "", ""
	}
	media, _, _ := mime.ParseMediaType(a.Header.Get("Content-Type"))
	switch to := location(a); {
	case a.StatusCode >= 200 && a.StatusCode < 300 && media == "text/html":
		return fmt.Sprintf("%d and a page of HTML: a login page", a.StatusCode),
			fmt.Sprintf("add {status: %d, content_type: text/html} to verdict.reject, or probe a path of the API", a.StatusCode)
	case a.StatusCode >= 300 && a.StatusCode < 400 && loginWords.MatchString(to):
		return fmt.Sprintf("%d to %s: a login page", a.StatusCode, to),
			fmt.Sprintf("add {status: %d, header: {Location: %q}} to verdict.reject", a.StatusCode, regexp.QuoteMeta(to))
	}
	return "", ""
}

// maxTold is the longest text of a server's that is told. A longer one is not cut: a
// part of a token would not be known as one.
const maxTold = 200

// location is where an answer redirects to, without its query.
func location(a answer) string {
	u, err := url.Parse(a.Header.Get("Location"))
	if err != nil {
		return "nowhere"
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	if to := u.String(); len(to) <= maxTold {
		return to
	}
	return "somewhere"
}

// challengeParam is a parameter of a challenge (RFC 6750 section 3).
var challengeParam = regexp.MustCompile(`(?i)\b(error|scope)\s*=\s*"?([^",]*)`)

// challenge is the error code of an answer, and the scope that it asks for.
func challenge(a answer) (code, scope string) {
	if a.Response == nil {
		return "", ""
	}
	for _, line := range a.Header["Www-Authenticate"] {
		for _, m := range challengeParam.FindAllStringSubmatch(line, -1) {
			switch value := strings.TrimSpace(m[2]); {
			case len(value) > maxTold:
			case strings.EqualFold(m[1], "error"):
				code = value
			default:
				scope = value
			}
		}
	}
	return code, scope
}
