package external

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	idp "github.com/tokendrill/tokendrill/fixtures/authority"
	"github.com/tokendrill/tokendrill/fixtures/token"
	"github.com/tokendrill/tokendrill/scenarios"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	appSecret     = "secret-of-app"
	gatewaySecret = "secret-of-gateway"
	// worldTTL is how long the gateways of a world keep a decision.
	worldTTL = 200 * time.Millisecond
)

// world is a system to look at: the reference authority, and a gateway that asks it
// and caches what it says.
type world struct {
	t testing.TB
	// In front of the authority and the gateway, if they are there.
	authority, gateway func(next http.Handler) http.Handler
	// tls serves the gateway over TLS.
	tls func(*httptest.Server)
	// url and issuer replace where things are said to be; scheme that of the gateway.
	url, issuer, scheme string
	// What more the target file says, in all, of the gateway and of the probe.
	more, ofGateway, ofProbe string
	scope, secret, rate      string
	edit                     func(*scenarios.Target)
	insecure                 bool // is allowed

	as       *idp.Authority
	asServer *httptest.Server
	gwServer *httptest.Server
}

// up starts a world.
func up(t testing.TB, change func(*world)) *world {
	w := &world{t: t, scope: "read write", secret: appSecret, rate: "1000/s"}
	if change != nil {
		change(w)
	}
	w.asServer = httptest.NewUnstartedServer(nil)
	at := "http://" + w.asServer.Listener.Addr().String()
	var err error
	w.as, err = idp.New(idp.Config{Issuer: at, Lifetime: time.Hour, Audience: "api", Clients: []idp.Client{
		{ID: "app", Secret: appSecret, Scopes: []string{"read", "write"}},
		{ID: "gateway", Secret: gatewaySecret, Introspects: true},
	}})
	require.NoError(t, err)
	w.asServer.Config.Handler = wrapped(w.authority, w.as)
	w.asServer.Start()
	t.Cleanup(w.asServer.Close)
	w.gwServer = httptest.NewUnstartedServer(wrapped(w.gateway, &guard{as: w.as, ttl: worldTTL, seen: map[string]decision{}}))
	w.gwServer.Config.ErrorLog = log.New(io.Discard, "", 0)
	if w.tls != nil {
		w.tls(w.gwServer)
	} else {
		w.gwServer.Start()
	}
	t.Cleanup(w.gwServer.Close)
	if w.url == "" {
		w.url = w.gwServer.URL
	}
	if w.scheme != "" {
		w.url = w.scheme + "://" + w.gwServer.Listener.Addr().String()
	}
	if w.issuer == "" {
		w.issuer = at
	}
	return w
}

func wrapped(wrap func(http.Handler) http.Handler, h http.Handler) http.Handler {
	if wrap == nil {
		return h
	}
	return wrap(h)
}

// target is the target file of a world.
func (w *world) target() *scenarios.Target {
	text := fmt.Sprintf(`
name: staging
bound: 300ms
gateways: [{name: eu, url: "%s"%s}]
authority:
  issuer: "%s"
  client: {id: app, secret_env: IDP_SECRET}
  scope: "%s"
probe: {path: /protected%s}
limits: {rate: %s}
%s`, w.url, w.ofGateway, w.issuer, w.scope, w.ofProbe, w.rate, w.more)
	t, err := scenarios.ParseTarget([]byte(text), filepath.Join(w.t.TempDir(), "staging.yaml"))
	require.NoError(w.t, err)
	if w.edit != nil {
		w.edit(t)
	}
	return t
}

// open reaches the target of a world, if it can.
func (w *world) open() (*System, error) {
	s, err := Open(w.t.Context(), w.target(), w.options())
	if err == nil {
		w.t.Cleanup(func() { require.NoError(w.t, s.Close()) })
	}
	return s, err
}

func (w *world) options() Options {
	return Options{Insecure: w.insecure, Getenv: func(string) string { return w.secret }}
}

