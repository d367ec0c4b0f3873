package harness

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tokendrill/tokendrill/fixtures/token"
)

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
	// late are the tokens that are issued during the run, never those that only look
	// like tokens.
	late  map[bindKey]*lateToken
	never map[bindKey]string
	// groups holds when the revocation of a group was acknowledged, in ns since the
	// start of the run; zero if it was not yet.
	groups map[string]*atomic.Int64
	// missed counts the requests that were left out because their token was not there.
	missed atomic.Int64
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
	Grant

	raw string
	// parent is what to revoke in the place of a child.
	parent                 string
	expiresMin, expiresMax time.Time
}

// bind issues a token for every ref that the plan uses, but for those that it
// issues during the run. Progress is told how many of how many are issued.
func bind(ctx context.Context, p *Plan, site *Site, progress func(done, total int)) (*binding, error) {
	b := &binding{
		plan: p, site: site, tokens: map[bindKey]bound{}, late: map[bindKey]*lateToken{}, never: map[bindKey]string{},
		groups: map[string]*atomic.Int64{},
	}
	wanted := b.wanted()
	g, issuing := errgroup.WithContext(ctx)
	g.SetLimit(issuers)
	done := 0
	for _, w := range wanted {
		g.Go(func() error {
			t, err := b.issue(issuing, w.key.system, w.Grant)
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
	if err := b.disguise(ctx); err != nil {
		return nil, err
	}
	return b, b.mutate(ctx)
}

// want is one token to issue before the run.
type want struct {
	key bindKey
	Grant
}

// wanted lists the tokens to issue before the run in order, each as planned or with
// the scope of its first use, and files the others.
func (b *binding) wanted() []want {
	var out []want
	for _, key := range b.plan.issueKeys() {
		switch i := b.plan.issues[key]; {
		case i.Never:
			b.never[key] = ""
		case i.Late:
			b.late[key] = &lateToken{issue: i, ready: make(chan struct{})}
		default:
			out = append(out, want{key, i.Grant})
		}
		if group := b.plan.issues[key].Group; group != "" {
			b.groups[group] = new(atomic.Int64)
		}
	}
	seen := map[bindKey]bool{}
	for r := range b.plan.Requests() {
		key := bindKey{r.System, r.Token}
		_, planned := b.plan.issues[key]
		if r.Token == "" || planned || seen[key] {
			continue
		}
		seen[key] = true
		scope := r.Scope
		if len(scope) == 0 || b.plan.Systems[r.System].Target != nil {
			scope = b.plan.scopesOf(r.System) // not recorded, or not its own: let it do everything
		}
		out = append(out, want{key, Grant{Format: b.plan.Systems[r.System].Format, Scope: scope}})
	}
	slices.SortFunc(out, func(x, y want) int { return x.key.compare(y.key) })
	return out
}

// issue asks for one token. Expiry is known from the outside only: not before
// the call began, less a second of rounding, and not after it ended, plus leeway.
func (b *binding) issue(ctx context.Context, system int, g Grant) (bound, error) {
	begun := time.Now()
	t, err := b.site.authority(system).Issue(ctx, g)
	if err != nil {
		return bound{}, err
	}
	out := bound{Grant: g, raw: t.Token, parent: t.Parent}
	if t.ExpiresIn > 0 {
		out.expiresMin = begun.Add(t.ExpiresIn - time.Second)
		out.expiresMax = time.Now().Add(t.ExpiresIn + b.plan.policy.Leeway)
	}
	return out, nil
}

// usual is a token of a system that may do everything.
func (b *binding) usual(ctx context.Context, system int) (bound, error) {
	return b.issue(ctx, system, Grant{Format: b.plan.Systems[system].Format, Scope: b.plan.scopesOf(system)})
}
