package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tokendrill/tokendrill/fixtures/authority"
	"github.com/tokendrill/tokendrill/fixtures/token"
	"github.com/tokendrill/tokendrill/harness"
	"github.com/tokendrill/tokendrill/scenarios"
)

// Clients of the authority that are there for the user.
const (
	demoClient    = "demo"
	demoJWTClient = "demo-jwt"
	gatewayClient = "gateway"
)

// standing is a stage that is up for somebody to use by hand.
type standing struct {
	plan *harness.Plan
	site *harness.Site
	// secret is that of both clients that get tokens.
	secret, gatewaySecret string
	probe                 scenarios.Call
}

// start starts a stage with clients for the user.
func (c stageChoice) start(ctx context.Context, plan *harness.Plan, show *progress) (*standing, error) {
	s := &standing{plan: plan, secret: rand.Text(), gatewaySecret: rand.Text(), probe: probeOf(plan.Scenario)}
	clients := []authority.Client{
		{ID: demoClient, Secret: s.secret, Scopes: plan.Scopes()},
		{ID: demoJWTClient, Secret: s.secret, Scopes: plan.Scopes(), JWT: true},
		{ID: gatewayClient, Secret: s.gatewaySecret, Introspects: true},
	}
	stage := harness.Stage(harness.Embedded{Clients: clients})
	if c.kind == stageContainers {
		stage = c.containers(forUp, show, clients...)
	}
	var err error
	s.site, err = stage.Start(ctx, plan)
	return s, err
}

// probeOf is a request that a token with every scope may make: a GET if there is one.
func probeOf(sc *scenarios.Scenario) scenarios.Call {
	const path = "/hello"
	policy := sc.Policy()
	if r := policy.Match(http.MethodGet, path); r.ACR == "" && r.Audience == "" {
		return scenarios.Call{Method: http.MethodGet, Path: path}
	}
	return sc.PlainCall()
}

// clientOf gets the tokens that the gateways of a system take.
func clientOf(s harness.System) string {
	if s.Format == token.JWT {
		return demoJWTClient
	}
	return demoClient
}

// upstream is what the gateways protect.
func (s *standing) upstream() string { return strings.TrimSuffix(s.site.Floor, "/") }

// describe writes the files, that which is waited for last.
func (s *standing) describe(dir *stageFolder) error {
	err := dir.write("secret", s.secret+"\n")
	if err == nil {
		err = dir.publish(addressFile, s.addresses())
	}
	for i, sys := range s.plan.Systems {
		if err == nil {
			err = dir.write(sys.Pattern+".yaml", s.target(sys, s.site.Gateways[i]))
		}
	}
	if err == nil {
		err = dir.publish("env", s.env())
	}
	if err != nil {
		return fmt.Errorf("stage folder: %w", err)
	}
	return nil
}

// token asks the authority for one.
func (s *standing) token(ctx context.Context, client string) (string, error) {
	form := url.Values{"grant_type": {"client_credentials"}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.site.Issuer+"/token", strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(client, s.secret)
	res, err := s.site.Transport.RoundTrip(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil || answer.AccessToken == "" {
		return "", fmt.Errorf("token endpoint: status %d, no token", res.StatusCode)
	}
	return answer.AccessToken, nil
}

// env is what a shell sources.
func (s *standing) env() string {
	var b strings.Builder
	for _, v := range [][2]string{
		{"ISSUER", s.site.Issuer},
		{"CLIENT", demoClient}, {"JWT_CLIENT", demoJWTClient}, {"SECRET", s.secret},
		{"GATEWAY_CLIENT", gatewayClient}, {"GATEWAY_SECRET", s.gatewaySecret},
		{"UPSTREAM", s.upstream()},
	} {
		fmt.Fprintf(&b, "export TOKENDRILL_STAGE_%s=%s\n", v[0], quoted(v[1]))
	}
	return b.String()
}

// leastBound is what a target file says of a pattern that refuses at once: it has to
// say something.
const leastBound = 100 * time.Millisecond

// target is a target file for the gateways of a pattern.
func (s *standing) target(sys harness.System, urls []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\nname: own-%s\n", targetHead, sys.Pattern)
	fmt.Fprintf(&b, "about: The %s gateways of the stage %s, measured as if they were somebody's own.\n", sys.Pattern, s.plan.Scenario.Name)
	fmt.Fprintf(&b, "bound: %v # %s\n", max(sys.Bound, leastBound), sys.BoundWhy)
	fmt.Fprint(&b, "gateways:\n")
	for i, u := range urls {
		fmt.Fprintf(&b, "  - {name: %s, url: %q}\n", sys.Gateways[i], u)
	}
	fmt.Fprintf(&b, "authority:\n  issuer: %q\n", s.site.Issuer)
	fmt.Fprintf(&b, "  client: {id: %s, secret_file: secret}\n", clientOf(sys))
	fmt.Fprintf(&b, "  scope: %q\n  token_type: %s\n", strings.Join(s.plan.Scopes(), " "), sys.Format)
	fmt.Fprintf(&b, "probe: {method: %s, path: %q}\n", s.probe.Method, s.probe.Path)
	fmt.Fprint(&b, "limits: {rate: 1000/s, tokens: 500, duration: 10m}\n")
	return b.String()
}