// found is what a check told and how it ended.
type found struct {
	findings []Finding
	err      error
}

// check looks at the target of a world.
func (w *world) check() (f found) {
	s, err := w.open()
	if err != nil {
		return found{err: err}
	}
	f.err = Check(w.t.Context(), s, func(got Finding) {
		if got.State != Waits {
			f.findings = append(f.findings, got)
		}
	})
	return f
}

// fit looks at it as is done before a run.
func (w *world) fit() error {
	s, err := w.open()
	if err != nil {
		return err
	}
	return s.fit(w.t.Context())
}

// here puts words of the test in the place of addresses that change.
func (w *world) here(text string) string {
	for word, at := range map[string]string{"GATEWAY": w.url, "AUTHORITY": w.issuer} {
		u, err := url.Parse(at)
		require.NoError(w.t, err)
		text = strings.ReplaceAll(strings.ReplaceAll(text, at, word), u.Host, word)
	}
	return text
}

type decision struct {
	active bool
	scope  string
	until  time.Time
}

// guard is a small gateway: it asks for a token with the scope "read", and caches
// what the authority says.
type guard struct {
	as  *idp.Authority
	ttl time.Duration

	mu   sync.Mutex
	seen map[string]decision
}

func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/public" {
		fmt.Fprint(w, `{}`)
		return
	}
	raw, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	began := time.Now()
	switch d := g.decide(raw); {
	case !ok:
		refuse(w, http.StatusUnauthorized, `Bearer realm="api"`)
	case !d.active:
		refuse(w, http.StatusUnauthorized, `Bearer error="invalid_token"`)
	case !strings.Contains(d.scope, "read"):
		refuse(w, http.StatusForbidden, `Bearer error="insufficient_scope", scope="read"`)
	default:
		w.Header().Set("Server-Timing", fmt.Sprintf("token;dur=%.3f", time.Since(began).Seconds()*1000))
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"hello":"world"}`)
	}
}

func refuse(w http.ResponseWriter, status int, challenge string) {
	w.Header().Set("WWW-Authenticate", challenge)
	w.WriteHeader(status)
}

func (g *guard) decide(raw string) decision {
	g.mu.Lock()
	d, ok := g.seen[raw]
	g.mu.Unlock()
	if raw == "" || ok && time.Now().Before(d.until) {
		return d
	}
	req := httptest.NewRequest(http.MethodPost, "/introspect", strings.NewReader(url.Values{"token": {raw}}.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth("gateway", gatewaySecret)
	rec := httptest.NewRecorder()
	g.as.ServeHTTP(rec, req)
	found, err := token.ParseIntrospection(rec.Body.Bytes())
	d = decision{active: err == nil && found.Active, scope: strings.Join(found.Claims.Scope, " "), until: time.Now().Add(g.ttl)}
	g.mu.Lock()
	g.seen[raw] = d
	g.mu.Unlock()
	return d
}

// always answers whatever is asked.
func always(status int, body string, headers ...string) func(http.Handler) http.Handler {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			for i := 0; i < len(headers); i += 2 {
				w.Header().Set(headers[i], headers[i+1])
			}
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		})
	}
}

// unless answers so where a request is not authorized, and else passes it on.
func unless(authorized func(*http.Request) bool, otherwise func(http.Handler) http.Handler) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if authorized(r) {
				next.ServeHTTP(w, r)
				return
			}
			otherwise(next).ServeHTTP(w, r)
		})
	}
}

// dated tells the time by a clock that is off.
func dated(off time.Duration) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Date", time.Now().Add(off).UTC().Format(http.TimeFormat))
			next.ServeHTTP(w, r)
		})
	}
}

// at answers on one path by h, and passes the rest on.
func at(path string, h http.HandlerFunc) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == path {
				h(w, r)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

func write(t testing.TB, name string, data []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(file, data, 0o600))
	return file
}
