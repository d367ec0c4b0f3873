package external

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tokendrill/tokendrill/fixtures/token"
	"github.com/tokendrill/tokendrill/harness"
	"github.com/tokendrill/tokendrill/scenarios"
)

// What a target that was not parsed has for limits.
const (
	usualRate   = 100
	usualTokens = 500
)

// authority is the harness.Authority of a target.
type authority struct {
	target *scenarios.Target
	client *caller
	// issue and revoke are the ways that the target names.
	issue  func(context.Context) (fields, error)
	revoke func(context.Context, fields) (status int, err error)
	// uses are the fields of a token by which it is revoked, in order.
	uses []string
	// file has the tokens, where they come from a file.
	file *lines

	pace  pacer
	asked atomic.Int64
	mu    sync.Mutex
	// issued are the tokens by what they are, and owners those which a revocation of a
	// session, user or client would take away, by what it would name.
	issued map[string]fields
	owners map[string]bool
}

// newAuthority makes ready to issue and to revoke: it reads secrets and discovers
// what is needed.
func newAuthority(ctx context.Context, t *scenarios.Target, client *caller) (*authority, error) {
	rate := cmp.Or(float64(t.Limits.Rate), usualRate)
	a := &authority{
		target: t, client: client, pace: pacer{gap: time.Duration(spread * float64(time.Second) / rate)},
		issued: map[string]fields{}, owners: map[string]bool{},
	}
	if err := a.byIssue(t.Authority.Issue); err != nil {
		return nil, fmt.Errorf("authority.issue: %w", err)
	}
	if err := a.byRevoke(t.Authority.Revoke); err != nil {
		return nil, fmt.Errorf("authority.revoke: %w", err)
	}
	if a.issue != nil && a.revoke != nil {
		return a, nil
	}
	return a, a.byOAuth(ctx)
}

// byOAuth is how tokens are issued and revoked where the target says nothing else:
// by client credentials (RFC 6749 section 4.4) and by RFC 7009.
func (a *authority) byOAuth(ctx context.Context) error {
	o := &oauth{client: a.client, target: a.target}
	var err error
	if o.endpoints, err = a.discover(ctx, a.issue == nil, a.revoke == nil); err != nil {
		return err
	}
	if o.authenticate, err = authentication(a.target, o.endpoints, a.client.getenv); err != nil {
		return fmt.Errorf("authority.client: %w", err)
	}
	if a.issue == nil {
		a.issue = o.issue
	}
	if a.revoke == nil {
		a.revoke = o.revoke
	}
	return nil
}

func (a *authority) byIssue(by scenarios.IssueBy) (err error) {
	switch {
	case by.HTTP != nil:
		a.issue, err = a.client.issuing(by.HTTP)
	case len(by.Command) > 0:
		a.issue, err = a.client.issuingCommand(by.Command)
	case by.File != "":
		if a.file, err = readLines(beside(a.target, by.File), by.File); err == nil {
			a.issue = func(context.Context) (fields, error) { return a.file.take() }
		}
	}
	return err
}

func (a *authority) byRevoke(by scenarios.RevokeBy) (err error) {
	switch {
	case by.HTTP != nil:
		a.revoke, err = a.client.revoking(by.HTTP)
		a.uses = sorted(callFields(by.HTTP))
	case len(by.Command) > 0:
		a.revoke, err = a.client.revokingCommand(by.Command)
		a.uses = sorted(scenarios.Fields(strings.Join(by.Command, "\n")))
	}
	return err
}

// Issue asks for a token when its turn comes, and keeps what is known of it.
func (a *authority) Issue(ctx context.Context, g harness.Grant) (harness.Issued, error) {
	if g.Lifetime != 0 || g.Audience != "" || g.Group != "" || g.ACR != "" || g.NoExpiry || g.Child {
		return harness.Issued{}, errors.New("issue: a target issues tokens of one kind only")
	}
	if most := cmp.Or(a.target.Limits.Tokens, usualTokens); a.asked.Add(1) > int64(most) {
		return harness.Issued{}, fmt.Errorf("issue: limits.tokens is %d, and another token is needed; expected more", most)
	}
	if a.file == nil {
		if err := a.pace.wait(ctx); err != nil {
			return harness.Issued{}, err
		}
	}
	f, err := a.issue(ctx)
	if err == nil && g.Format == token.JWT && strings.Count(f.token(), ".") != 2 {
		err = errors.New("issue: the token is no JWT; expected authority.token_type opaque")
	}
	if err == nil {
		err = a.keep(f)
	}
	if err != nil {
		return harness.Issued{}, err
	}
	return harness.Issued{Token: f.token(), ExpiresIn: f.lifetime()}, nil
}

// keep files a token, unless it could not be revoked without another one.
func (a *authority) keep(f fields) error {
	for _, name := range a.uses {
		if f[name] == "" {
			return fmt.Errorf("revoke: the token has no field %s; it has %s", name, f.names())
		}
	}
	kind, names := a.target.Authority.Revoke.Kind, a.owner()
	var owner string
	for _, name := range names {
		owner += f[name] + "\x00"
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.issued[f.token()] != nil:
		return errors.New("issue: the same token came twice, and revoking it would revoke both; expected another one each time")
	case len(names) > 0 && a.owners[owner]:
		return fmt.Errorf("issue: two tokens are of the same %s by %s, and revoking it would revoke both; expected a %s for each token",
			kind, strings.Join(names, ", "), kind)
	}
	a.issued[f.token()], a.owners[owner] = f, true
	return nil
}

// owner are the fields that name what a revocation takes away, if that is more than
// a token.
func (a *authority) owner() []string {
	if kind := a.target.Authority.Revoke.Kind; kind == "" || kind == scenarios.KindToken {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(a.uses), func(name string) bool { return name == "token" || name == "access_token" })
}

// sorted are the names, each once.
func sorted(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}

// Revoke revokes a token at once. Any answer that the target takes for success is 200.
func (a *authority) Revoke(ctx context.Context, raw string) (status int, err error) {
	a.mu.Lock()
	f := a.issued[raw]
	a.mu.Unlock()
	if f == nil {
		if f, err = tokenFields(raw, fields{}); err != nil {
			return 0, fmt.Errorf("revoke: %w", err)
		}
	}
	return a.revoke(ctx, f)
}

// RevokeAll is an error: a target has no such call.
func (a *authority) RevokeAll(context.Context, string) (int, error) {
	return 0, errors.New("revoke: a target has no call that revokes a group of tokens")
}

var _ harness.Authority = (*authority)(nil)

// acknowledged is the status of an answer to a revocation, success being any 2xx or
// what the target lists. A 2xx that it does not list acknowledges nothing, but may
// have revoked the token.
func acknowledged(status int, success []int) (int, error) {
	switch {
	case len(success) == 0 && status/100 == 2, slices.Contains(success, status):
		return http.StatusOK, nil
	case status/100 == 2:
		return 0, fmt.Errorf("status %d; expected %s", status, oneOf(success))
	}
	return status, nil
}

// oneOf lists statuses.
func oneOf(statuses []int) string {
	if len(statuses) == 0 {
		return "2xx"
	}
	words := make([]string, len(statuses))
	for i, s := range statuses {
		words[i] = fmt.Sprint(s)
	}
	return strings.Join(words, " or ")
}
