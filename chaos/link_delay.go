package chaos

import (
	"context"
	"net/http"
	"time"
)

// slow delays.
type slow struct {
	scope
	delay Delay
}

func linkDelay() Spec {
	return Spec{
		Name: "link.delay", Place: OnLink,
		Does: "Makes requests, and what arrives on connections, take longer, on top of the link's network profile.",
		Params: []Param{
			{Name: "delay", Unit: UnitDelay, Min: 0.001, Max: 60, Required: true, Doc: "what is added, drawn anew each time"},
			paramShare("requests and reads"),
			paramPath("every path, and connections too"),
		},
		Met: "requests, dials and reads that were delayed", Clear: "requests and reads that were not",
		Models: "A congested or distant hop, and an authority that is slow.",
		Source: "RFC 7662 section 4: each check costs a round trip to the authority, which is why caches exist",
		New:    func(p Params) Fault { return slow{p.scope(), p.Delay} },
	}
}

// Inject delays. Met is what was delayed; Clear what was not. What is under way at
// the end comes at once.
func (f slow) Inject(_ context.Context, t Target) (*Injected, error) {
	return place(t, orderDelay, f.scope, func(_ *Link, u *rule) { u.slow(f.delay) })
}

// slow makes everything that meets the rule wait.
func (u *rule) slow(d Delay) {
	u.exchange = func(r *http.Request, next http.RoundTripper) (*http.Response, bool, error) {
		u.met.Add(1)
		if err := u.hold(d).wait(r.Context()); err != nil {
			forget(r)
			return nil, true, err
		}
		resp, err := next.RoundTrip(r)
		return resp, true, err
	}
	u.dial = func(ctx context.Context) error { return u.hold(d).wait(ctx) }
	u.data = func() (*hold, error) { h := u.hold(d); return &h, nil }
}

// hold draws how long to wait.
func (u *rule) hold(d Delay) hold {
	u.mu.Lock()
	defer u.mu.Unlock()
	return hold{until: time.Now().Add(d.Draw(u.rng)), over: u.over}
}
