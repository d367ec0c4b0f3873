package harness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tokendrill/tokendrill/fixtures/token"
)

// credentials authenticate a client by client_secret_basic (RFC 6749 section 2.3.1).
type credentials struct{ id, secret string }

// oauthClient is an Authority over HTTP: client credentials (RFC 6749 section
// 4.4) and revocation (RFC 7009).
type oauthClient struct {
	base string
	http *http.Client
	// issue are the clients that tokens are issued to, by the format they get.
	issue map[token.Format]credentials
	// revoke may revoke any of their tokens.
	revoke credentials
}

// Issue asks for a token by client credentials.
func (c *oauthClient) Issue(ctx context.Context, g Grant) (Issued, error) {
	form := url.Values{"grant_type": {"client_credentials"}, "scope": {strings.Join(g.Scope, " ")}}
	status, body, err := c.post(ctx, "/token", form, c.issue[g.Format])
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
