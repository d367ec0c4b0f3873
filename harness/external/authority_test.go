package external

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/fixtures/token"
	"github.com/tokendrill/tokendrill/harness"
	"github.com/tokendrill/tokendrill/scenarios"
)

// provider is an authorization server of a test: what it was asked, and by path what it
// answers.
type provider struct {
	*httptest.Server
	answers map[string]http.HandlerFunc

	mu    sync.Mutex
	asked []*http.Request // with their forms
}

func newProvider(t testing.TB, answers map[string]http.HandlerFunc) *provider {
	t.Helper()
	p := &provider{answers: answers}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	p.mu.Lock()
	p.asked = append(p.asked, r)
	p.mu.Unlock()
	if answer := p.answers[r.URL.Path]; answer != nil {
		answer(w, r)
		return
	}
	http.NotFound(w, r)
}

// requests are those that came.
func (p *provider) requests() []*http.Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.asked)
}

// said is an answer that is always the same; AT is the URL of the server.
func said(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(body, "<") {
			w.Header().Set("Content-Type", "text/html")
		}
		w.WriteHeader(status)
		fmt.Fprint(w, strings.ReplaceAll(body, "AT", "http://"+r.Host))
	}
}

// numbered issues another token each time.
func numbered() http.HandlerFunc {
	var n atomic.Int64
	return func(w http.ResponseWriter, _ *http.Request) {
		k := n.Add(1)
		fmt.Fprintf(w, `{"access_token": "t%d", "token_type": "bearer", "expires_in": 60, "sid": "s%d", "user": "u1"}`, k, k)
	}
}

// targetOf is a target with that authority, IDP being the URL of the server.
func (p *provider) targetOf(t testing.TB, authority, more string) *scenarios.Target {
	t.Helper()
	text := "name: staging\nbound: 1s\ngateways: [{name: eu, url: \"http://127.0.0.1:1\"}]\nprobe: {path: /}\n" +
		"authority: " + authority + "\n" + more
	if p != nil {
		text = strings.ReplaceAll(text, "IDP", p.URL)
	}
	target, err := scenarios.ParseTarget([]byte(text), t.TempDir()+"/staging.yaml")
	require.NoError(t, err)
	return target
}

// secrets is an environment.
func secrets(name string) string { return map[string]string{"SECRET": "s3cr%t &", "KEY": "k3y"}[name] }

const byHand = `{token_endpoint: "IDP/token", revocation_endpoint: "IDP/revoke", client: {id: "my app", secret_env: SECRET}}`

func issue(t testing.TB, s *System) harness.Issued {
	t.Helper()
	issued, err := s.authority.Issue(t.Context(), harness.Grant{Format: token.Opaque})
	require.NoError(t, err)
	return issued
}

