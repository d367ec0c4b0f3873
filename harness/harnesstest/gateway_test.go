package harnesstest_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/fixtures/token"
	"github.com/tokendrill/tokendrill/fixtures/undisturbed"
	"github.com/tokendrill/tokendrill/harness/harnesstest"
	"github.com/tokendrill/tokendrill/scenarios"
)

// The documents show it line by line: a gateway of a team's own, under test.
func TestOurGatewayForgetsRevokedTokens(t *testing.T) {
	undisturbed.Long(t, "takes 20 s: 64 revocations")
	undisturbed.Try(t, func(t *undisturbed.Attempt) {
		report := harnesstest.Gateway(t, 100*time.Millisecond, func(as harnesstest.Authority) http.Handler {
			return newGateway(as.Issuer+"/introspect", as.ClientID, as.ClientSecret)
		})
		harnesstest.Require(t, report, "revoke.fleet_upper.p95 <= 500ms", "safety.false_accepts == 0")
	})
}

// The same gateway with a hole is found out, in a run that the caller made brief.
func TestAGatewayThatForgetsToAskIsFoundOut(t *testing.T) {
	undisturbed.Try(t, func(t *undisturbed.Attempt) {
		report := harnesstest.Gateway(t, 100*time.Millisecond, func(as harnesstest.Authority) http.Handler {
			return remembering(newGateway(as.Issuer+"/introspect", as.ClientID, as.ClientSecret))
		}, func(sc *scenarios.Scenario) { sc.Traffic.Rounds, sc.Revoke.Tokens = 1, 12 })
		found := &recorder{TB: t}
		harnesstest.Require(found, report, "safety.false_accepts == 0")
		require.Len(t, found.failures, 1)
		assert.Contains(t, found.failures[0], "fail: safety.false_accepts == 0 at gateway")
	})
}

// remembering lets in for good whom it has let in once.
func remembering(h http.Handler) http.Handler {
	var known sync.Map
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw := r.Header.Get("Authorization")
		if _, ok := known.Load(raw); ok {
			return
		}
		asked := httptest.NewRecorder()
		h.ServeHTTP(asked, r)
		if asked.Code == http.StatusOK {
			known.Store(raw, true)
		}
		w.WriteHeader(asked.Code)
	})
}

// newGateway asks an authorization server about every token.
func newGateway(introspection, id, secret string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, presented := token.Bearer(r.Header.Values("Authorization"))
		if !presented {
			w.Header().Set("WWW-Authenticate", "Bearer")
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
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
