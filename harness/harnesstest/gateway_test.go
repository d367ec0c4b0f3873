package harnesstest_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tokendrill/tokendrill/fixtures/token"
	"github.com/tokendrill/tokendrill/harness/harnesstest"
	"github.com/tokendrill/tokendrill/fixtures/undisturbed"
	"github.com/tokendrill/tokendrill/scenarios"
)

// What the README shows: a gateway of a team's own, under test in ten lines.
func TestOurGatewayForgetsRevokedTokens(t *testing.T) {
	undisturbed.Try(t, func(t *undisturbed.Attempt) {
		report := harnesstest.Gateway(t, 100*time.Millisecond, func(as harnesstest.Authority) http.Handler {
			return newGateway(as.Issuer+"/introspect", as.ClientID, as.ClientSecret)
		}, brief)
		harnesstest.Require(t, report, "revoke.fleet_upper.max <= 500ms", "safety.false_accepts == 0")
	})
}

// brief keeps a run under ten seconds.
func brief(sc *scenarios.Scenario) {
	sc.Traffic.Rounds, sc.Revoke.Tokens = 1, 12
}

// newGateway asks an authorization server about every token.
func newGateway(introspection, id, secret string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := token.Bearer(r.Header.Values("Authorization"))
		req, err := http.NewRequestWithContext(r.Context(), http.MethodPost, introspection, strings.NewReader(url.Values{"token": {raw}}.Encode()))
		if err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		req.SetBasicAuth(id, secret)
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Accept", "application/json")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		defer res.Body.Close()
		var answer struct {
			Active bool `json:"active"`
		}
		switch err := json.NewDecoder(res.Body).Decode(&answer); {
		case err != nil || res.StatusCode != http.StatusOK:
			w.WriteHeader(http.StatusServiceUnavailable)
		case !answer.Active:
			w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
}
