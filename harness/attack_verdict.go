package harness

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tokendrill/tokendrill/fixtures/token"
)

const (
	// causeHeader names the fallback that gave a decision, such as "fail_open".
	causeHeader = "Tokendrill-Cause"
	// maxCause is the longest cause taken.
	maxCause = 64
)

// answerOutcome says what an answer means for the token.
//
//   - 401 and 403 refuse the token; the reason is the error code of RFC 6750
//     section 3.1 in WWW-Authenticate.
//   - 2xx, 3xx and the 4xx that speak of the resource, such as 404, come from
//     behind the gateway: the token was accepted.
//   - All else decides nothing about the token: 429 and 5xx are an outage, and
//     400, 408, 413, 414, 421 or 431 may come from any server on the way,
//     before it looked at a token.
func answerOutcome(status int, h http.Header) token.Outcome {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return token.Outcome{Verdict: token.Reject, Reason: answerReason(h["Www-Authenticate"])}
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotAcceptable,
		http.StatusConflict, http.StatusGone, http.StatusPreconditionFailed,
		http.StatusUnsupportedMediaType, http.StatusRequestedRangeNotSatisfiable,
		http.StatusUnprocessableEntity, http.StatusPreconditionRequired:
		return token.Outcome{Verdict: token.Accept}
	}
	if status >= 200 && status < 400 {
		return token.Outcome{Verdict: token.Accept}
	}
	return token.Outcome{Verdict: token.Unavailable}
}

// answerReason is the error code of the first challenge that has one. Several
// challenges may share a line (RFC 9110 section 11.6.1), whatever their scheme.
func answerReason(lines []string) token.Reason {
	for part := range fieldParts(lines, ',') {
		key, value, _ := strings.Cut(part, "=")
		key = strings.TrimSpace(key)
		if i := strings.LastIndexAny(key, " \t"); i >= 0 { // "Bearer error"
			key = key[i+1:]
		}
		if !strings.EqualFold(key, "error") {
			continue
		}
		switch reason := token.Reason(fieldValue(value)); reason {
		case token.InvalidToken, token.InsufficientScope, token.InsufficientAuthentication:
			return reason
		}
		return token.OtherReason
	}
	return token.OtherReason
}

// answerCheck is the duration of the first Server-Timing metric named "token",
// in milliseconds there; negative if none was told, or one that is no time.
func answerCheck(h http.Header) time.Duration {
	for metric := range fieldParts(h["Server-Timing"], ',') {
		name, params, _ := cutField(metric, ';')
		if !strings.EqualFold(strings.TrimSpace(name), "token") {
			continue
		}
		dur, _ := fieldParam(params, "dur")
		ms, err := strconv.ParseFloat(dur, 64)
		if err != nil || !(ms >= 0 && ms < 1e9) { // a NaN is neither
			return -1
		}
		return time.Duration(ms * float64(time.Millisecond))
	}
	return -1
}

// answerCache is "hit", "miss" or empty: the result of the cache named "token"
// in Cache-Status, or else of the last one that tells: caches are listed from the
// origin to the caller (RFC 9211 section 2), and the last is the gateway's own.
func answerCache(h http.Header) (result string) {
	for member := range fieldParts(h["Cache-Status"], ',') {
		name, params, _ := cutField(member, ';')
		if strings.EqualFold(fieldValue(name), "token") {
			return cacheResult(params)
		}
		if told := cacheResult(params); told != "" {
			result = told
		}
	}
	return result
}

// cacheResult reads one member's parameters: a request that was forwarded was
// not a hit (RFC 9211 section 2.2).
func cacheResult(params string) string {
	if _, ok := fieldParam(params, "fwd"); ok {
		return "miss"
	}
	if hit, ok := fieldParam(params, "hit"); ok && hit != "?0" {
		return "hit"
	}
	return ""
}

// answerCause is the fallback that the gateway names, in its own words; a long
// or an odd one is not taken.
func answerCause(h http.Header) string {
	cause := h.Get(causeHeader)
	odd := func(r rune) bool { return (r < 'a' || r > 'z') && r != '_' && r != '-' }
	if len(cause) > maxCause || strings.ContainsFunc(cause, odd) {
		return ""
	}
	return cause
}

// maxReplica is the longest name of a replica that is kept.
const maxReplica = 64

// answerReplica is a replica's name, fit to be printed.
func answerReplica(told string) string {
	told = strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return -1
		}
		return r
	}, told)
	return told[:min(len(told), maxReplica)]
}
