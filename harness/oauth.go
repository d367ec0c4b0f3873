package harness

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tokendrill/tokendrill/fixtures/authority"
	"github.com/tokendrill/tokendrill/fixtures/token"
)

// credentials authenticate a client by client_secret_basic (RFC 6749 section 2.3.1).
type credentials struct{ id, secret string }

// oauthClient is an Authority over HTTP: client credentials (RFC 6749 section
// 4.4), token exchange (RFC 8693) and revocation (RFC 7009).
type oauthClient struct {
	base string // of the authority, once it is up
	http *http.Client
	// issue are the clients that tokens are issued to, by what these are like. They
	// may name the subject of a token.
	issue map[grantKind]credentials
	// mint may exchange any of their tokens, and revoke may revoke any.
	mint, revoke credentials
}

// newOAuthClient draws the credentials of a client for each kind of token.
func newOAuthClient(client *http.Client, kinds []grantKind) *oauthClient {
	c := &oauthClient{
		http: client, issue: map[grantKind]credentials{},
		mint: credentials{"minter", rand.Text()}, revoke: credentials{"operator", rand.Text()},
	}
	for i, kind := range kinds {
		c.issue[kind] = credentials{fmt.Sprintf("app-%d", i+1), rand.Text()}
	}
	return c
}

// clients registers them at an authority; those that tokens are issued to may ask
// for the scopes.
func (c *oauthClient) clients(scopes []string) []authority.Client {
	out := []authority.Client{
		{ID: c.revoke.id, Secret: c.revoke.secret, Admin: true},
		{ID: c.mint.id, Secret: c.mint.secret, Introspects: true},
	}
	for kind, as := range c.issue {
		out = append(out, authority.Client{
			ID: as.id, Secret: as.secret, Scopes: scopes, JWT: kind.format == token.JWT, Subjects: true,
			Lifetime: kind.lifetime, Audience: kind.audience, ACR: kind.acr, NoExpiry: kind.noExpiry,
		})
	}
	return out
}

// Issue asks for a token by client credentials and, for a child, exchanges it.
func (c *oauthClient) Issue(ctx context.Context, g Grant) (Issued, error) {
	as, ok := c.issue[g.kind()]
	if !ok {
		return Issued{}, fmt.Errorf("token endpoint: no client gets %s tokens like this", g.Format)
	}
	form := url.Values{"grant_type": {"client_credentials"}, "scope": {strings.Join(g.Scope, " ")}}
	if g.Group != "" {
		form.Set("subject", g.Group)
	}
	issued, err := c.token(ctx, form, as)
	if err != nil || !g.Child {
		return issued, err
	}
	child, err := c.token(ctx, url.Values{
		"grant_type":           {"urn:ietf:params:oauth:grant-type:token-exchange"},
		"subject_token":        {issued.Token},
		"subject_token_type":   {typeAccessToken},
		"requested_token_type": {typeAccessToken},
		"audience":             {originAudience},
	}, c.mint)
	child.Parent = issued.Token
	return child, err
}

// typeAccessToken is an access token in the words of RFC 8693 section 3.
const typeAccessToken = "urn:ietf:params:oauth:token-type:access_token"

// token asks the token endpoint.
func (c *oauthClient) token(ctx context.Context, form url.Values, as credentials) (Issued, error) {
	status, body, err := c.post(ctx, "/token", form, as)
	if err != nil {
		return Issued{}, err
	}
	var answer struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int64  `json:"expires_in"`
		Error       string `json:"error"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return Issued{}, fmt.Errorf("token endpoint: status %d, not JSON", status)
	}
	if status != http.StatusOK || answer.AccessToken == "" {
		return Issued{}, fmt.Errorf("token endpoint: status %d, error %q", status, answer.Error)
	}
	return Issued{Token: answer.AccessToken, ExpiresIn: time.Duration(answer.ExpiresIn) * time.Second}, nil
}

// Revoke revokes a token.
func (c *oauthClient) Revoke(ctx context.Context, raw string) (int, error) {
	status, _, err := c.post(ctx, "/revoke", url.Values{"token": {raw}}, c.revoke)
	return status, err
}

// RevokeAll revokes every token whose subject is the group.
func (c *oauthClient) RevokeAll(ctx context.Context, group string) (int, error) {
	status, _, err := c.post(ctx, "/revoke/bulk", url.Values{"subject": {group}}, c.revoke)
	return status, err
}

// post sends a form. Errors hold the path and never the form.
func (c *oauthClient) post(ctx context.Context, path string, form url.Values, as credentials) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(url.QueryEscape(as.id), url.QueryEscape(as.secret))
	res, err := c.http.Do(req)
	if err != nil {
		return 0, nil, errors.Unwrap(err) // *url.Error repeats the method and URL
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	return res.StatusCode, body, err
}
