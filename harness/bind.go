package harness

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"net/url"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tokendrill/tokendrill/fixtures/token"
	"github.com/tokendrill/tokendrill/harness/measure"
)

// variants is how many different mutants of each mutation a pattern gets to see.
const variants = 8

// issuers is how many tokens are asked for at once.
const issuers = 8

// binding gives every ref of a plan a live token, for one run. The mapping stays
// in memory and dies with the process.
type binding struct {
	plan   *Plan
	site   *Site
	zero   time.Time // the start of the run, once it is known
	mu     sync.Mutex
	tokens map[bindKey]bound
	// mutants by system; request n carries mutant n modulo their number.
	mutants [][]token.Mutant
	// bases are the tokens that the mutants were made from, by system.
	bases []bound
}

// bindKey names a token: the same caller has a token of its own at each system.
type bindKey struct {
	system int
	ref    token.Ref
}

// bound is a live token and when, at the earliest and the latest, it expires.
type bound struct {
	raw                    string
	scope                  []string
	expiresMin, expiresMax time.Time
}

// bind issues a token for every ref that the plan uses. Progress is told how
// many of how many are issued.
func bind(ctx context.Context, p *Plan, site *Site, progress func(done, total int)) (*binding, error) {
	b := &binding{plan: p, site: site, tokens: map[bindKey]bound{}}
	wanted := b.wanted()
	g, issuing := errgroup.WithContext(ctx)
	g.SetLimit(issuers)
	done := 0
	for _, w := range wanted {
		g.Go(func() error {
			t, err := b.issue(issuing, w.key.system, w.scope)
			if err != nil {
				return fmt.Errorf("issue a token for %s at %s: %w", w.key.ref, p.Systems[w.key.system].Pattern, err)
			}
			b.mu.Lock()
			defer b.mu.Unlock()
			b.tokens[w.key] = t
			done++
			progress(done, len(wanted))
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return b, b.mutate(ctx)
}

// want is one token to issue.
type want struct {
	key   bindKey
	scope []string
}

// wanted lists the tokens of the plan in order, each with the scope of its first use.
func (b *binding) wanted() []want {
	seen := map[bindKey][]string{}
	for r := range b.plan.Requests() {
		key := bindKey{r.System, r.Token}
		if _, ok := seen[key]; !ok && r.Token != "" {
			seen[key] = r.Scope
		}
	}
	var out []want
	for key, scope := range seen {
		if len(scope) == 0 {
			scope = b.plan.scopes // not recorded: let it do everything
		}
		out = append(out, want{key, scope})
	}
	slices.SortFunc(out, func(x, y want) int {
		return cmp.Or(cmp.Compare(x.key.system, y.key.system), cmp.Compare(x.key.ref, y.key.ref))
	})
	return out
}

// issue asks for one token. Expiry is known from the outside only: not before
// the call began, less a second of rounding, and not after it ended, plus leeway.
func (b *binding) issue(ctx context.Context, system int, scope []string) (bound, error) {
	begun := time.Now()
	t, err := b.site.Authority.Issue(ctx, Grant{Format: b.plan.Systems[system].Format, Scope: scope})
	if err != nil {
		return bound{}, err
	}
	out := bound{raw: t.Token, scope: scope}
	if t.ExpiresIn > 0 {
		out.expiresMin = begun.Add(t.ExpiresIn - time.Second)
		out.expiresMax = time.Now().Add(t.ExpiresIn + b.plan.policy.Leeway)
	}
	return out, nil
}

// mutate makes each system's mutants from tokens that nothing else uses.
func (b *binding) mutate(ctx context.Context) error {
	b.mutants = make([][]token.Mutant, len(b.plan.Systems))
	b.bases = make([]bound, len(b.plan.Systems))
	if b.plan.Scenario.Tokens.Fuzz <= 0 {
		return nil
	}
	foreign, err := token.NewRing(time.Now)
	if err != nil {
		return err
	}
	for i, sys := range b.plan.Systems {
		m, err := b.material(ctx, i, foreign)
		if err != nil {
			return fmt.Errorf("issue a token to mutate at %s: %w", sys.Pattern, err)
		}
		b.mutants[i] = b.mutantsOf(i, m)
	}
	return nil
}

// material issues a token to mutate, and another one to mix it up with.
func (b *binding) material(ctx context.Context, system int, foreign *token.Ring) (token.Material, error) {
	base, err := b.issue(ctx, system, b.plan.scopes)
	if err != nil {
		return token.Material{}, err
	}
	other, err := b.issue(ctx, system, b.plan.scopes)
	if err != nil {
		return token.Material{}, err
	}
	b.bases[system] = base
	m := token.Material{Token: base.raw, Other: other.raw, Format: b.plan.Systems[system].Format, Ring: b.site.Ring, Foreign: foreign}
	m.Claims, err = b.claims(base.raw, m.Format)
	return m, err
}

// claims are what the token says, if it can be read, else what was asked for.
func (b *binding) claims(raw string, f token.Format) (token.Claims, error) {
	if f != token.JWT || b.site.Ring == nil {
		now := time.Now()
		return token.Claims{
			Issuer: b.site.Issuer, Audience: []string{b.plan.policy.Audience}, Scope: b.plan.scopes,
			Subject: "fuzz", ClientID: "fuzz", ID: "fuzz", IssuedAt: now, Expires: now.Add(b.plan.Scenario.Tokens.Lifetime),
		}, nil
	}
	return token.Verify(raw, b.site.Ring.Public(), token.Expect{Type: token.TypeAccess, Issuer: b.site.Issuer}, time.Now())
}

// mutantsOf draws each applicable mutation several times. A draw that happens to
// give a live token is left out.
func (b *binding) mutantsOf(system int, m token.Material) []token.Mutant {
	rng := b.plan.rng("mutants", system)
	var out []token.Mutant
	for range variants {
		for _, mut := range token.Mutations() {
			if !mut.Applies(m) {
				continue
			}
			if x, err := mut.Mutate(rng, m, time.Now()); err == nil {
				out = append(out, x)
			}
		}
	}
	return out
}

// hits yields the plan's requests with live tokens and the outcome to expect.
func (b *binding) hits() iter.Seq[Hit] {
	return func(yield func(Hit) bool) {
		for r := range b.plan.Requests() {
			if !yield(b.hit(r)) {
				return
			}
		}
	}
}

func (b *binding) hit(r Request) Hit {
	sys := b.plan.Systems[r.System]
	label := &measure.Observation{Slice: r.Slice, Probe: r.Probe, Event: measure.Event{
		Kind: measure.KindRequest, Pattern: sys.Pattern, Gateway: sys.Gateways[r.Gateway],
		Token: r.Token, Class: r.Class, Twin: r.Twin, Phase: b.plan.PhaseAt(r.At),
	}}
	h := Hit{At: r.At, Method: r.Method, URL: b.site.Gateways[r.System][r.Gateway] + r.Path, Label: label}
	if pool := b.mutants[r.System]; r.Mutant > 0 && len(pool) > 0 {
		b.fuzz(&h, label, r, r.Mutant%len(pool))
		return h
	}
	t, ok := b.tokens[bindKey{r.System, r.Token}]
	if ok {
		h.Authorization = []string{"Bearer " + t.raw}
	}
	label.Expect = b.plan.expect(r, t.scope, ok)
	label.ExpiresMin, label.ExpiresMax = b.expiry(t)
	return h
}

// fuzz puts a mutant in the place of the token. One that is as good as its
// original fares like it.
func (b *binding) fuzz(h *Hit, label *measure.Observation, r Request, n int) {
	m := b.mutants[r.System][n]
	h.Authorization = m.Authorization
	label.Token, label.Detail, label.Expect = token.Ref(fmt.Sprintf("f-%d", n+1)), m.Mutation, m.Introspected
	if b.plan.Systems[r.System].Offline {
		label.Expect = m.Offline
	}
	if base := b.bases[r.System]; label.Expect.Verdict == token.Accept {
		label.Expect = b.plan.expect(r, base.scope, true)
		label.ExpiresMin, label.ExpiresMax = b.expiry(base)
	}
}

// expiry bounds the expiry of a token in ns since the start of the run; zeros if
// it is not known or lies after the run.
func (b *binding) expiry(t bound) (earliest, latest int64) {
	earliest, latest = int64(t.expiresMin.Sub(b.zero)), int64(t.expiresMax.Sub(b.zero))
	if t.expiresMin.IsZero() || earliest > int64(b.plan.Duration()+time.Minute) {
		return 0, 0
	}
	return max(1, earliest), latest // zero would say that it does not expire
}

// expect is the outcome that a request calls for if its token is good.
func (p *Plan) expect(r Request, scope []string, hasToken bool) token.Outcome {
	if !hasToken {
		return token.Outcome{Verdict: token.Reject, Reason: token.OtherReason}
	}
	target, err := url.ParseRequestURI(r.Path)
	if err != nil {
		return token.Outcome{} // cannot be: requestPath gave it
	}
	route := p.policy.Match(r.Method, target.Path)
	if route.Audience != p.policy.Audience {
		return token.Outcome{Verdict: token.Reject, Reason: token.InvalidToken}
	}
	if route.Scope != "" && !slices.Contains(scope, route.Scope) {
		return token.Outcome{Verdict: token.Reject, Reason: token.InsufficientScope}
	}
	return token.Outcome{Verdict: token.Accept}
}
