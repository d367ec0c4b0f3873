package harnesstest

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/tokendrill/tokendrill/fixtures/authority"
	"github.com/tokendrill/tokendrill/harness"
	"github.com/tokendrill/tokendrill/harness/external"
	"github.com/tokendrill/tokendrill/harness/measure"
	"github.com/tokendrill/tokendrill/scenarios"
)

// Authority is the reference authorization server, as a gateway under test sees it.
type Authority struct {
	// Issuer is the iss of its tokens and the base URL of its endpoints: /introspect
	// (RFC 7662), /jwks and /.well-known/oauth-authorization-server.
	Issuer string
	// ClientID and ClientSecret are credentials that may introspect, by
	// client_secret_basic.
	ClientID, ClientSecret string
}

// Gateway measures a gateway of your own: build is given the reference authority
// and returns the handler, which is served on loopback and asked with opaque tokens
// for "/". Bound is how long a revoked token may live by its design. Edit changes
// the scenario before it is run, such as the number of tokens. It fails the test at
// once if the gateway is not fit to be measured; what the report says is for Require.
func Gateway(t testing.TB, bound time.Duration, build func(Authority) http.Handler, edit ...func(*scenarios.Scenario)) *measure.Report {
	t.Helper()
	var as *authority.Authority
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { as.ServeHTTP(w, r) }))
	issuer := "http://" + server.Listener.Addr().String()
	secret := rand.Text()
	gateway := Authority{Issuer: issuer, ClientID: "gateway", ClientSecret: rand.Text()}
	as, err := authority.New(authority.Config{
		Issuer: issuer, Clock: time.Now, Lifetime: time.Hour, Audience: "api", Clients: []authority.Client{
			{ID: "app", Secret: secret, Scopes: []string{"read"}},
			{ID: gateway.ClientID, Secret: gateway.ClientSecret, Introspects: true},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	server.Start()
	defer server.Close()
	under := httptest.NewServer(build(gateway))
	defer under.Close()
	target, err := scenarios.ParseTarget(fmt.Appendf(nil, gatewayTarget, bound, under.URL, issuer), "gateway")
	if err != nil {
		t.Fatal(err)
	}
	return runTargets(t, external.Options{Getenv: func(string) string { return secret }}, edit, target)
}

const gatewayTarget = `
name: gateway
bound: %v
gateways: [{name: gw-1, url: "%s"}]
authority:
  issuer: "%s"
  client: {id: app, secret_env: SECRET}
  scope: read
probe: {path: /}
limits: {rate: 1000/s}
`

// Target measures the system that a target file describes. Edit changes the scenario
// before it is run. It fails the test at once if the system is not fit to be
// measured; what the report says is for Require.
func Target(t testing.TB, file string, opts external.Options, edit ...func(*scenarios.Scenario)) *measure.Report {
	t.Helper()
	target, err := scenarios.LoadTarget(file)
	if err != nil {
		t.Fatal(err)
	}
	return runTargets(t, opts, edit, target)
}

func runTargets(t testing.TB, opts external.Options, edit []func(*scenarios.Scenario), targets ...*scenarios.Target) *measure.Report {
	t.Helper()
	sc, err := scenarios.Own(scenarios.Given{Targets: targets, Hosts: opts.Allow})
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range edit {
		change(sc)
	}
	if err := sc.Validate(); err != nil {
		t.Fatal(err)
	}
	return Run(t, sc, 7, harness.Options{Stage: external.Stage{Options: opts}})
}
