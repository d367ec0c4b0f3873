package chaos

import (
	"context"
	"net/http"
	"strconv"
	"time"
)

// status answers in place of the peer.
type status struct {
	scope
	code       int
	retryAfter time.Duration
}

func httpError() Spec {
	return Spec{
		Name: "http.error", Place: OnLink, Links: httpLinks(),
		Does: "Answers requests with a 5xx status and no body in place of the peer, which never hears of them.",
		Params: []Param{
			paramStatus(500, 599, http.StatusServiceUnavailable),
			paramShare("requests"), paramPath("every path"),
		},
		Met: "requests answered in place of the peer", Clear: "requests that the peer answered",
		Models: "An authority whose database is gone, and a proxy before one that is down.",
		Source: "nuts-node#2778: 500 for an unknown token; NGINX demo with use_stale error timeout: an error kept a revoked token alive",
		New: func(p Params) Fault {
			code := p.Status
			if code == 0 {
				code = http.StatusServiceUnavailable
			}
			return status{scope: p.scope(), code: code}
		},
	}
}

// httpLinks are the hops that speak HTTP.
func httpLinks() []string {
	return []string{"client-gateway", "gateway-authority", "gateway-cdn", "cdn-authority", "gateway-upstream", "edge-origin"}
}

// Inject answers. Met is the requests that were answered here; Clear those that
// the peer answered.
func (f status) Inject(_ context.Context, t Target) (*Injected, error) {
	return place(t, orderPeer, f.scope, func(_ *Link, u *rule) {
		u.exchange = func(r *http.Request, _ http.RoundTripper) (*http.Response, bool, error) {
			u.met.Add(1)
			forget(r)
			return f.answer(r), true, nil
		}
	})
}

func (f status) answer(r *http.Request) *http.Response {
	h := http.Header{"Content-Length": {"0"}, "Cache-Control": {"no-store"}}
	if f.retryAfter > 0 {
		whole := (f.retryAfter + time.Second - 1) / time.Second // RFC 9110 section 10.2.3 knows no fractions
		h.Set("Retry-After", strconv.FormatInt(int64(whole), 10))
	}
	return &http.Response{
		Status: strconv.Itoa(f.code) + " " + http.StatusText(f.code), StatusCode: f.code,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: h, Body: http.NoBody, Request: r,
	}
}
