package external

import (
	"crypto/x509"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/fixtures/undisturbed"
	"github.com/tokendrill/tokendrill/scenarios"
)

// Lines that are to be known and make no target unfit.
func TestWhatIsToBeKnown(t *testing.T) {
	ca := newIssuer(t)
	for _, row := range []struct {
		name   string
		change func(*world)
		what   string
		lines  []string
	}{
		{"a clock seven seconds behind", func(w *world) { w.gateway = dated(-7 * time.Second) }, "clock",
			[]string{"warn: that of gateway eu is 7 s behind ours; set the clock that is wrong (NTP)", "ok: within 5s of ours: the authority"}},
		{"a login page for nobody only", func(w *world) { w.gateway = unless(bearer, always(302, "", "Location", "/login")) }, "no token",
			[]string{`warn: eu answers a request without a token with 302 to /login: a login page; add {status: 302, header: {Location: "/login"}} to verdict.reject`}},
		{"400 for nobody", func(w *world) { w.gateway = unless(bearer, always(400, "")) }, "no token",
			[]string{`warn: eu answers a request without a token with 400, which no rule of verdict takes; add 400 to verdict.accept or verdict.reject`}},
		{"a control path", func(w *world) { w.ofProbe = ", control: /public" }, "control path",
			[]string{`ok: /public answers without a token: 200 at eu`}},
		{"a control path that asks for a token", func(w *world) { w.ofProbe = ", control: /other" }, "control path",
			[]string{`warn: eu asks for a token at /other (401); name a path that needs none in probe.control`}},
		{"replicas", func(w *world) {
			var n atomic.Int64
			w.ofGateway = ", replica_header: X-Served-By"
			w.gateway = func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
					rw.Header().Set("X-Served-By", fmt.Sprint("pod-", n.Add(1)%2))
					next.ServeHTTP(rw, r)
				})
			}
		}, "replicas", []string{`ok: 2 seen at eu: pod-0, pod-1`}},
		{"a replica header that is not there", func(w *world) {
			w.ofGateway = ", replica_header: X-Served-By"
		}, "replicas", []string{`warn: no answer of eu has the header X-Served-By; correct replica_header, or leave it out`}},
		{"no Server-Timing", func(w *world) {
			w.gateway = func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { next.ServeHTTP(untimed{rw}, r) })
			}
		}, "check latency", []string{`warn: no Server-Timing at eu: only the time of whole answers will be known; send "Server-Timing: token;dur=MILLISECONDS", or name a path without a token in probe.control`}},
		{"HTTP/2 that is not there", func(w *world) {
			w.tls, w.more = serving(ca.certificate(nil)), "connection: {http2: true, ca_file: "+ca.file+"}"
		},
			"HTTP/2", []string{"warn: eu answers over HTTP/1.1, TLS 1.3; turn HTTP/2 on at the gateway, or connection.http2 off"}},
		{"HTTP/2 that is there", func(w *world) {
			w.more = "connection: {http2: true, ca_file: " + ca.file + "}"
			w.tls = func(s *httptest.Server) { s.EnableHTTP2 = true; serving(ca.certificate(nil))(s) }
		}, "HTTP/2", nil},
		{"certificates that nobody verifies", func(w *world) {
			w.tls, w.more, w.insecure = serving(ca.certificate(func(c *x509.Certificate) { c.IPAddresses = nil })), "connection: {insecure: true}", true
		}, "TLS", []string{"warn: certificates are not verified, and the report says so; name what signed them in connection.ca_file, in the place of insecure"}},
		{"a revocation of a user", func(w *world) {
			var revoked atomic.Bool
			w.authority = at("/revoke", func(http.ResponseWriter, *http.Request) { revoked.Store(true) })
			w.gateway = unless(func(*http.Request) bool { return !revoked.Load() }, always(401, ""))
			w.edit = func(t *scenarios.Target) { t.Authority.Revoke.Kind = scenarios.KindUser }
		}, "other token", []string{"warn: eu refuses the token that was not revoked too (401): both are of one user; have each token issued for a user of its own (authority.issue)"}},
		{"a token that does not outlive a run", func(w *world) {
			w.authority = func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
					rec := httptest.NewRecorder()
					next.ServeHTTP(rec, r)
					rw.WriteHeader(rec.Code)
					fmt.Fprint(rw, strings.Replace(rec.Body.String(), `"expires_in":3600`, `"expires_in":5`, 1))
				})
			}
			w.rate = "2000/s"
		}, "token", []string{"ok: issued, opaque, expires in 5s",
			"warn: expires in 5s, and a run takes 20s: what expires on the way is not measured to its end; have tokens issued for longer, or lower limits.duration"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			undisturbed.Again(t, func(t *undisturbed.Attempt) {
				got := up(t, row.change).check()
				require.NoError(t, got.err)
				assert.Equal(t, row.lines, got.of(row.what))
			})
		})
	}
}

// untimed keeps the time of a check to itself.
type untimed struct{ http.ResponseWriter }

func (u untimed) Write(p []byte) (int, error) {
	u.Header().Del("Server-Timing")
	return u.ResponseWriter.Write(p)
}
