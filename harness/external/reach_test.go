package external

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/chaos"
	"github.com/tokendrill/tokendrill/scenarios"
)

// parsed is a target with the gateways and more lines of YAML. Its tokens come from a
// file, and no server is needed to open it.
func parsed(t testing.TB, gateways, more string) *scenarios.Target {
	t.Helper()
	target, err := scenarios.ParseTarget(fmt.Appendf(nil, `
name: staging
bound: 1s
gateways: [%s]
authority: {issue: {file: %q}, revoke: {command: ["true"]}}
probe: {path: /protected}
%s`, gateways, write(t, "tokens", []byte("t1\nt2\n")), more), "staging.yaml")
	require.NoError(t, err)
	return target
}

// opened is a target that is closed with the test.
func opened(t testing.TB, target *scenarios.Target, opts Options) *System {
	t.Helper()
	s, err := Open(t.Context(), target, opts)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.Close()) })
	return s
}

// got is what the first gateway answers: its status and how it came.
func got(t testing.TB, s *System) (string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.gateways()[0]+"/protected", http.NoBody)
	require.NoError(t, err)
	res, err := s.doors[0].RoundTrip(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return fmt.Sprintf("%d %s %s", res.StatusCode, res.Proto, body), nil
}

func TestHostsThatAreNotAllowed(t *testing.T) {
	const eu = `{name: eu, url: "https://api-eu.example.com"}`
	const here = `{name: eu, url: "http://127.0.0.1:1"}`
	authority := func(text string) string {
		return "authority: " + text
	}
	for _, row := range []struct {
		name, gateways, authority string
		allow                     []string
		says                      string
	}{
		{"a gateway", eu, "", nil, "gateway eu: host api-eu.example.com is not allowed; expected --allow-host api-eu.example.com"},
		{"a gateway by its address", `{name: eu, url: "http://10.0.0.7:80/x"}`, "", nil, "gateway eu: host 10.0.0.7 is not allowed; expected --allow-host 10.0.0.7"},
		{"a gateway that is allowed", eu, "", []string{"API-eu.example.com"}, ""},
		{"where to dial in its place", `{name: eu, url: "http://localhost", connect: "10.0.0.7:80"}`, "", nil, "gateway eu: connect: host 10.0.0.7 is not allowed; expected --allow-host 10.0.0.7"},
		{"a host that is dialled elsewhere, and meant all the same", `{name: eu, url: "http://api-eu.example.com", connect: "127.0.0.1:80"}`, "", nil, "gateway eu: host api-eu.example.com is not allowed; expected --allow-host api-eu.example.com"},
		{"the second gateway", here + `, {name: us, url: "http://[2001:db8::1]:80"}`, "", nil, "gateway us: host 2001:db8::1 is not allowed; expected --allow-host 2001:db8::1"},
		{"the issuer", here, authority(`{issuer: "https://idp.example.com", client: {id: a, secret_env: S}}`), nil, "authority.issuer: host idp.example.com is not allowed; expected --allow-host idp.example.com"},
		{"the token endpoint", here, authority(`{token_endpoint: "https://idp.example.com/t", revocation_endpoint: "http://127.0.0.1/", client: {id: a, secret_env: S}}`), nil, "authority.token_endpoint: host idp.example.com is not allowed; expected --allow-host idp.example.com"},
		{"an endpoint that nobody asked", here, authority(`{token_endpoint: "http://127.0.0.1/", revocation_endpoint: "http://127.0.0.1/", jwks_uri: "https://idp.example.com/k", client: {id: a, secret_env: S}}`), nil, "authority.jwks_uri: host idp.example.com is not allowed; expected --allow-host idp.example.com"},
		{"a call that issues", here, authority(`{issue: {http: {url: "https://idp.example.com/login"}}, revoke: {command: ["true"]}}`), nil, "authority.issue: POST https://idp.example.com/login: host idp.example.com is not allowed; expected --allow-host idp.example.com"},
		{"a call that revokes, at a host of the environment", here, authority(`{issue: {command: ["true"]}, revoke: {http: {url: "https://${IDP}/sessions/{jti}?a=b"}}}`), nil, "authority.revoke: POST https://${IDP}/sessions/{jti}: host idp.example.com is not allowed; expected --allow-host idp.example.com"},
	} {
		t.Run(row.name, func(t *testing.T) {
			text := row.authority
			if text == "" {
				text = authority(`{issue: {command: ["true"]}, revoke: {command: ["true"]}}`)
			}
			target, err := scenarios.ParseTarget(fmt.Appendf(nil, "name: staging\nbound: 1s\ngateways: [%s]\nprobe: {path: /}\n%s\n", row.gateways, text), "staging.yaml")
			require.NoError(t, err)
			s, err := Open(t.Context(), target, Options{Allow: row.allow, Getenv: func(string) string { return "idp.example.com" }})
			if row.says == "" {
				require.NoError(t, err)
				require.NoError(t, s.Close())
				return
			}
			require.EqualError(t, err, row.says)
		})
	}
}

