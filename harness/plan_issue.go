package harness

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/tokendrill/tokendrill/fixtures/token"
)

// issue is how a token of the plan comes to be.
type issue struct {
	Grant
	// Late tokens are issued during the run, at At; the others before it. A Fresh one
	// is revoked in the same breath.
	Late, Fresh bool
	At          time.Duration
	// Never says that it only looks like a token.
	Never bool
}

// compare orders keys by system, then ref.
func (k bindKey) compare(other bindKey) int {
	return cmp.Or(cmp.Compare(k.system, other.system), cmp.Compare(k.ref, other.ref))
}

// issueKeys are the tokens that are not issued like all others, in order.
func (p *Plan) issueKeys() []bindKey {
	return slices.SortedFunc(maps.Keys(p.issues), bindKey.compare)
}

// lateKeys are the tokens to issue during the run, but for the fresh ones, in order
// of time.
func (p *Plan) lateKeys() []bindKey {
	keys := slices.DeleteFunc(p.issueKeys(), func(k bindKey) bool { return !p.issues[k].Late || p.issues[k].Fresh })
	slices.SortStableFunc(keys, func(a, b bindKey) int { return cmp.Compare(p.issues[a].At, p.issues[b].At) })
	return keys
}

// grantKind is what tells the clients apart that an authority needs for a plan: a
// client's tokens are all alike but for scope and group.
type grantKind struct {
	format        token.Format
	lifetime      time.Duration
	audience, acr string
	noExpiry      bool
}

func (g Grant) kind() grantKind {
	return grantKind{g.Format, g.Lifetime, g.Audience, g.ACR, g.NoExpiry}
}

// grantKinds are the kinds of tokens that the plan asks for, the usual ones of both
// formats first, in an order that is the same every time.
func (p *Plan) grantKinds() []grantKind {
	out := []grantKind{{format: token.Opaque}, {format: token.JWT}}
	for _, key := range p.issueKeys() {
		if kind := p.issues[key].kind(); !slices.Contains(out, kind) {
			out = append(out, kind)
		}
	}
	return out
}