func TestAnIssuerIsDiscovered(t *testing.T) {
	const both = `{"issuer": "ISSUER", "token_endpoint": "AT/token", "revocation_endpoint": "AT/revoke"}`
	const client = `client: {id: app, secret_env: SECRET}`
	metadata := func(issuer string) http.HandlerFunc { return said(200, strings.Replace(both, "ISSUER", issuer, 1)) }
	for _, row := range []struct {
		name      string
		answers   map[string]http.HandlerFunc
		authority string
		asked     []string
		says      string
	}{
		{"by RFC 8414", map[string]http.HandlerFunc{"/.well-known/oauth-authorization-server": metadata("AT")},
			`{issuer: "IDP", ` + client + `}`, []string{"/.well-known/oauth-authorization-server"}, ""},
		{"by RFC 8414, with a path", map[string]http.HandlerFunc{"/.well-known/oauth-authorization-server/a/b": metadata("AT/a/b/")},
			`{issuer: "IDP/a/b/", ` + client + `}`, []string{"/.well-known/oauth-authorization-server/a/b"}, ""},
		{"by OpenID Connect Discovery", map[string]http.HandlerFunc{"/a/.well-known/openid-configuration": metadata("AT/a")},
			`{issuer: "IDP/a", ` + client + `}`, []string{"/.well-known/oauth-authorization-server/a", "/a/.well-known/openid-configuration"}, ""},
		{"after a page of HTML", map[string]http.HandlerFunc{"/.well-known/oauth-authorization-server": said(200, "<html>"), "/.well-known/openid-configuration": metadata("AT")},
			`{issuer: "IDP", ` + client + `}`, []string{"/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"}, ""},
		{"not at all, if the endpoints are known", nil, byHand, nil, ""},
		{"not at all, if there is nothing to find", nil, `{issuer: "IDP", issue: {command: ["true"]}, revoke: {command: ["true"]}}`, nil, ""},
		{"only what the target does not say", map[string]http.HandlerFunc{"/.well-known/oauth-authorization-server": said(200, `{"issuer": "AT", "token_endpoint": "http://idp.example.com/token", "revocation_endpoint": "AT/revoke"}`)},
			`{issuer: "IDP", token_endpoint: "IDP/t", ` + client + `}`, []string{"/.well-known/oauth-authorization-server"}, ""},

		{"nowhere", nil, `{issuer: "IDP", ` + client + `}`, nil,
			"discovery: GET /.well-known/oauth-authorization-server: status 404; GET /.well-known/openid-configuration: status 404; expected metadata of the issuer (RFC 8414), or token_endpoint and revocation_endpoint by hand"},
		{"of another issuer", map[string]http.HandlerFunc{"/.well-known/oauth-authorization-server": metadata("AT/")}, `{issuer: "IDP", ` + client + `}`, nil,
			`discovery: GET /.well-known/oauth-authorization-server: it is of the issuer "IDP/" and not of "IDP"; GET /.well-known/openid-configuration: status 404; expected metadata of the issuer (RFC 8414), or token_endpoint and revocation_endpoint by hand`},
		{"without a revocation endpoint", map[string]http.HandlerFunc{"/.well-known/oauth-authorization-server": said(200, `{"issuer": "AT", "token_endpoint": "AT/token"}`)}, `{issuer: "IDP", ` + client + `}`, nil,
			"discovery: the issuer publishes no revocation_endpoint; expected authority.revocation_endpoint, or another way in authority"},
		{"with an endpoint at a host that is not allowed", map[string]http.HandlerFunc{"/.well-known/oauth-authorization-server": said(200, `{"issuer": "AT", "token_endpoint": "http://evil.example.com/token", "revocation_endpoint": "AT/revoke"}`)}, `{issuer: "IDP", ` + client + `}`, nil,
			"discovery: token_endpoint: host evil.example.com is not allowed; expected --allow-host evil.example.com"},
		{"with a user in an endpoint", map[string]http.HandlerFunc{"/.well-known/oauth-authorization-server": said(200, `{"issuer": "AT", "token_endpoint": "http://a:b@127.0.0.1/token", "revocation_endpoint": "AT/revoke"}`)}, `{issuer: "IDP", ` + client + `}`, nil,
			"discovery: token_endpoint: not the URL of a server"},
	} {
		t.Run(row.name, func(t *testing.T) {
			server := newProvider(t, row.answers)
			s, err := Open(t.Context(), server.targetOf(t, row.authority, ""), Options{Getenv: secrets})
			if row.says != "" {
				require.EqualError(t, err, strings.ReplaceAll(row.says, "IDP", server.URL))
				return
			}
			require.NoError(t, err)
			require.NoError(t, s.Close())
			var asked []string
			for _, r := range server.requests() {
				asked = append(asked, r.URL.Path)
			}
			assert.Equal(t, row.asked, asked)
		})
	}
}