// A name is looked at again when it is known what it resolves to: nothing gets out
// by a name that is thought to be this machine, nor by one that nobody looked at.
func TestNoDialGetsAroundTheHosts(t *testing.T) {
	r := reach{hosts: chaos.Hosts{"allowed.example"}}
	for _, row := range []struct{ address, says string }{
		{"10.255.255.1:80", "dial tcp 10.255.255.1:80: host 10.255.255.1 is not allowed; expected --allow-host 10.255.255.1"},
		{"[2001:db8::1]:80", "dial tcp [2001:db8::1]:80: host 2001:db8::1 is not allowed; expected --allow-host 2001:db8::1"},
	} {
		_, err := r.dial(t.Context(), "tcp", row.address)
		require.EqualError(t, err, row.says)
	}
}

func TestNoProxyIsTaken(t *testing.T) {
	var proxied atomic.Bool
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { proxied.Store(true) }))
	defer proxy.Close()
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"} {
		t.Setenv(name, proxy.URL)
	}
	assert.Nil(t, reach{}.transport("").Proxy)
	s := opened(t, parsed(t, `{name: eu, url: "http://127.0.0.1:1"}`, ""), Options{})
	_, err := got(t, s)
	require.Error(t, err)
	assert.False(t, proxied.Load())
}

// served is a server whose answer says which host was asked, and who asked.
func served(t testing.TB, change func(*httptest.Server)) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who := "nobody"
		if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
			who = r.TLS.PeerCertificates[0].Subject.CommonName
		}
		host, _, _ := net.SplitHostPort(r.Host)
		if host == "" {
			host = r.Host
		}
		fmt.Fprint(w, host, " ", who)
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	change(s)
	t.Cleanup(s.Close)
	return s
}

