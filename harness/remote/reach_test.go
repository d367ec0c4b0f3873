package remote

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/harness"
)

func TestTheNameOfARoleOnItsNetwork(t *testing.T) {
	for _, row := range []struct{ node, listens, want string }{
		{"cache/gw-1", "http://[::]:8080", "cache-gw-1:8080"},
		{"hybrid/gw-1/origin", "http://0.0.0.0:8080", "hybrid-gw-1-origin:8080"},
		{"registry", "nats://:4222", "registry:4222"},
		{"cache/gw-1", "http://127.0.0.1:41234", "127.0.0.1:41234"},
		{"cache/gw-1", "http://gateway.internal:8080", "gateway.internal:8080"},
	} {
		assert.Equal(t, row.want, ownName(harness.Role{Node: row.node}, row.listens))
	}
}

// A role that is cut off reaches neither its peers nor itself by the name that the
// network has for it.
func TestReachSaysWhatIsOutOfReach(t *testing.T) {
	_, registry := serving(t, harness.Role{Kind: "registry", Node: "registry"})
	for _, row := range []struct {
		what, node, listen string
		peers              harness.Peers
		want               string // nothing if all is in reach
	}{
		{"all is in reach", "upstream", "", harness.Peers{Registry: registry.up.URL}, ""},
		{"it listens on every interface under a name that is known", "localhost", ":0", harness.Peers{}, ""},
		{"its name is not known", "no/such.invalid", ":0", harness.Peers{}, "no-such.invalid:"},
		{"one peer is down", "upstream", "", harness.Peers{Authority: "http://127.0.0.1:1", Registry: registry.up.URL}, "127.0.0.1:1 is out of reach"},
	} {
		t.Run(row.what, func(t *testing.T) {
			p := launch(t, "upstream", row.listen)
			c := NewClient(func() string { return p.at }, controlKey)
			_, err := c.Start(t.Context(), harness.Role{Kind: "upstream", Node: row.node, Peers: row.peers})
			require.NoError(t, err)
			defer c.Close()
			err = c.Reach(t.Context())
			if row.want == "" {
				assert.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, row.want)
			at, parsed := url.Parse(registry.up.URL)
			require.NoError(t, parsed)
			assert.NotContains(t, err.Error(), at.Host, "this one is in reach")
		})
	}
}