func TestEndpointsOfASecureIssuerAreSecure(t *testing.T) {
	server := httptest.NewTLSServer(said(200, `{"issuer": "https://HOST", "token_endpoint": "http://127.0.0.1/token", "revocation_endpoint": "AT"}`))
	defer server.Close()
	at := strings.TrimPrefix(server.URL, "https://")
	server.Config.Handler = said(200, fmt.Sprintf(`{"issuer": "https://%s", "token_endpoint": "http://127.0.0.1/token", "revocation_endpoint": "https://%s/"}`, at, at))
	var none *provider
	target := none.targetOf(t, fmt.Sprintf(`{issuer: "https://%s", client: {id: app, secret_env: SECRET}}`, at), "connection: {insecure: true}")
	_, err := Open(t.Context(), target, Options{Insecure: true, Getenv: secrets})
	require.EqualError(t, err, "discovery: token_endpoint is not https, as its issuer is")
}

func TestClientsAuthenticate(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	keyFile := write(t, "key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	secretFile := write(t, "secret", []byte("s3cr%t &\n"))
	const ends = `token_endpoint: "IDP/token", revocation_endpoint: "IDP/revoke"`
	basic := func(t *testing.T, r *http.Request) {
		id, secret, ok := r.BasicAuth()
		require.True(t, ok)
		id, _ = url.QueryUnescape(id)
		secret, _ = url.QueryUnescape(secret)
		assert.Equal(t, []string{"my app", "s3cr%t &"}, []string{id, secret})
		assert.Empty(t, r.PostForm["client_secret"])
	}
	for _, row := range []struct {
		name, authority string
		look            func(*testing.T, *http.Request)
	}{
		{"by client_secret_basic, form-encoded", byHand, basic},
		{"by a secret from a file", `{` + ends + `, client: {id: "my app", secret_file: "` + secretFile + `", auth: client_secret_basic}}`, basic},
		{"by client_secret_post", `{` + ends + `, client: {id: "my app", secret_env: SECRET, auth: client_secret_post}}`, func(t *testing.T, r *http.Request) {
			assert.Equal(t, []string{"my app", "s3cr%t &"}, []string{r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")})
			assert.Empty(t, r.Header["Authorization"])
		}},
		{"by private_key_jwt", `{` + ends + `, client: {id: "my app", key_file: "` + keyFile + `", key_id: k1, auth: private_key_jwt}}`, func(t *testing.T, r *http.Request) {
			assert.Equal(t, assertionType, r.PostForm.Get("client_assertion_type"))
			verifyAssertion(t, &key.PublicKey, r)
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			server := newProvider(t, map[string]http.HandlerFunc{"/token": numbered(), "/revoke": said(200, "")})
			s := opened(t, server.targetOf(t, row.authority, ""), Options{Getenv: secrets})
			issued := issue(t, s)
			status, err := s.authority.Revoke(t.Context(), issued.Token)
			require.NoError(t, err)
			assert.Equal(t, 200, status)
			require.Len(t, server.requests(), 2)
			for _, r := range server.requests() {
				row.look(t, r)
			}
			assert.Equal(t, "client_credentials", server.requests()[0].PostForm.Get("grant_type"))
			assert.Equal(t, "t1", server.requests()[1].PostForm.Get("token"))
		})
	}
}

// verifyAssertion checks the claims and the ES256 signature of a client assertion.
func verifyAssertion(t *testing.T, key *ecdsa.PublicKey, r *http.Request) {
	t.Helper()
	parts := strings.Split(r.PostForm.Get("client_assertion"), ".")
	require.Len(t, parts, 3)
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	require.NoError(t, err)
	require.Len(t, signature, 64)
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	require.True(t, ecdsa.Verify(key, digest[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])))
	header, err := base64.RawURLEncoding.DecodeString(parts[0])
	require.NoError(t, err)
	assert.JSONEq(t, `{"alg": "ES256", "kid": "k1", "typ": "JWT"}`, string(header))
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	require.NoError(t, err)
	var claims struct {
		Iss, Sub, Aud, Jti string
		Iat, Exp           int64
	}
	require.NoError(t, json.Unmarshal(payload, &claims))
	assert.Equal(t, []string{"my app", "my app", "http://" + r.Host + "/token"}, []string{claims.Iss, claims.Sub, claims.Aud})
	assert.EqualValues(t, 60, claims.Exp-claims.Iat)
	assert.InDelta(t, time.Now().Unix(), claims.Iat, 30)
	assert.GreaterOrEqual(t, len(claims.Jti), 26)
}

// A client with a certificate is sent to the endpoints for such (RFC 8705 section 5).
func TestAClientAuthenticatesByItsCertificate(t *testing.T) {
	ca := newIssuer(t)
	cert, key := pair(t, ca.certificate(func(c *x509.Certificate) { c.Subject.CommonName = "drill" }))
	var asked []string
	server := httptest.NewUnstartedServer(nil)
	server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, fmt.Sprint(r.URL.Path, " ", r.PostFormValue("client_id"), " ", r.TLS.PeerCertificates[0].Subject.CommonName))
		if r.URL.Path == "/mtls/token" {
			numbered()(w, r)
			return
		}
		said(200, strings.ReplaceAll(`{"issuer": "HERE", "token_endpoint": "HERE/token", "revocation_endpoint": "HERE/revoke", "mtls_endpoint_aliases": {"token_endpoint": "HERE/mtls/token"}}`,
			"HERE", "https://"+r.Host))(w, r)
	})
	server.TLS = &tls.Config{Certificates: []tls.Certificate{ca.certificate(nil)}, ClientAuth: tls.RequireAnyClientCert}
	server.StartTLS()
	defer server.Close()
	var none *provider
	s := opened(t, none.targetOf(t, `{issuer: "`+server.URL+`", client: {id: app, auth: tls_client_auth}}`,
		fmt.Sprintf("connection: {ca_file: %s, cert_file: %s, key_file: %s}", ca.file, cert, key)), Options{})
	issued := issue(t, s)
	_, err := s.authority.Revoke(t.Context(), issued.Token)
	require.NoError(t, err)
	assert.Equal(t, []string{"/.well-known/oauth-authorization-server  drill", "/mtls/token app drill", "/revoke app drill"}, asked)
}

