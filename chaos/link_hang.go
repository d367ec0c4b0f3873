package chaos

import (
	"context"
	"net/http"
)

// hang stalls.
type hang struct{ scope }

func linkHang() Spec {
	return Spec{
		Name: "link.hang", Place: OnLink,
		Does: "Lets nothing pass and refuses nothing: requests and dials wait until the caller gives up or it heals; connections stall in both directions.",
		Params: []Param{
			paramShare("requests, dials and open connections"),
			paramPath("every path, and connections too"),
		},
		Met: "requests, dials and connections that had to wait", Clear: "requests and reads that came through without waiting",
		Models: "A firewall that drops packets, a peer that is paused, and an authority whose threads are all taken.",
		Source: "oathkeeper fix e06f6d3a: a retry limit of 500 ms was read as 5.8 days, so that an authority that hung took its callers along",
		New:    func(p Params) Fault { return hang{p.scope()} },
	}
}

// Inject stalls. Met is what began to wait; Clear what came through without.
func (f hang) Inject(_ context.Context, t Target) (*Injected, error) {
	return place(t, orderHang, f.scope, func(_ *Link, u *rule) {
		held := hold{over: u.over}
		u.exchange = func(r *http.Request, next http.RoundTripper) (*http.Response, bool, error) {
			u.met.Add(1)
			if err := held.wait(r.Context()); err != nil {
				forget(r)
				return nil, true, err
			}
			resp, err := next.RoundTrip(r)
			return resp, true, err
		}
		u.dial = held.wait
		u.open = func(c *conn) { c.stall(held) }
	})
}
