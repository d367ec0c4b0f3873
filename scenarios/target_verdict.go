package scenarios

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tokendrill/tokendrill/fixtures/token"
)

// JudgedBody is how much of the body of an answer rules get to see, in bytes.
const JudgedBody = 64 << 10

// maxExpression is the longest regular expression of a rule.
const maxExpression = 1000

var mediaForm = regexp.MustCompile(`^[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+$`) // RFC 6838 section 4.2

// Outcome says what an answer means for the token; of body the first JudgedBody bytes
// count. A reject is an invalid_token unless the answer says insufficient_scope or
// insufficient_user_authentication. It takes time in proportion to the answer, and is
// safe for concurrent use.
func (v Verdict) Outcome(status int, h http.Header, body []byte) token.Outcome {
	body = body[:min(len(body), JudgedBody)]
	match := func(r Rule) bool { return r.matches(status, h, body) }
	switch {
	case slices.ContainsFunc(v.Reject, match):
		return token.Outcome{Verdict: token.Reject, Reason: challenge(h["Www-Authenticate"])}
	case slices.ContainsFunc(v.Accept, match):
		return token.Outcome{Verdict: token.Accept}
	}
	return token.Outcome{Verdict: token.Unavailable}
}

func (r Rule) matches(status int, h http.Header, body []byte) bool {
	if !r.Status.has(status) {
		return false
	}
	for name, expr := range r.headers {
		if !slices.ContainsFunc(h.Values(name), expr.MatchString) {
			return false
		}
	}
	if r.ContentType != "" {
		media, _, _ := strings.Cut(h.Get("Content-Type"), ";")
		if !strings.EqualFold(strings.TrimSpace(media), r.ContentType) {
			return false
		}
	}
	return r.body == nil || r.body.Match(body)
}

// has says whether the range has that status in it.
func (s StatusRange) has(status int) bool {
	if class, isClass := strings.CutSuffix(string(s), "xx"); isClass {
		return strconv.Itoa(status/100) == class
	}
	return s == "" || strconv.Itoa(status) == string(s)
}

// challenge is why a token is refused: the error code of the first challenge that
// has one (RFC 6750 section 3). Several may share a line (RFC 9110 section 11.6.1).
func challenge(lines []string) token.Reason {
	for _, line := range lines {
		for line != "" {
			var param string
			param, line = cutParam(line)
			name, value, _ := strings.Cut(param, "=")
			name = strings.TrimRight(name, " \t")
			if i := strings.LastIndexAny(name, " \t"); !strings.EqualFold(name[i+1:], "error") { // "Bearer error"
				continue
			}
			switch reason := token.Reason(strings.Trim(value, " \t\"")); reason {
			case token.InsufficientScope, token.InsufficientAuthentication:
				return reason
			}
			return token.InvalidToken
		}
	}
	return token.InvalidToken
}

// cutParam cuts a list at its first comma outside of quotes.
func cutParam(list string) (first, rest string) {
	quoted := false
	for i := 0; i < len(list); i++ {
		switch c := list[i]; {
		case c == '"':
			quoted = !quoted
		case c == '\\' && quoted:
			i++
		case c == ',' && !quoted:
			return list[:i], list[i+1:]
		}
	}
	return list, ""
}

// rules checks and compiles rules.
func (r *targetReview) rules(rules []Rule, path string) {
	r.must(len(rules) > 0, path, "%s is empty; expected a rule such as 401 or 2xx", path)
	for i := range rules {
		rule, at := &rules[i], fmt.Sprintf("%s[%d]", path, i)
		r.must(rule.Status != "" || len(rule.Header) > 0 || rule.ContentType != "" || rule.Body != "", at, "%s matches every answer; expected status, header, content_type or body", at)
		r.must(rule.ContentType == "" || mediaForm.MatchString(rule.ContentType), at+".content_type", "%s.content_type is %s; expected a media type such as text/html", at, quote(rule.ContentType))
		rule.headers = make(map[string]*regexp.Regexp, len(rule.Header))
		for _, name := range slices.Sorted(maps.Keys(rule.Header)) {
			r.must(headerForm.MatchString(name), at+".header", "%s.header has %s; expected the name of a header", at, quote(name))
			rule.headers[name] = r.expression(rule.Header[name], at+".header."+name)
		}
		if rule.Body != "" {
			rule.body = r.expression(rule.Body, at+".body")
		}
	}
}

// expression compiles a regular expression.
func (r *targetReview) expression(text, path string) *regexp.Regexp {
	expr, err := regexp.Compile(text)
	r.must(err == nil && len(text) <= maxExpression, path, "%s is %s; expected a regular expression (RE2) of at most %d characters", path, quote(text), maxExpression)
	return expr
}

// unreached notes a rule of accept that only says what one of reject has said.
func (r *targetReview) unreached() {
	for i, a := range r.Verdict.Accept {
		for _, b := range r.Verdict.Reject {
			path := fmt.Sprintf("verdict.accept[%d]", i)
			r.must(!b.onlyStatus() || a.Status == "" || !b.Status.covers(a.Status), path, "%s is never looked at, since verdict.reject has %s; expected it in one of them", path, b.Status)
		}
	}
}

func (r Rule) onlyStatus() bool { return len(r.Header) == 0 && r.ContentType == "" && r.Body == "" }

// covers says whether every status of b is in s.
func (s StatusRange) covers(b StatusRange) bool {
	return s == b || strings.HasSuffix(string(s), "xx") && b != "" && b[0] == s[0]
}