func TestSecretsAreReadWhenATargetIsOpened(t *testing.T) {
	const ends = `token_endpoint: "http://127.0.0.1:1/", revocation_endpoint: "http://127.0.0.1:1/"`
	empty, junk := write(t, "empty", []byte("\r\n")), write(t, "junk", []byte("junk-of-a-key"))
	for _, row := range []struct{ name, authority, says string }{
		{"a variable that is not set", `{` + ends + `, client: {id: a, secret_env: NO_SECRET}}`, "authority.client: secret_env: environment variable NO_SECRET is not set; expected the secret in it"},
		{"no such file", `{` + ends + `, client: {id: a, secret_file: /gone/secret}}`, "authority.client: secret_file: open /gone/secret: no such file or directory"},
		{"a file with nothing in it", `{` + ends + `, client: {id: a, secret_file: "` + empty + `"}}`, "authority.client: secret_file: " + empty + " is empty; expected the secret in it"},
		{"a key that is none", `{` + ends + `, client: {id: a, key_file: "` + junk + `", auth: private_key_jwt}}`, "authority.client: key_file: " + junk + ": private key: neither PEM with a private key nor a JWK"},
		{"a variable of a call to come", `{issue: {command: ["true"]}, revoke: {http: {url: "http://127.0.0.1/${NO}/{jti}", headers: {X: "${NO}"}}}}`, "authority.revoke: POST http://127.0.0.1/${NO}/{jti}: environment variable NO is not set"},
		{"a variable of a command to come", `{issue: {command: ["./issue", "--key=${NO}"]}, revoke: {command: ["true"]}}`, "authority.issue: ./issue: environment variable NO is not set"},
		{"a file of tokens that is not there", `{issue: {file: /gone/tokens}, revoke: {command: ["true"]}}`, "authority.issue: open /gone/tokens: no such file or directory"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var none *provider
			_, err := Open(t.Context(), none.targetOf(t, row.authority, ""), Options{Getenv: secrets})
			require.EqualError(t, err, row.says)
		})
	}
}

