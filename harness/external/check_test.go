package external

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/tokendrill/tokendrill/fixtures/undisturbed"
)

// of are the findings about something, one line each.
func (f found) of(what string) []string {
	var out []string
	for _, got := range f.findings {
		if got.What == what {
			line := fmt.Sprintf("%s: %s", got.State, got.Says)
			if got.Fix != "" {
				line += "; " + got.Fix
			}
			out = append(out, line)
		}
	}
	return out
}

// unfitLine is the line of an *Unfit, or of what else went wrong.
func (w *world) unfitLine(err error) string {
	if err == nil {
		return "fit"
	}
	if !errors.As(err, new(*Unfit)) {
		return "not an *Unfit: " + err.Error()
	}
	return w.here(err.Error())
}

func bearer(r *http.Request) bool { return r.Header.Get("Authorization") != "" }

func never(*http.Request) bool { return false }

func TestATargetThatWorks(t *testing.T) {
	undisturbed.Again(t, func(t *undisturbed.Attempt) {
		w := up(t, nil)
		got := w.check()
		require.NoError(t, got.err)
		var whats []string
		for _, f := range got.findings {
			whats = append(whats, f.What)
			assert.Equal(t, Works, f.State, "%+v", f)
			assert.Empty(t, f.Fix)
		}
		assert.Equal(t, []string{"gateway eu", "clock", "no token", "canary", "token", "accepted", "revoke", "other token", "check latency", "resolution"}, whats)
		assert.Equal(t, []string{"ok: refused: 401 at eu"}, got.of("no token"))
		assert.Equal(t, []string{"ok: refused: 401 at eu"}, got.of("canary"))
		assert.Equal(t, []string{"ok: issued, opaque, expires in 1h0m0s"}, got.of("token"))
		assert.Equal(t, []string{"ok: a token just issued is accepted: 200 at eu"}, got.of("accepted"))
		assert.Regexp(t, `^ok: the token is refused: eu after [\d.]+ms$`, got.of("revoke")[0])
		assert.Equal(t, []string{"ok: still accepted: 200 at eu"}, got.of("other token"))
		assert.Equal(t, []string{"ok: by Server-Timing at eu"}, got.of("check latency"))
		assert.Regexp(t, `^ok: round trip [\d.µm]+s at p50, first probes \S+ apart: a time-to-revoke is known to about \S+ at its shortest, \S+ near the bound$`, got.of("resolution")[0])
		require.NoError(t, w.fit())
	})
}

