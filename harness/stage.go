package harness

import (
	"context"
	"net/http"
	"time"

	"github.com/tokendrill/tokendrill/chaos"
	"github.com/tokendrill/tokendrill/fixtures/token"
)

// Stage is where a plan is carried out.
type Stage interface {
	// Start puts everything in place that the plan needs. The site stays up until
	// it is closed, also when ctx ends.
	Start(ctx context.Context, p *Plan) (*Site, error)
}

// Site is a stage that is up.
type Site struct {
	// Stage says in a few words what stage this is, such as "embedded (loopback)".
	Stage string
	// Gateways are base URLs, for each system of the plan in the order of its gateways.
	Gateways [][]string
	// Origins are the base URLs of the origins behind them, in the same order; empty
	// for a system without any.
	Origins [][]string
	// Transport is how the sender reaches the gateways.
	Transport http.RoundTripper
	// Authority issues and revokes the tokens of the run.
	Authority Authority
	// Issuer is the iss of the authority's tokens.
	Issuer string
	// Ring signs with the key that the authority begins with, for mutants that need
	// it; nil where the key is not ours.
	Ring *token.Ring
	// Links are the hops of this process that faults may act on, Nodes the roles, and
	// Far the hops of roles in other processes.
	Links []*chaos.Link
	Nodes []chaos.Node
	Far   []FarNode
	// Sweep is the command that takes the stage away if this process cannot; nil if
	// it dies with the process. Faults of containers are journalled with it.
	Sweep []string
	// Calls is how many checks a pattern has asked of the authority so far; negative if
	// nobody knows.
	Calls func(pattern string) int64
	// Own are what the plan's targets have of their own, by system; nil, or missing, at
	// the reference patterns.
	Own []*Own
	// Floor is a URL on the stage's bare path, without a token decision.
	Floor string
	// Close takes everything down.
	Close func() error
}

// Own is a target that is up.
type Own struct {
	// Doors are how the sender reaches each gateway, in their order.
	Doors []http.RoundTripper
	// Authority issues and revokes the tokens of the target.
	Authority Authority
}

// own is what a system has of its own, or nil.
func (s *Site) own(system int) *Own {
	if system < len(s.Own) {
		return s.Own[system]
	}
	return nil
}

// authority is the one whose tokens a system takes.
func (s *Site) authority(system int) Authority {
	if own := s.own(system); own != nil {
		return own.Authority
	}
	return s.Authority
}

// Authority is what a run needs of an authorization server. It is safe for
// concurrent use.
type Authority interface {
	// Issue returns a fresh token.
	Issue(ctx context.Context, g Grant) (Issued, error)
	// Revoke revokes a token and returns the HTTP status of the answer: 200 is an
	// acknowledgement (RFC 7009 section 2.2). An error means that no answer came:
	// the revocation may or may not have happened.
	Revoke(ctx context.Context, raw string) (status int, err error)
	// RevokeAll revokes, in one call, every token that was issued with Grant.Group.
	RevokeAll(ctx context.Context, group string) (status int, err error)
}

// Grant says what a token should be like.
type Grant struct {
	Format token.Format
	Scope  []string
	// Lifetime is how long it should live; zero is the stage's usual.
	Lifetime time.Duration
	// Audience is whom it should be for; empty is the usual.
	Audience string
	// Group is what RevokeAll calls the token by; empty is none.
	Group string
	// ACR is the authentication context that it should tell (RFC 9470); empty is none.
	ACR string
	// NoExpiry asks for a token about which no exp is told.
	NoExpiry bool
	// Child asks for a token minted for the origin in exchange for another one
	// (RFC 8693), which comes along as Issued.Parent.
	Child bool
}

// Issued is a fresh token.
type Issued struct {
	Token string
	// ExpiresIn is what the authority promised (RFC 6749 section 5.1); zero if it did not.
	ExpiresIn time.Duration
	// Parent is the token that a child was exchanged for; it is the one to revoke.
	Parent string
}

// FarNode is a role in another process.
type FarNode struct {
	Node string
	Far
}

// target chooses what a fault acts on, of what is in reach of this process.
func (s *Site) target(w FaultWindow) chaos.Target {
	t := chaos.Target{Seed: w.seed}
	for _, l := range s.Links {
		if w.Link != "" && l.Name == w.Link && atNode(l.Node, w.Pattern, w.Gateway) {
			t.Links = append(t.Links, l)
		}
	}
	for _, n := range s.Nodes {
		if w.Node != "" && roleOf(n.Name) == w.Node && atNode(n.Name, w.Pattern, w.Gateway) {
			t.Nodes = append(t.Nodes, n)
		}
	}
	return t
}
