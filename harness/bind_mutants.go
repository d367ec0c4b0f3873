package harness

import (
	"context"
	"fmt"
	"time"

	"github.com/tokendrill/tokendrill/fixtures/token"
)

// variants is how many different mutants of each mutation a pattern gets to see.
const variants = 8

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
	base, err := b.usual(ctx, system)
	if err != nil {
		return token.Material{}, err
	}
	other, err := b.usual(ctx, system)
	if err != nil {
		return token.Material{}, err
	}
	b.bases[system] = base
	m := token.Material{Token: base.raw, Other: other.raw, Format: b.plan.Systems[system].Format, Foreign: foreign}
	if b.plan.Systems[system].Target == nil {
		m.Ring = b.site.Ring
	}
	m.Claims, err = b.claims(base.raw, m)
	return m, err
}

// claims are what the token says, if it can be read, else what was asked for.
func (b *binding) claims(raw string, m token.Material) (token.Claims, error) {
	if m.Format != token.JWT || m.Ring == nil {
		now := time.Now()
		return token.Claims{
			Issuer: b.site.Issuer, Audience: []string{b.plan.policy.Audience}, Scope: b.plan.scopes,
			Subject: "fuzz", ClientID: "fuzz", ID: "fuzz", IssuedAt: now, Expires: now.Add(b.plan.Scenario.Tokens.Lifetime),
		}, nil
	}
	return token.Verify(raw, m.Ring.Public(), token.Expect{Type: token.TypeAccess, Issuer: b.site.Issuer}, time.Now())
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
