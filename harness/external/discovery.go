package external

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/tokendrill/tokendrill/scenarios"
)

// endpoints are URLs of an authorization server; those that are not needed may be empty.
type endpoints struct{ token, revocation string }

// metadata is what an authorization server says about itself (RFC 8414 section 2).
type metadata struct {
	Issuer             string `json:"issuer"`
	TokenEndpoint      string `json:"token_endpoint"`
	RevocationEndpoint string `json:"revocation_endpoint"`
	// Aliases are for clients with a certificate (RFC 8705 section 5).
	Aliases struct {
		TokenEndpoint      string `json:"token_endpoint"`
		RevocationEndpoint string `json:"revocation_endpoint"`
	} `json:"mtls_endpoint_aliases"`
}

// discover is where tokens are issued and revoked: as the target says, or as the
// issuer publishes. What is not needed is not looked for.
func (a *authority) discover(ctx context.Context, issues, revokes bool) (endpoints, error) {
	t := a.target.Authority
	out := endpoints{t.TokenEndpoint, t.RevocationEndpoint}
	if (out.token != "" || !issues) && (out.revocation != "" || !revokes) {
		return out, nil
	}
	m, err := a.metadata(ctx, t.Issuer)
	if err != nil {
		return out, &Unfit{noAuthority("discovery", "", err, a.client.reach.how.Timeout)}
	}
	if t.Client.Auth == scenarios.TLSClientAuth {
		m.TokenEndpoint = cmp.Or(m.Aliases.TokenEndpoint, m.TokenEndpoint)
		m.RevocationEndpoint = cmp.Or(m.Aliases.RevocationEndpoint, m.RevocationEndpoint)
	}
	for _, e := range []struct {
		name   string
		needed bool
		told   string
		into   *string
	}{{"token_endpoint", issues, m.TokenEndpoint, &out.token}, {"revocation_endpoint", revokes, m.RevocationEndpoint, &out.revocation}} {
		if *e.into != "" || !e.needed {
			continue
		}
		if *e.into = e.told; e.told == "" {
			return out, fmt.Errorf("discovery: the issuer publishes no %s; expected authority.%s, or another way in authority", e.name, e.name)
		}
		if err := a.client.reach.may("discovery: "+e.name, e.told); err != nil {
			return out, err
		}
		if strings.HasPrefix(t.Issuer, "https:") && !strings.HasPrefix(e.told, "https:") {
			return out, fmt.Errorf("discovery: %s is not https, as its issuer is", e.name)
		}
	}
	return out, nil
}

// metadata asks the issuer by RFC 8414, then by OpenID Connect Discovery.
func (a *authority) metadata(ctx context.Context, issuer string) (*metadata, error) {
	if issuer == "" {
		return nil, errors.New("there is no issuer; expected authority.issuer, or its endpoints by hand")
	}
	u, err := url.Parse(issuer)
	if err != nil {
		return nil, errors.New("the issuer is not a URL")
	}
	u.RawQuery, u.Fragment = "", ""
	path := strings.TrimSuffix(u.EscapedPath(), "/")
	var failed []string
	for _, path := range []string{"/.well-known/oauth-authorization-server" + path, path + "/.well-known/openid-configuration"} {
		if err := a.pace.wait(ctx); err != nil {
			return nil, err
		}
		m, status, err := a.published(ctx, u.Scheme+"://"+u.Host+path, issuer)
		switch {
		case err == nil:
			return m, nil
		case status == 0: // it will not be there at the other place either
			return nil, fmt.Errorf("GET %s: %w", path, err)
		}
		failed = append(failed, fmt.Sprintf("GET %s: %v", path, err))
	}
	return nil, fmt.Errorf("%s; expected metadata of the issuer (RFC 8414), or token_endpoint and revocation_endpoint by hand", strings.Join(failed, "; "))
}

// published reads metadata, which must be that of the issuer.
func (a *authority) published(ctx context.Context, at, issuer string) (m *metadata, status int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, http.NoBody)
	if err != nil {
		return nil, 0, errors.New("not an HTTP request")
	}
	req.Header.Set("Accept", "application/json")
	got, err := a.client.send(ctx, req)
	if err != nil {
		return nil, 0, err
	}
	m = new(metadata)
	switch {
	case got.status != http.StatusOK:
		return nil, got.status, fmt.Errorf("status %d", got.status)
	case json.Unmarshal(got.body, m) != nil:
		return nil, got.status, errors.New("status 200, not JSON")
	case m.Issuer != issuer:
		return nil, got.status, fmt.Errorf("it is of the issuer %.200q and not of %q", m.Issuer, issuer)
	}
	return m, got.status, nil
}
