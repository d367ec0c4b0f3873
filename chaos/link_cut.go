package chaos

import (
	"context"
	"fmt"
	"net/http"
	"syscall"
)

// ErrCut is the error of a request or dial over a link that is cut, and of a
// connection that was open when it was. It is an ECONNREFUSED.
var ErrCut = fmt.Errorf("link is cut: %w", syscall.ECONNREFUSED)

// cut refuses.
type cut struct{ scope }

func linkCut() Spec {
	return Spec{
		Name: "link.cut", Place: OnLink,
		Does: "Refuses requests and dials over the link at once, and closes its open connections.",
		Params: []Param{
			paramShare("requests, dials and open connections"),
			paramPath("every path, and connections too"),
		},
		Met: "requests and dials refused, connections closed", Clear: "requests and reads that came through",
		Models: "A peer that is down, and a partition that refuses. On one gateway: one that is cut off from the others.",
		Source: "istio#58101: keys were dropped when connections to the authority failed; thunderid PR 3839: a deny list must keep its last good state through that",
		New:    func(p Params) Fault { return cut{p.scope()} },
	}
}

// Inject cuts. Met is what was refused or closed; Clear what came back.
func (f cut) Inject(_ context.Context, t Target) (*Injected, error) {
	return place(t, orderCut, f.scope, func(l *Link, u *rule) {
		err := l.failed(ErrCut)
		u.exchange = func(r *http.Request, _ http.RoundTripper) (*http.Response, bool, error) {
			u.met.Add(1)
			forget(r)
			return nil, true, err
		}
		u.dial = func(context.Context) error { return err }
		u.open = func(c *conn) { _ = c.shut(err) } // one that was closed meanwhile is as good
	})
}