func TestTokenEndpointsThatGiveNoToken(t *testing.T) {
	coded := func(status int, code string) http.HandlerFunc { return said(status, `{"error": "`+code+`"}`) }
	for _, row := range []struct {
		name   string
		answer http.HandlerFunc
		says   string
	}{
		{"a wrong secret", coded(401, "invalid_client"), `token endpoint: status 401, error "invalid_client": the authorization server does not know the client id or secret; expected those of authority.client`},
		{"a wrong secret, as some say it", coded(400, "invalid_client"), `token endpoint: status 400, error "invalid_client": the authorization server does not know the client id or secret; expected those of authority.client`},
		{"a wrong secret, without a word", said(401, ""), `token endpoint: status 401: the authorization server does not know the client id or secret; expected those of authority.client`},
		{"a scope that the client may not have", coded(400, "invalid_scope"), `token endpoint: status 400, error "invalid_scope": the client may not have the scope "read write"; expected another authority.scope`},
		{"a client of another kind", coded(400, "unauthorized_client"), `token endpoint: status 400, error "unauthorized_client": the client may not use client credentials; expected one that may, or authority.issue`},
		{"a missing parameter", coded(400, "invalid_request"), `token endpoint: status 400, error "invalid_request": the authorization server misses something in the request; expected it in authority.parameters, such as an audience`},
		{"a refusal without a reason", said(403, "no"), `token endpoint: status 403: expected a token`},
		{"an error code that is none", coded(400, `you, S3CR3T, are not known`), `token endpoint: status 400: expected a token`},
		{"a redirect", said(302, ""), `token endpoint: status 302: redirects are not followed; expected the endpoint itself in authority.token_endpoint`},
		{"a path that is not there", said(404, ""), `token endpoint: status 404: /token is no token endpoint; expected another authority.token_endpoint`},
		{"too many requests", said(429, ""), `token endpoint: status 429: too many requests; expected a lower limits.rate`},
		{"an outage", coded(503, "temporarily_unavailable"), `token endpoint: status 503, error "temporarily_unavailable": the authorization server fails; expected it to be up`},
		{"a login page", said(200, "<html>"), `token endpoint: status 200 and a page of HTML; expected JSON with access_token`},
		{"no token", said(200, "{}"), `token endpoint: status 200, no access_token in it; expected JSON with one`},
		{"half an answer", said(200, `{"access_token": "x`), `token endpoint: status 200, no access_token in it; expected JSON with one`},
		{"a token that is a number", said(200, `{"access_token": {"a": 1}}`), `token endpoint: status 200, no access_token in it; expected JSON with one`},
		{"a token in two lines", said(200, `{"access_token": "a\nb"}`), `token endpoint: status 200, its token has characters that no header can hold; expected a bearer token (RFC 6750 section 2.1)`},
		{"a token bound to a key", said(200, `{"access_token": "a", "token_type": "DPoP"}`), `token endpoint: status 200, its token_type is not Bearer; expected bearer tokens, which need no proof`},
		{"an endless answer", func(w http.ResponseWriter, _ *http.Request) {
			for range 100 {
				fmt.Fprint(w, strings.Repeat("x", 1024))
			}
		}, `token endpoint: POST /token: the answer is longer than 64 KB`},
		{"no answer", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, `token endpoint: POST /token: it closed the connection before an answer`},
		{"a slow answer", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, `token endpoint: POST /token: no answer within 200ms`},
		{"the same token again", said(200, `{"access_token": "same"}`), `issue: the same token came twice, and revoking it would revoke both; expected another one each time`},
	} {
		t.Run(row.name, func(t *testing.T) {
			server := newProvider(t, map[string]http.HandlerFunc{"/token": row.answer})
			s := opened(t, server.targetOf(t, strings.Replace(byHand, "{token_endpoint", `{scope: "read  write", token_endpoint`, 1), "connection: {timeout: 200ms}"), Options{Getenv: secrets})
			var err error
			for range 2 {
				_, err = s.authority.Issue(t.Context(), harness.Grant{Format: token.Opaque, Scope: []string{"read", "write"}})
			}
			require.EqualError(t, err, row.says)
			if scope := server.requests()[0].PostForm.Get("scope"); scope != "read write" {
				t.Errorf("scope %q", scope)
			}
		})
	}
}

