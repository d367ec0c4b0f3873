package external

import (
	"cmp"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/tokendrill/tokendrill/fixtures/token"
	"github.com/tokendrill/tokendrill/scenarios"
)

const (
	// assertionType says that a client authenticates by a JWT (RFC 7523 section 2.2),
	// and assertionLife is how long one is good for.
	assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	assertionLife = time.Minute
)

// authenticator adds what proves who the client is to a request.
type authenticator func(form url.Values, h http.Header) error

// authentication reads the secret or the key of the client.
func authentication(t *scenarios.Target, e endpoints, getenv func(string) string) (authenticator, error) {
	c := t.Authority.Client
	if c.ID == "" {
		return nil, errors.New("it has no id")
	}
	switch c.Auth {
	case scenarios.PrivateKeyJWT:
		return byAssertion(t, e)
	case scenarios.TLSClientAuth:
		if t.Connection.CertFile == "" {
			return nil, fmt.Errorf("%s without a certificate; expected connection.cert_file", c.Auth)
		}
		return func(form url.Values, _ http.Header) error {
			form.Set("client_id", c.ID)
			return nil
		}, nil
	}
	secret, err := clientSecret(t, getenv)
	switch {
	case err != nil:
		return nil, err
	case c.Auth == scenarios.ClientSecretPost:
		return func(form url.Values, _ http.Header) error {
			form.Set("client_id", c.ID)
			form.Set("client_secret", secret)
			return nil
		}, nil
	case c.Auth == scenarios.ClientSecretBasic || c.Auth == "":
		basic := url.QueryEscape(c.ID) + ":" + url.QueryEscape(secret) // RFC 6749 section 2.3.1
		return func(_ url.Values, h http.Header) error {
			h.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(basic)))
			return nil
		}, nil
	}
	return nil, fmt.Errorf("auth is %q; expected one of the four methods", c.Auth)
}

// clientSecret is the secret, from where the target says that it is.
func clientSecret(t *scenarios.Target, getenv func(string) string) (string, error) {
	c := t.Authority.Client
	if c.SecretEnv != "" {
		if secret := getenv(c.SecretEnv); secret != "" {
			return secret, nil
		}
		return "", fmt.Errorf("secret_env: environment variable %s is not set; expected the secret in it", c.SecretEnv)
	}
	if c.SecretFile == "" {
		return "", errors.New("it has no secret; expected secret_env or secret_file")
	}
	data, err := os.ReadFile(beside(t, c.SecretFile))
	if err != nil {
		return "", fmt.Errorf("secret_file: %w", err)
	}
	secret := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	if secret == "" {
		return "", fmt.Errorf("secret_file: %s is empty; expected the secret in it", c.SecretFile)
	}
	return secret, nil
}

// byAssertion signs a JWT for each request (RFC 7523 section 3).
func byAssertion(t *scenarios.Target, e endpoints) (authenticator, error) {
	c := t.Authority.Client
	data, err := os.ReadFile(beside(t, c.KeyFile))
	if err != nil {
		return nil, fmt.Errorf("key_file: %w", err)
	}
	key, err := token.ParseClientKey(data, c.KeyID)
	if err != nil {
		return nil, fmt.Errorf("key_file: %s: %w", c.KeyFile, err)
	}
	audience := cmp.Or(e.token, t.Authority.Issuer, e.revocation)
	return func(form url.Values, _ http.Header) error {
		now := time.Now()
		assertion, err := key.Sign(map[string]any{
			"iss": c.ID, "sub": c.ID, "aud": audience, "jti": rand.Text(),
			"iat": now.Unix(), "exp": now.Add(assertionLife).Unix(),
		})
		form.Set("client_id", c.ID)
		form.Set("client_assertion_type", assertionType)
		form.Set("client_assertion", assertion)
		return err
	}, nil
}