// pair writes a certificate and its key to files beside each other.
func pair(t testing.TB, c tls.Certificate) (certFile, keyFile string) {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	require.NoError(t, err)
	return write(t, "cert.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]})),
		write(t, "key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func TestGatewaysOverTLS(t *testing.T) {
	ca := newIssuer(t)
	named := ca.certificate(func(c *x509.Certificate) { c.DNSNames, c.IPAddresses = []string{"api.example.com"}, nil })
	cert, key := pair(t, ca.certificate(func(c *x509.Certificate) { c.Subject.CommonName = "drill" }))
	plain := served(t, serving(ca.certificate(nil)))
	elsewhere := served(t, serving(named))
	both := served(t, func(s *httptest.Server) { s.EnableHTTP2 = true; serving(ca.certificate(nil))(s) })
	pool := x509.NewCertPool()
	trusted, err := os.ReadFile(ca.file)
	require.NoError(t, err)
	require.True(t, pool.AppendCertsFromPEM(trusted))
	asks := served(t, func(s *httptest.Server) {
		s.TLS = &tls.Config{Certificates: []tls.Certificate{ca.certificate(nil)}, ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: pool}
		s.StartTLS()
	})
	port := elsewhere.Listener.Addr().(*net.TCPAddr).Port
	for _, row := range []struct{ name, gateway, connection, want, says string }{
		{"an authority of one's own", plain.URL, "{ca_file: CA}", "200 HTTP/1.1 127.0.0.1 nobody", ""},
		{"that of the system", plain.URL, "{}", "", "tls: failed to verify certificate: x509: certificate signed by unknown authority"},
		{"none", plain.URL, "{insecure: true}", "200 HTTP/1.1 127.0.0.1 nobody", ""},
		{"a client certificate", asks.URL, "{ca_file: CA, cert_file: CERT, key_file: KEY}", "200 HTTP/1.1 127.0.0.1 drill", ""},
		{"no client certificate", asks.URL, "{ca_file: CA}", "200 HTTP/1.1 127.0.0.1 nobody", ""},
		{"HTTP/2", both.URL, "{ca_file: CA, http2: true}", "200 HTTP/2.0 127.0.0.1 nobody", ""},
		{"HTTP/2 on fresh connections", both.URL, "{ca_file: CA, http2: true, fresh: true}", "200 HTTP/2.0 127.0.0.1 nobody", ""},
		{"HTTP/2 that is offered and not asked for", both.URL, "{ca_file: CA}", "200 HTTP/1.1 127.0.0.1 nobody", ""},
		{"HTTP/2 that is asked for in vain", plain.URL, "{ca_file: CA, http2: true}", "200 HTTP/1.1 127.0.0.1 nobody", ""},
		{"a name that is dialled elsewhere", fmt.Sprintf(`https://api.example.com", connect: "127.0.0.1:%d`, port), "{ca_file: CA}", "200 HTTP/1.1 api.example.com nobody", ""},
		{"a name that is dialled elsewhere, where another one answers", fmt.Sprintf(`https://api2.example.com", connect: "127.0.0.1:%d`, port), "{ca_file: CA}", "",
			"tls: failed to verify certificate: x509: certificate is valid for api.example.com, not api2.example.com"},
	} {
		t.Run(row.name, func(t *testing.T) {
			connection := strings.NewReplacer("CA", ca.file, "CERT", cert, "KEY", key).Replace(row.connection)
			target := parsed(t, fmt.Sprintf(`{name: eu, url: "%s"}`, row.gateway), "connection: "+connection)
			s := opened(t, target, Options{Insecure: true, Allow: []string{"api.example.com", "api2.example.com"}})
			for range 2 {
				text, err := got(t, s)
				if row.says != "" {
					require.EqualError(t, err, row.says)
					continue
				}
				require.NoError(t, err)
				assert.Equal(t, row.want, text)
			}
		})
	}
}

func TestConnectionsThatCannotBe(t *testing.T) {
	ca := newIssuer(t)
	cert, key := pair(t, ca.certificate(nil))
	_, other := pair(t, ca.certificate(nil))
	text := write(t, "text", []byte("no PEM"))
	gone := filepath.Join(t.TempDir(), "gone")
	for _, row := range []struct{ name, connection, says string }{
		{"insecure by the file alone", "{insecure: true}", "connection.insecure: certificates would not be verified; expected --insecure, which allows that, or connection.ca_file"},
		{"no such file", "{ca_file: " + gone + "}", "connection.ca_file: open " + gone + ": no such file or directory"},
		{"no certificate in it", "{ca_file: " + text + "}", "connection.ca_file: " + text + " has no certificate in it; expected PEM"},
		{"the key of another certificate", fmt.Sprintf("{cert_file: %s, key_file: %s}", cert, other), "connection.cert_file: tls: private key does not match public key"},
		{"a key that is none", fmt.Sprintf("{cert_file: %s, key_file: %s}", cert, text), "connection.cert_file: tls: failed to find any PEM data in key input"},
		{"a certificate that is none", fmt.Sprintf("{cert_file: %s, key_file: %s}", text, key), "connection.cert_file: tls: failed to find any PEM data in certificate input"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := Open(t.Context(), parsed(t, `{name: eu, url: "https://127.0.0.1:1"}`, "connection: "+row.connection), Options{})
			require.EqualError(t, err, row.says)
		})
	}
}

// counted counts the connections of a server, and those that are open.
func counted(s *httptest.Server) (all func() int, open func() int) {
	var mu sync.Mutex
	seen, now := map[net.Conn]bool{}, map[net.Conn]bool{}
	s.Config.ConnState = func(c net.Conn, state http.ConnState) {
		mu.Lock()
		defer mu.Unlock()
		seen[c] = true
		now[c] = state != http.StateClosed
	}
	count := func(conns *map[net.Conn]bool) func() int {
		return func() (n int) {
			mu.Lock()
			defer mu.Unlock()
			for _, is := range *conns {
				if is {
					n++
				}
			}
			return n
		}
	}
	return count(&seen), count(&now)
}

func TestConnectionsAreKeptOrFresh(t *testing.T) {
	ca := newIssuer(t)
	for _, row := range []struct {
		name, connection string
		http2            bool
		together         int // requests at a time, four times in a row
		fewest, most     int
	}{
		{"kept, one request after the other", "{ca_file: CA}", false, 1, 1, 1},
		{"kept, HTTP/2, some at a time", "{ca_file: CA, http2: true}", true, 8, 1, 8},
		{"fresh, one after the other", "{ca_file: CA, fresh: true}", false, 1, 4, 4},
		{"fresh, some at a time", "{ca_file: CA, fresh: true}", false, 8, 32, 32},
		{"fresh, HTTP/2, some at a time", "{ca_file: CA, fresh: true, http2: true}", true, 8, 32, 32},
	} {
		t.Run(row.name, func(t *testing.T) {
			var all, open func() int
			server := served(t, func(s *httptest.Server) {
				all, open = counted(s)
				s.EnableHTTP2 = row.http2
				serving(ca.certificate(nil))(s)
			})
			target := parsed(t, fmt.Sprintf(`{name: eu, url: %q}`, server.URL), "connection: "+strings.ReplaceAll(row.connection, "CA", ca.file))
			s, err := Open(t.Context(), target, Options{})
			require.NoError(t, err)
			for range 4 {
				var group sync.WaitGroup
				for range row.together {
					group.Go(func() {
						_, err := got(t, s)
						assert.NoError(t, err)
					})
				}
				group.Wait()
			}
			assert.GreaterOrEqual(t, all(), row.fewest)
			assert.LessOrEqual(t, all(), row.most)
			require.NoError(t, s.Close())
			require.Eventually(t, func() bool { return open() == 0 }, 10*time.Second, 5*time.Millisecond, "no connection outlives the system")
		})
	}
}

// A server that is slow in shaking hands holds nobody up.
func TestAHandshakeEndsInTime(t *testing.T) {
	mute, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer mute.Close()
	target := parsed(t, fmt.Sprintf(`{name: eu, url: "https://%s"}`, mute.Addr()), "connection: {timeout: 200ms}")
	_, err = got(t, opened(t, target, Options{}))
	require.EqualError(t, err, "net/http: TLS handshake timeout")
}
