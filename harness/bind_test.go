package harness

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tokendrill/tokendrill/fixtures/token"
	"github.com/tokendrill/tokendrill/scenarios"
)

// press is an authority that issues numbered tokens and remembers what was asked of it.
type press struct {
	refuse func(Grant) error

	mu      sync.Mutex
	grants  map[string]Grant // by token
	revoked []string
}

func (a *press) Issue(_ context.Context, g Grant) (Issued, error) {
	if a.refuse != nil {
		if err := a.refuse(g); err != nil {
			return Issued{}, err
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.grants == nil {
		a.grants = map[string]Grant{}
	}
	t := Issued{Token: fmt.Sprintf("ABCDEFGHIJKLMNOPQRSTUVWXYZ-%040d", len(a.grants)), ExpiresIn: 10 * time.Minute}
	if g.Lifetime > 0 {
		t.ExpiresIn = g.Lifetime
	}
	if g.NoExpiry {
		t.ExpiresIn = 0
	}
	if g.Child {
		t.Parent = "parent-of-" + t.Token
	}
	a.grants[t.Token] = g
	return t, nil
}

func (a *press) Revoke(_ context.Context, raw string) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.revoked = append(a.revoked, raw)
	return http.StatusOK, nil
}

func (a *press) RevokeAll(ctx context.Context, group string) (int, error) {
	return a.Revoke(ctx, "all of "+group)
}

// bound binds a plan to the press.
func (a *press) bind(t *testing.T, p *Plan) *binding {
	t.Helper()
	site := &Site{Authority: a, Issuer: "https://as.example"}
	for _, s := range p.Systems {
		var gateways, origins []string
		for _, g := range s.Gateways {
			gateways, origins = append(gateways, "http://"+s.Pattern+"."+g), append(origins, "http://"+s.Pattern+"."+g+".origin")
		}
		site.Gateways, site.Origins = append(site.Gateways, gateways), append(site.Origins, origins)
	}
	b, err := bind(t.Context(), p, site, func(int, int) {})
	require.NoError(t, err)
	b.zero = time.Now()
	return b
}

func (a *press) issuedTo(h Hit) (Grant, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	g, ok := a.grants[strings.TrimPrefix(h.Authorization[0], "Bearer ")]
	return g, ok
}

// requestOf is the first request of a plan that fits.
func requestOf(t *testing.T, p *Plan, fits func(Request) bool) Request {
	t.Helper()
	for r := range p.Requests() {
		if fits(r) {
			return r
		}
	}
	require.Fail(t, "no such request")
	return Request{}
}

func stimulusOf(t *testing.T, p *Plan, name string) Request {
	t.Helper()
	return requestOf(t, p, func(r Request) bool { return r.Stimulus == name })
}

func TestTokensAreIssuedAsTheirStimulusNeedsThem(t *testing.T) {
	p, a := planOf(t, provoked, 1), &press{}
	b := a.bind(t, p)
	for name, want := range map[string]Grant{
		scenarios.ScopeChange:    {Scope: []string{"read"}},
		scenarios.AudienceChange: {Scope: p.scopes},
		scenarios.NoExp:          {Scope: p.scopes, NoExpiry: true},
		scenarios.StepUp:         {Scope: p.scopes, ACR: "mfa"},
	} {
		r := stimulusOf(t, p, name)
		h, ok := b.hit(r)
		require.True(t, ok)
		got, ok := a.issuedTo(h)
		require.True(t, ok, name)
		want.Format = p.Systems[r.System].Format
		assert.Equal(t, want, got, name)
		assert.Equal(t, name, h.Label.Detail)
	}
	tenants := map[string]bool{}
	for r := range p.Requests() {
		if r.Stimulus == scenarios.TwoTenants {
			h, _ := b.hit(r)
			g, _ := a.issuedTo(h)
			tenants[g.Audience] = true
		}
	}
	assert.Len(t, tenants, 2)
}

func TestBadTokensWereNeverIssuedAndMustBeRefused(t *testing.T) {
	p, a := planOf(t, provoked, 1), &press{}
	b := a.bind(t, p)
	seen := map[string]bool{}
	for r := range p.Requests() {
		if r.Stimulus != scenarios.BadTokens {
			continue
		}
		h, ok := b.hit(r)
		require.True(t, ok)
		_, issued := a.issuedTo(h)
		require.False(t, issued)
		require.Equal(t, token.Outcome{Verdict: token.Reject, Reason: token.InvalidToken}, h.Label.Expect)
		require.Equal(t, token.Fuzzed, h.Label.Class)
		require.Equal(t, scenarios.BadTokens, h.Label.Detail)
		seen[h.Authorization[0]] = true
	}
	assert.Len(t, seen, p.Stimuli[0].Tokens*len(p.Systems), "each stays the same, no two are alike")
}

// A lookalike that were a live token, or easy to tell from one, would show nothing.
func TestALookalikeHasTheShapeOfItsModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		model := rapid.StringMatching(`[A-Za-z0-9_-]{43,300}`).Draw(t, "model")
		prefix := rapid.IntRange(0, 128).Draw(t, "prefix")
		suffix := rapid.IntRange(0, 128).Draw(t, "suffix")
		rng := (&Plan{Seed: rapid.Uint64().Draw(t, "seed")}).rng("never", 0)
		got := lookalike(rng, model, token.Opaque, prefix, suffix)
		require.Len(t, got, len(model))
		if prefix+suffix+16 <= len(model) {
			require.Equal(t, model[:prefix], got[:prefix])
			require.Equal(t, model[len(model)-suffix:], got[len(got)-suffix:])
		}
		if strings.Count(model, "-")+strings.Count(model, "_") < 8 && prefix+suffix == 0 {
			require.NotEqual(t, model, got)
		}
		require.Regexp(t, `^[A-Za-z0-9_-]+$`, got)
	})
}

