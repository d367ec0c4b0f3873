package chaos

import (
	"context"
	"net"
	"net/http"
	"os"
	"syscall"
)

// reset loses answers.
type reset struct{ scope }

func linkReset() Spec {
	return Spec{
		Name: "link.reset", Place: OnLink,
		Does: "Lets requests cross and loses their answers with a connection reset; a dialled connection is reset when something arrives on it.",
		Params: []Param{
			paramShare("requests and reads"),
			paramPath("every path, and connections too"),
		},
		Met: "answers and reads that were lost", Clear: "answers and reads that arrived",
		Models: "A peer, proxy or NAT that dies between the request and the answer: what was asked for may have been done.",
		Source: "Jepsen's :info operations: one that was lost on its way back may have happened; the twin of fosite CVE-2020-15223, a 200 for a revocation that failed",
		New:    func(p Params) Fault { return reset{p.scope()} },
	}
}

// Inject resets. Met is the answers and reads that were lost; Clear those that
// arrived.
func (f reset) Inject(_ context.Context, t Target) (*Injected, error) {
	return place(t, orderReset, f.scope, func(l *Link, u *rule) {
		err := l.failed(&net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)})
		u.exchange = func(r *http.Request, next http.RoundTripper) (*http.Response, bool, error) {
			resp, failed := next.RoundTrip(r)
			if failed != nil {
				return nil, true, failed // it did not get far enough to be reset
			}
			if u.healed() {
				return resp, false, nil
			}
			resp.Body.Close()
			u.met.Add(1)
			return nil, true, err
		}
		u.data = func() (*hold, error) { return nil, err }
	})
}