func TestWhatTheTargetAsksForIsSent(t *testing.T) {
	server := newProvider(t, map[string]http.HandlerFunc{"/token": numbered()})
	s := opened(t, server.targetOf(t, strings.Replace(byHand, "{token_endpoint", `{parameters: {audience: "https://api", resource: b}, token_endpoint`, 1), ""), Options{Getenv: secrets})
	assert.Equal(t, harness.Issued{Token: "t1", ExpiresIn: time.Minute}, issue(t, s))
	form := server.requests()[0].PostForm
	assert.Equal(t, url.Values{"grant_type": {"client_credentials"}, "audience": {"https://api"}, "resource": {"b"}}, form)
	_, err := s.authority.Issue(t.Context(), harness.Grant{Format: token.Opaque, Child: true})
	require.EqualError(t, err, "issue: a target issues tokens of one kind only")
	_, err = s.authority.Issue(t.Context(), harness.Grant{Format: token.JWT})
	require.EqualError(t, err, "issue: the token is no JWT; expected authority.token_type opaque")
	_, err = s.authority.RevokeAll(t.Context(), "group")
	require.EqualError(t, err, "revoke: a target has no call that revokes a group of tokens")
}

func TestAnswersOfARevocationEndpoint(t *testing.T) {
	for _, row := range []struct {
		name   string
		answer http.HandlerFunc
		status int
		says   string
	}{
		{"done", said(200, ""), 200, ""},
		{"done, without a body", said(204, ""), 200, ""},
		{"refused", said(403, ""), 403, ""},
		{"moved", said(302, ""), 302, ""},
		{"failed", said(503, `{"error": "server_error"}`), 503, ""},
		{"no answer", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 0, "revocation endpoint: POST /revoke: it closed the connection before an answer"},
	} {
		t.Run(row.name, func(t *testing.T) {
			server := newProvider(t, map[string]http.HandlerFunc{"/revoke": row.answer})
			s := opened(t, server.targetOf(t, byHand, ""), Options{Getenv: secrets})
			status, err := s.authority.Revoke(t.Context(), "raw")
			if row.says != "" {
				require.EqualError(t, err, row.says)
			} else {
				require.NoError(t, err)
			}
			assert.Equal(t, row.status, status)
		})
	}
}

// Issuing keeps to the limits of a target; revoking waits for nothing.
func TestTokensAreIssuedAtTheRateOfTheLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int64
		a := &authority{
			target: &scenarios.Target{Limits: scenarios.Limits{Tokens: 20}}, pace: pacer{gap: 100 * time.Millisecond},
			issued: map[string]fields{}, owners: map[string]bool{},
			issue:  func(context.Context) (fields, error) { return tokenFields(fmt.Sprint("t", n.Add(1)), fields{}) },
			revoke: func(context.Context, fields) (int, error) { return 200, nil },
		}
		start := time.Now()
		var group sync.WaitGroup
		for range 20 {
			group.Go(func() {
				_, err := a.Issue(t.Context(), harness.Grant{})
				assert.NoError(t, err)
			})
		}
		group.Wait()
		assert.Equal(t, 1900*time.Millisecond, time.Since(start))
		for i := range 20 {
			_, err := a.Revoke(t.Context(), fmt.Sprint("t", i+1))
			require.NoError(t, err)
		}
		assert.Equal(t, 1900*time.Millisecond, time.Since(start))
		_, err := a.Issue(t.Context(), harness.Grant{})
		require.EqualError(t, err, "issue: limits.tokens is 20, and another token is needed; expected more")
	})
}