// Each row is a target that must not be measured. The line is that of the check,
// and, but where a revocation is needed to find out, that before a run.
func TestTargetsThatAreNotFit(t *testing.T) {
	ca := newIssuer(t)
	trusted := "connection: {ca_file: " + ca.file + "}"
	served := func(change func(*x509.Certificate)) func(*world) {
		return func(w *world) { w.tls, w.more = serving(ca.certificate(change)), trusted }
	}
	in := func(f func(*world, string)) func(*world) { // at a host where nobody is
		return func(w *world) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(w.t, err)
			defer l.Close()
			f(w, "http://"+l.Addr().String())
		}
	}
	revoke := func(h http.HandlerFunc) func(*world) { return func(w *world) { w.authority = at("/revoke", h) } }
	for _, row := range []struct {
		name   string
		change func(*world)
		line   string
		later  bool // is found by revoking only
	}{
		{"an unreachable gateway", in(func(w *world, url string) { w.url = url }), `gateway eu: nothing listens at GATEWAY; start it, or correct url or connect`, false},
		{"a certificate that has expired", served(func(c *x509.Certificate) {
			c.NotAfter = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
			c.NotBefore = c.NotAfter.AddDate(-1, 0, 0)
		}),
			`gateway eu: its certificate expired on 2026-01-02; renew it`, false},
		{"a certificate of days to come", served(func(c *x509.Certificate) {
			c.NotBefore = time.Date(2100, 1, 2, 3, 4, 5, 0, time.UTC)
			c.NotAfter = c.NotBefore.AddDate(1, 0, 0)
		}),
			`gateway eu: its certificate is not valid before 2100-01-02; replace it, or set our clock`, false},
		{"a certificate for another host", served(func(c *x509.Certificate) { c.IPAddresses, c.DNSNames = nil, []string{"api.example.com"} }),
			`gateway eu: its certificate is for api.example.com and not for 127.0.0.1; write a name of the certificate in url, and where to dial in connect`, false},
		{"a certificate that nobody trusts", func(w *world) { w.tls = serving(ca.certificate(nil)) },
			`gateway eu: its certificate is signed by nobody that is trusted here; name what signed it in connection.ca_file`, false},
		{"a gateway that asks for a certificate", func(w *world) {
			w.more, w.tls = trusted, func(s *httptest.Server) {
				s.TLS = &tls.Config{Certificates: []tls.Certificate{ca.certificate(nil)}, ClientAuth: tls.RequireAnyClientCert}
				s.StartTLS()
			}
		}, `gateway eu: it asks for a client certificate that it trusts; name one in connection.cert_file and key_file`, false},
		{"TLS where plain HTTP is spoken", func(w *world) { w.scheme = "https" },
			`gateway eu: it speaks plain HTTP where TLS was expected; write http:// in url, or correct its port`, false},
		{"plain HTTP where TLS is spoken", func(w *world) { w.scheme, w.tls = "http", serving(ca.certificate(nil)) },
			`gateway eu: it speaks TLS where plain HTTP was sent; write https:// in url, or correct its port`, false},

		{"a clock an hour ahead", func(w *world) { w.gateway = dated(time.Hour) },
			`clock: that of gateway eu is 60 min ahead of ours; set the clock that is wrong (NTP): tokens expire by it`, false},
		{"a clock an hour behind", func(w *world) { w.gateway = dated(-time.Hour) },
			`clock: that of gateway eu is 60 min behind ours; set the clock that is wrong (NTP): tokens expire by it`, false},

		{"a gateway that accepts everything", func(w *world) { w.gateway = always(200, `{}`) },
			`no token: eu accepts a request without a token (200): it accepts everything, or GET /protected is not protected; probe a path that asks for a token`, false},
		{"a gateway that accepts any token", func(w *world) {
			w.gateway = unless(func(r *http.Request) bool { return !bearer(r) }, always(200, `{}`))
		},
			`canary: eu accepts a token that was never issued (200): it does not check tokens; probe a path whose tokens are checked, or have them checked`, false},
		{"a gateway that refuses everything", func(w *world) { w.gateway = always(401, "", "WWW-Authenticate", `Bearer error="invalid_token"`) },
			`accepted: eu refuses everything, a token just issued too (401 invalid_token); see that it takes tokens of this authority: its issuer and audience, and the credentials that it introspects with`, false},
		{"a login page as 302", func(w *world) {
			w.gateway = unless(never, always(302, "", "Location", "https://idp.example.com/login?state=abc"))
		}, `canary: eu answers a token that was never issued with 302 to https://idp.example.com/login: a login page; add {status: 302, header: {Location: "https://idp\\.example\\.com/login"}} to verdict.reject`, false},
		{"a login page as 200", func(w *world) { w.gateway = always(200, "<html>", "Content-Type", "text/html; charset=utf-8") },
			`no token: eu answers a request without a token with 200 and a page of HTML: a login page; add {status: 200, content_type: text/html} to verdict.reject, or probe a path of the API`, false},
		{"a path that is not there", func(w *world) { w.gateway = unless(func(r *http.Request) bool { return !bearer(r) }, always(404, "")) },
			`canary: eu answers a token that was never issued with 404, which no rule of verdict takes; probe a path that exists, or add 404 to verdict.accept`, false},
		{"a gateway that is over its limit", func(w *world) { w.gateway = always(429, "") },
			`canary: eu answers a token that was never issued with 429: too many requests; lower limits.rate, or raise the limit of the gateway`, false},
		{"a gateway that is down", func(w *world) { w.gateway = always(503, "") },
			`canary: eu answers a token that was never issued with 503: an outage, no decision; see the log of the gateway: it, its authority or what is behind it is down`, false},
		{"something else behind the gateway", func(w *world) {
			w.gateway = func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
					rec := httptest.NewRecorder()
					if next.ServeHTTP(rec, r); rec.Code == 200 {
						rec.Code = 404
					}
					rw.WriteHeader(rec.Code)
				})
			}
		}, `accepted: eu answers a token just issued with 404, which no rule of verdict takes; probe a path that exists, or add 404 to verdict.accept`, false},

		{"a wrong secret", func(w *world) { w.secret = "wrong" }, `token: none is issued: token endpoint: status 401, error "invalid_client": the authorization server does not know the client id or secret; expected those of authority.client`, false},
		{"a scope that is not known", func(w *world) { w.scope = "admin" }, `token: none is issued: token endpoint: status 400, error "invalid_scope": the client may not have the scope "admin"; expected another authority.scope`, false},
		{"a token without the scope", func(w *world) { w.scope = "write" },
			`accepted: eu refuses a token just issued (403 insufficient_scope); add "read" to authority.scope`, false},
		{"an unreachable authority", in(func(w *world, url string) { w.issuer = url }), `discovery: GET /.well-known/oauth-authorization-server: nothing listens at AUTHORITY; start it, or correct its URL in authority`, false},
		{"an authority with a clock an hour ahead", func(w *world) { w.authority = dated(time.Hour) },
			`clock: that of the authority is 60 min ahead of ours; set the clock that is wrong (NTP): tokens expire by it`, false},

		{"a revocation that revokes nothing", revoke(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(200) }),
			`revoke: was answered 200 and the token is still accepted at eu after 800ms: the revoke call revokes nothing, or the bound is longer; check authority.revoke, or raise bound`, true},
		{"a revocation that is refused", revoke(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) }),
			`revoke: the authority refuses to revoke (403); let authority.client revoke the tokens that it gets (RFC 7009 section 2.1), or revoke them otherwise by authority.revoke`, true},
		{"a revocation that fails", revoke(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }),
			`revoke: the authority cannot revoke (503); see its log`, true},
		{"a revocation of all tokens", func(w *world) {
			var revoked atomic.Bool
			w.authority = at("/revoke", func(http.ResponseWriter, *http.Request) { revoked.Store(true) })
			w.gateway = unless(func(*http.Request) bool { return !revoked.Load() }, always(401, ""))
		}, `other token: eu refuses the token that was not revoked too (401): one revocation took both; say what it takes away in authority.revoke.kind: session, user or client`, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			undisturbed.Again(t, func(t *undisturbed.Attempt) {
				w := up(t, row.change)
				beforeARun := row.line
				if row.later {
					beforeARun = "fit"
				}
				assert.Equal(t, beforeARun, w.unfitLine(w.fit()), "before a run")
				assert.Equal(t, row.line, w.unfitLine(w.check().err), "check")
			})
		})
	}
}

