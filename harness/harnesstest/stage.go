package harnesstest

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/tokendrill/tokendrill/harness"
)

// TestStage starts a stage for a plan and tests what every stage owes a run: each
// gateway of each system accepts a fresh token, refuses one that was never issued,
// refuses a revoked one within the bound of its pattern and at once thereafter.
// Faults reach every node and every hop of the plan, wherever it is; one fault of a
// link and one verb of a node land and heal at each pattern. It closes the site.
func TestStage(t *testing.T, stage harness.Stage, p *harness.Plan) {
	site, err := stage.Start(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := site.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	if len(site.Gateways) != len(p.Systems) {
		t.Fatalf("gateways for %d systems, the plan has %d", len(site.Gateways), len(p.Systems))
	}
	for i, s := range p.Systems {
		t.Run(s.Pattern, func(t *testing.T) { testSystem(t, site, s, site.Gateways[i]) })
	}
	t.Run("hops", func(t *testing.T) { testHops(t, site, p) })
	t.Run("nodes", func(t *testing.T) { testNodes(t, site, p) })
}

func testSystem(t *testing.T, site *harness.Site, s harness.System, urls []string) {
	if len(urls) != len(s.Gateways) {
		t.Fatalf("%d URLs for the gateways %v", len(urls), s.Gateways)
	}
	issued, err := site.Authority.Issue(t.Context(), harness.Grant{Format: s.Format, Scope: []string{"read"}})
	if err != nil {
		t.Fatal(err)
	}
	for i, url := range urls {
		if got := get(t, site, url, issued.Token); got != http.StatusOK {
			t.Errorf("%s: a fresh token got %d, want 200", s.Gateways[i], got)
		}
		if got := get(t, site, url, "never-issued"); got != http.StatusUnauthorized {
			t.Errorf("%s: a token that was never issued got %d, want 401", s.Gateways[i], got)
		}
	}
	if s.Target == nil {
		node := s.Pattern + "/" + s.Gateways[0]
		t.Run("fault of a link", func(t *testing.T) { testLinkFault(t, site, node, urls[0], issued.Token) })
		t.Run("verb of a node", func(t *testing.T) { testVerb(t, site, node, urls[0], issued.Token) })
	}
	if status, err := site.Authority.Revoke(t.Context(), issued.Token); err != nil || status != http.StatusOK {
		t.Fatalf("revoke: %d, %v", status, err)
	}
	// A push needs some time to arrive, however small the bound is.
	deadline := time.Now().Add(s.Bound + time.Second)
	for i, url := range urls {
		for get(t, site, url, issued.Token) != http.StatusUnauthorized {
			if time.Now().After(deadline) {
				t.Fatalf("%s: still accepted %v after the revocation", s.Gateways[i], s.Bound+time.Second)
			}
		}
		if got := get(t, site, url, issued.Token); got != http.StatusUnauthorized {
			t.Errorf("%s: got %d after it was refused", s.Gateways[i], got)
		}
	}
}

// get asks a gateway for something with a token and returns the status.
func get(t *testing.T, site *harness.Site, url, raw string) int {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+raw)
	res, err := site.Transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	return res.StatusCode
}
