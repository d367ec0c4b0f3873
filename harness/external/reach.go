package external

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/tokendrill/tokendrill/chaos"
	"github.com/tokendrill/tokendrill/harness"
	"github.com/tokendrill/tokendrill/scenarios"
)

const (
	// usualTimeout bounds a request to a target that says nothing about it.
	usualTimeout = 10 * time.Second
	// idleTimeout ends connections that are not in use before servers do (Apache: 5 s):
	// a request on one that is just being closed would be lost.
	idleTimeout = 4 * time.Second
)

// reach is how everything of a target is reached.
type reach struct {
	hosts chaos.Hosts
	how   scenarios.Connection
	tls   *tls.Config
}

// newReach reads the certificates that a target names.
func newReach(t *scenarios.Target, opts Options) (reach, error) {
	r := reach{hosts: opts.Allow, how: t.Connection, tls: &tls.Config{}}
	r.how.Timeout = cmp.Or(r.how.Timeout, usualTimeout)
	if r.how.Insecure && !opts.Insecure {
		return r, errors.New("connection.insecure: certificates would not be verified; expected --insecure, which allows that, or connection.ca_file")
	}
	r.tls.InsecureSkipVerify = r.how.Insecure
	if file := r.how.CAFile; file != "" {
		data, err := os.ReadFile(beside(t, file))
		if err != nil {
			return r, fmt.Errorf("connection.ca_file: %w", err)
		}
		if r.tls.RootCAs = x509.NewCertPool(); !r.tls.RootCAs.AppendCertsFromPEM(data) {
			return r, fmt.Errorf("connection.ca_file: %s has no certificate in it; expected PEM", file)
		}
	}
	if r.how.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(beside(t, r.how.CertFile), beside(t, r.how.KeyFile))
		if err != nil {
			return r, fmt.Errorf("connection.cert_file: %w", err)
		}
		r.tls.Certificates = []tls.Certificate{pair}
	}
	return r, nil
}

// beside is a file that a target names.
func beside(t *scenarios.Target, file string) string {
	if filepath.IsAbs(file) {
		return file
	}
	return filepath.Join(t.Dir, file)
}

// may refuses a URL whose host may not be reached; empty is none. What names it.
func (r reach) may(what, rawURL string) error {
	if rawURL == "" {
		return nil
	}
	u, err := url.Parse(rawURL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
		return fmt.Errorf("%s: not the URL of a server", what)
	}
	if err := r.hosts.Check(u.Hostname()); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// mayAll refuses a target with a host that may not be reached. The hosts of calls
// may be in variables, so that these see to it by themselves.
func (r reach) mayAll(t *scenarios.Target) error {
	for _, g := range t.Gateways {
		if err := r.mayGateway(g); err != nil {
			return err
		}
	}
	a := t.Authority
	for _, u := range [][2]string{
		{"issuer", a.Issuer}, {"token_endpoint", a.TokenEndpoint}, {"introspection_endpoint", a.IntrospectionEndpoint},
		{"revocation_endpoint", a.RevocationEndpoint}, {"jwks_uri", a.JWKSURI},
	} {
		if err := r.may("authority."+u[0], u[1]); err != nil {
			return err
		}
	}
	return nil
}

// mayGateway is may for what a gateway is dialled by.
func (r reach) mayGateway(g scenarios.TargetGateway) error {
	err := r.may("gateway "+g.Name, g.URL)
	if err != nil || g.Connect == "" {
		return err
	}
	host, _, err := net.SplitHostPort(g.Connect)
	if err == nil {
		err = r.hosts.Check(host)
	}
	if err != nil {
		return fmt.Errorf("gateway %s: connect: %w", g.Name, err)
	}
	return nil
}

// door is a way to servers, with connections of its own.
type door interface {
	http.RoundTripper
	CloseIdleConnections()
}

// door makes one that follows no redirect, takes no proxy from the environment and
// sees that no host is reached which may not be. Connect, if it is not empty, is
// dialled in the place of any address. Whoever sends bounds the time of the body.
func (r reach) door(connect string) door {
	if r.how.Fresh && r.how.HTTP2 {
		return freshDoor{func() *http.Transport { return r.transport(connect) }}
	}
	return r.transport(connect)
}

func (r reach) transport(connect string) *http.Transport {
	t := harness.NewTransport(harness.DefaultAttackWorkers)
	t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		return r.dial(ctx, network, cmp.Or(connect, address))
	}
	t.TLSClientConfig = r.tls.Clone()
	t.TLSHandshakeTimeout, t.ResponseHeaderTimeout = r.how.Timeout, r.how.Timeout
	t.IdleConnTimeout = idleTimeout
	t.DisableKeepAlives = r.how.Fresh
	t.Protocols = new(http.Protocols)
	t.Protocols.SetHTTP1(true)
	t.Protocols.SetHTTP2(r.how.HTTP2)
	t.HTTP2 = &http.HTTP2Config{SendPingTimeout: r.how.Timeout, PingTimeout: r.how.Timeout}
	return t
}

// dial connects to an address, and looks at what its name resolves to before it does.
func (r reach) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	d := net.Dialer{Timeout: r.how.Timeout, Control: r.hosts.Control(host)}
	return d.DialContext(ctx, network, address)
}

// freshDoor makes a transport for each request: one would send several requests at
// a time over the same HTTP/2 connection, however fresh.
type freshDoor struct{ make func() *http.Transport }

func (d freshDoor) RoundTrip(r *http.Request) (*http.Response, error) { return d.make().RoundTrip(r) }

// CloseIdleConnections does nothing: a connection ends with its only request.
func (freshDoor) CloseIdleConnections() {}