// What a check says about a login page is what makes the target one to be measured.
func TestTheRuleForALoginPageIsTheOneToAdd(t *testing.T) {
	for _, row := range []struct {
		name    string
		page    func(http.Handler) http.Handler
		verdict string
	}{
		{"302", always(302, "", "Location", "https://idp.example.com/login?state=abc"),
			`verdict: {reject: [401, 403, {status: 302, header: {Location: "https://idp\\.example\\.com/login"}}]}`},
		{"200", always(200, "<html>", "Content-Type", "text/html"), `verdict: {reject: [401, 403, {status: 200, content_type: text/html}]}`},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			undisturbed.Again(t, func(t *undisturbed.Attempt) {
				w := up(t, func(w *world) {
					w.more = row.verdict
					w.gateway = func(next http.Handler) http.Handler {
						return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
							rec := httptest.NewRecorder()
							if next.ServeHTTP(rec, r); rec.Code != 200 {
								row.page(nil).ServeHTTP(rw, r)
							}
						})
					}
				})
				require.NoError(t, w.check().err)
			})
		})
	}
}

// What cannot be had from a server of a test: errors as they come from net and
// crypto/tls.
func TestWhyThereIsNoAnswer(t *testing.T) {
	dial := func(err error) error {
		return &net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(10, 0, 0, 7), Port: 443}, Err: err}
	}
	for _, row := range []struct {
		name string
		err  error
		want string
	}{
		{"a name that nobody knows", dial(&net.DNSError{Err: "no such host", Name: "api.example", IsNotFound: true}),
			`the name api.example is not known; correct url, or say where it is with connect`},
		{"a firewall that drops", dial(os.ErrDeadlineExceeded), `no connection to 10.0.0.7:443 in time; open the way there (VPN, firewall), or correct url or connect`},
		{"no route", dial(syscall.EHOSTUNREACH), `no connection to 10.0.0.7:443: no route to host; open the way there (VPN, firewall), or correct url or connect`},
		{"another TLS", &net.OpError{Op: "remote error", Err: errors.New("tls: protocol version not supported")},
			`no TLS with it: protocol version not supported; correct the port or the scheme of url`},
		{"anything else", errors.New("odd"), `no answer: round trip: odd; see its log`},
	} {
		t.Run(row.name, func(t *testing.T) {
			says, fix := trouble(fmt.Errorf("round trip: %w", row.err), time.Second)
			assert.Equal(t, row.want, says+"; "+fix)
		})
	}
}
