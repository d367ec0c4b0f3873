package remote

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/chaos"
	"github.com/tokendrill/tokendrill/fixtures/authority"
	"github.com/tokendrill/tokendrill/fixtures/token"
	"github.com/tokendrill/tokendrill/harness"
)

const (
	clientSecret  = "secret-of-a-client"
	gatewaySecret = "secret-of-the-gateways"
)

// secretive is an authority with all the secrets that there are.
func secretive(t testing.TB) harness.Role {
	ring, err := token.NewRing(time.Now)
	require.NoError(t, err)
	private, err := ring.Private()
	require.NoError(t, err)
	return harness.Role{
		Kind: "authority", Node: "authority", Secret: gatewaySecret, RootKeys: ring.Public(),
		Links: map[string]harness.LinkProfile{"authority-registry": {Delay: chaos.Delay{P50: time.Millisecond}, Seed: 1<<64 - 1}},
		Peers: harness.Peers{Registry: "nats://127.0.0.1:1"},
		Authority: harness.AuthorityRole{
			Lifetime: time.Hour, Clients: []authority.Client{{ID: "app-1", Secret: clientSecret, Scopes: []string{"read"}}},
			Ring: private, Root: private,
		},
	}
}

// harmless fails the test if a text shows a secret.
func harmless(t testing.TB, role harness.Role, text string) {
	t.Helper()
	private := role.Authority.Ring
	var ring struct{ Keys []struct{ D string } }
	require.NoError(t, json.Unmarshal(private, &ring))
	encoded, err := json.Marshal(private)
	require.NoError(t, err)
	for _, secret := range []string{clientSecret, gatewaySecret, controlKey, ring.Keys[0].D, string(encoded[1:40])} {
		require.Greater(t, len(secret), 10)
		assert.NotContains(t, text, secret)
	}
}

func TestNoErrorShowsASecret(t *testing.T) {
	_, registry := serving(t, harness.Role{Kind: "registry", Node: "registry"})
	role := secretive(t)
	role.Peers.Registry = registry.up.URL
	whole, err := json.Marshal(role)
	require.NoError(t, err)
	p := launch(t, "authority", "")
	for _, row := range []struct{ what, old, new string }{
		{"an unknown field", `"Kind":`, fmt.Sprintf(`%q:1,"Kind":`, clientSecret)},
		{"a secret in the place of a number", `"Prefix":0`, fmt.Sprintf(`"Prefix":%q`, clientSecret)},
		{"a secret in the place of a ring", `"Ring":"`, `"Ring":"!` + gatewaySecret},
		{"a ring that is cut off", `"Ring":"`, `"Ring":"AAAA`},
		{"keys that are secrets", `"RootKeys":{`, fmt.Sprintf(`"RootKeys":{%q:1,`, clientSecret)},
		{"a quote that is missing", gatewaySecret + `"`, gatewaySecret},
		{"a secret as a delay", `"P50":1000000`, fmt.Sprintf(`"P50":%q`, gatewaySecret)},
		{"a secret as its kind", `"Kind":"authority"`, fmt.Sprintf(`"Kind":%q`, gatewaySecret)},
	} {
		t.Run(row.what, func(t *testing.T) {
			body := strings.Replace(string(whole), row.old, row.new, 1)
			require.NotEqual(t, string(whole), body)
			status, said := p.ask(t, http.MethodPost, "/serve", "", body)
			assert.GreaterOrEqual(t, status, 400)
			harmless(t, role, said)
		})
	}
}

func TestAClientShowsNoSecret(t *testing.T) {
	role := secretive(t)
	p := launch(t, "authority", "")
	at := p.at
	for _, row := range []struct {
		what, key string
		at        string
	}{
		{"a role that does not start", controlKey, p.at},
		{"a wrong key", controlKey + "x", p.at},
		{"a key that is no header", controlKey + "\n", p.at},
		{"a base URL that is none", controlKey, "http://[" + "::"},
		{"nobody there", controlKey, "http://127.0.0.1:1"},
	} {
		t.Run(row.what, func(t *testing.T) {
			at = row.at
			c := NewClient(func() string { return at }, row.key)
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			_, err := c.Start(ctx, role)
			require.Error(t, err)
			harmless(t, role, err.Error())
			harmless(t, role, fmt.Sprintf("%v %+v %#v %s", c, c, c, errors.Join(c.Ping(ctx), c.Reach(ctx), c.Close())))
			assert.Equal(t, "authority authority", c.String())
		})
	}
}
