package external

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/tokendrill/tokendrill/scenarios"
)

// oauth issues tokens by client credentials (RFC 6749 section 4.4) and revokes them
// by RFC 7009.
type oauth struct {
	client       *caller
	target       *scenarios.Target
	endpoints    endpoints
	authenticate authenticator
}

func (o *oauth) issue(ctx context.Context) (fields, error) {
	t := o.target.Authority
	form := url.Values{"grant_type": {"client_credentials"}}
	for name, value := range t.Parameters {
		form.Set(name, value)
	}
	if scope := o.scope(); scope != "" {
		form.Set("scope", scope)
	}
	got, err := o.post(ctx, o.endpoints.token, form)
	if err != nil {
		return nil, fmt.Errorf("token endpoint: POST %s: %w", pathOf(o.endpoints.token), err)
	}
	if got.status != http.StatusOK {
		return nil, fmt.Errorf("token endpoint: %s: %s", got, o.refused(got))
	}
	f, err := got.token()
	if err != nil {
		return nil, fmt.Errorf("token endpoint: %w", err)
	}
	return f, nil
}

// scope is what is asked for (RFC 6749 section 3.3).
func (o *oauth) scope() string { return strings.Join(strings.Fields(o.target.Authority.Scope), " ") }

// refused says why the token endpoint gave no token, and what to change.
func (o *oauth) refused(got reply) string {
	t := o.target.Authority
	switch code := got.code(); {
	case code == "invalid_client" || code == "" && got.status == http.StatusUnauthorized:
		return unknownClient(t.Client.Auth)
	case code == "invalid_scope":
		return fmt.Sprintf("the client may not have the scope %q; expected another authority.scope", o.scope())
	case code == "unauthorized_client" || code == "unsupported_grant_type":
		return "the client may not use client credentials; expected one that may, or authority.issue"
	case code == "invalid_request" || code == "invalid_target":
		return "the authorization server misses something in the request; expected it in authority.parameters, such as an audience"
	case got.status/100 == 3:
		return "redirects are not followed; expected the endpoint itself in authority.token_endpoint"
	case got.status == http.StatusNotFound || got.status == http.StatusMethodNotAllowed:
		return fmt.Sprintf("%s is no token endpoint; expected another authority.token_endpoint", pathOf(o.endpoints.token))
	case got.status == http.StatusTooManyRequests:
		return "too many requests; expected a lower limits.rate"
	case got.status >= http.StatusInternalServerError:
		return "the authorization server fails; expected it to be up"
	}
	return "expected a token"
}

// unknownClient says that a client is not known, and what to change.
func unknownClient(auth string) string {
	switch auth {
	case scenarios.PrivateKeyJWT:
		return "the authorization server does not know the client id or its key; expected the public half of authority.client.key_file to be registered there"
	case scenarios.TLSClientAuth:
		return "the authorization server does not know the client id or its certificate; expected that of connection.cert_file to be registered there"
	}
	return "the authorization server does not know the client id or secret; expected those of authority.client"
}

func (o *oauth) revoke(ctx context.Context, f fields) (int, error) {
	got, err := o.post(ctx, o.endpoints.revocation, url.Values{"token": {f.token()}, "token_type_hint": {"access_token"}})
	if err != nil {
		return 0, fmt.Errorf("revocation endpoint: POST %s: %w", pathOf(o.endpoints.revocation), err)
	}
	return acknowledged(got.status, nil)
}

// post sends a form as the client.
func (o *oauth) post(ctx context.Context, endpoint string, form url.Values) (reply, error) {
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Accept": {"application/json"}}
	if err := o.authenticate(form, header); err != nil {
		return reply{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return reply{}, errors.New("not an HTTP request")
	}
	req.Header = header
	return o.client.send(ctx, req)
}

// pathOf is the path of a URL.
func pathOf(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil || u.Path == "" {
		return "/"
	}
	return u.Path
}
