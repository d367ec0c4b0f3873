package chaos

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// maxAge inflates lifetimes.
type maxAge struct {
	scope
	life time.Duration
}

func answerMaxAge() Spec {
	return Spec{
		Name: "answer.max-age", Place: OnLink, Links: []string{"gateway-cdn", "cdn-authority"},
		Does: "Gives public documents a Cache-Control with a longer max-age, as if they were fresh.",
		Params: []Param{
			{Name: "max_age", Unit: UnitDuration, Min: 1, Max: 365 * 24 * 3600, Required: true, Doc: "what the answers then say, in whole seconds"},
			paramShare("answers"), paramPath("every path"),
		},
		Met: "documents with the longer lifetime", Clear: "documents that came as they were",
		Models: "TTL poisoning: a CDN rule, or a proxy, that overrides the origin's lifetime.",
		Source: "Azure AD, 15 March 2021: cached key metadata kept clients broken for some 14 hours after it had been put right",
		New:    func(p Params) Fault { return maxAge{p.scope(), p.MaxAge} },
	}
}

// Inject inflates. It leaves answers alone that nobody may keep, and bodies.
func (f maxAge) Inject(_ context.Context, t Target) (*Injected, error) {
	says := fmt.Sprintf("public, max-age=%d", int64(f.life/time.Second))
	return place(t, orderAnswer, f.scope, func(_ *Link, u *rule) {
		u.concerns = cacheable
		u.exchange = func(r *http.Request, next http.RoundTripper) (*http.Response, bool, error) {
			resp, err := next.RoundTrip(r)
			if err != nil || !cacheable(resp) || u.healed() {
				return resp, false, err
			}
			u.met.Add(1)
			resp.Header.Set("Cache-Control", says)
			for _, name := range []string{"Age", "Expires", "Pragma"} {
				resp.Header.Del(name)
			}
			return resp, true, nil
		}
	})
}
