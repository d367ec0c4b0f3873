package chaos

import (
	"net/http"
	"time"
)

func httpLimit() Spec {
	return Spec{
		Name: "http.limit", Place: OnLink, Links: httpLinks(),
		Does: "Answers requests with 429 and a Retry-After in place of the peer (RFC 6585 section 4).",
		Params: []Param{
			{Name: "retry_after", Unit: UnitDuration, Min: 1, Max: 3600, Default: "1s", Doc: "what the answer asks for, in whole seconds, rounded up"},
			paramShare("requests"), paramPath("every path"),
		},
		Met: "requests answered in place of the peer", Clear: "requests that the peer answered",
		Models: "An authority that limits its callers, or a quota that is used up.",
		Source: "oathkeeper 12cc3daf: a 429 became a 401 for the caller, and everybody logged in again",
		New: func(p Params) Fault {
			after := p.RetryAfter
			if after == 0 {
				after = time.Second
			}
			return status{scope: p.scope(), code: http.StatusTooManyRequests, retryAfter: after}
		},
	}
}