func TestALookalikeOfASignedTokenSaysTheSameUnderAnotherName(t *testing.T) {
	part := base64.RawURLEncoding.EncodeToString
	model := part([]byte(`{"alg":"ES256"}`)) + "." + part([]byte(`{"jti":"a","sub":"b","exp":5}`)) + "." + part(make([]byte, 64))
	parts := strings.Split(lookalike((&Plan{}).rng("never", 0), model, token.JWT, 0, 0), ".")
	require.Len(t, parts, 3)
	assert.Equal(t, strings.Split(model, ".")[0], parts[0])
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	require.NoError(t, err)
	assert.Regexp(t, `^\{"exp":5,"jti":"never-[0-9a-f]{16}","sub":"b"\}$`, string(claims))
	assert.NotEqual(t, strings.Split(model, ".")[2], parts[2])
}

// A route with grace labels what it lets in after exp; another one does not.
func TestRequestsOnShortLivedTokensTellTheirExpiryAndGrace(t *testing.T) {
	p, a := planOf(t, provoked, 1), &press{}
	b := a.bind(t, p)
	for name, grace := range map[string]time.Duration{scenarios.Expiring: 0, scenarios.JustExpired: time.Second} {
		r := stimulusOf(t, p, name)
		_, err := b.issueLate(t.Context(), bindKey{r.System, r.Token})
		require.NoError(t, err)
		h, ok := b.hit(r)
		require.True(t, ok)
		assert.Equal(t, token.Accept, h.Label.Expect.Verdict)
		assert.InDelta(t, time.Second, h.Label.ExpiresMin, 2e8)
		assert.InDelta(t, 2*time.Second+leeway, h.Label.ExpiresMax, 2e8)
		assert.EqualValues(t, grace, h.Label.Grace, name)
	}
}

func TestALateTokenIsAwaitedUntilItsRequestIsDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, row := range map[string]struct {
			after time.Duration
			ok    bool
			there bool
		}{
			"issued in time":     {500 * time.Millisecond, true, true},
			"issued too late":    {2 * time.Second, true, false},
			"given up meanwhile": {500 * time.Millisecond, false, false},
		} {
			l := &lateToken{ready: make(chan struct{})}
			began := time.Now()
			go func() { time.Sleep(row.after); l.settle(bound{raw: "x"}, row.ok) }()
			got, ok := l.await(began.Add(time.Second))
			assert.Equal(t, row.there, ok, name)
			assert.Equal(t, row.there, ok && got.raw == "x", name)
			assert.Equal(t, min(row.after, time.Second), time.Since(began), name)
			time.Sleep(3 * time.Second)
		}
	})
}

// A token that is not there must not turn into a request without one: it would be
// refused, and look as if it had been revoked.
func TestRequestsWhoseTokenIsNotThereAreLeftOut(t *testing.T) {
	p, a := kindsPlan(t, "children", "hybrid", 1), &press{}
	b := a.bind(t, p)
	b.giveUp()
	sent := 0
	for h := range b.hits() {
		require.NotEqual(t, token.Revoked, h.Label.Class)
		require.NotContains(t, h.URL, ".origin")
		sent++
	}
	assert.Equal(t, p.Count().Requests, sent+int(b.missed.Load()))
	assert.Positive(t, b.missed.Load())
}

// Sent late by a busy machine, the use before a bulk revocation comes after it.
func TestAnUnprobedTokenMayBeRefusedFromItsRevocationOn(t *testing.T) {
	p, a := kindsPlan(t, "bulk", "cache", 1), &press{}
	b := a.bind(t, p)
	r := requestOf(t, p, func(r Request) bool { return r.Until > 0 })
	h, ok := b.hit(r)
	require.True(t, ok)
	assert.Equal(t, token.Accept, h.Label.Expect.Verdict)
	assert.EqualValues(t, p.Revocations[0].At, h.Label.ExpiresMin)
	assert.Zero(t, h.Label.ExpiresMax, "nor must it")
}

func TestAnUnprobedTokenMustBeRefusedOnceTheBoundIsOver(t *testing.T) {
	p, a := kindsPlan(t, "bulk", "cache", 1), &press{}
	b := a.bind(t, p)
	r := requestOf(t, p, func(r Request) bool { return r.Group != "" })
	expect := func() token.Outcome {
		h, ok := b.hit(r)
		require.True(t, ok)
		return h.Label.Expect
	}
	assert.Equal(t, token.Outcome{}, expect(), "not acknowledged: it may be good")
	b.groups[r.Group].Store(int64(r.At - p.Systems[0].Bound))
	assert.Equal(t, token.Outcome{}, expect(), "still within the bound")
	b.groups[r.Group].Add(-1)
	assert.Equal(t, token.Outcome{Verdict: token.Reject, Reason: token.InvalidToken}, expect())
}
