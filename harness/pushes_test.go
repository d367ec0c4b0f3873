package harness

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/chaos"
	"github.com/tokendrill/tokendrill/fixtures/registry"
)

// follower is a gateway's end of a real registry, over a link of its own.
type follower struct {
	link *chaos.Link
	mu   sync.Mutex
	seen map[string]bool
}

func (f *follower) has(id string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.seen[id]
}

func follow(t *testing.T, url, node string) *follower {
	t.Helper()
	f := &follower{link: chaos.NewLink(linkGatewayRegistry, node, chaos.Delay{}, 1), seen: map[string]bool{}}
	conn, err := registry.Dial(t.Context(), url, registry.Options{Name: node, Dial: f.link.DialContext})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	var watching sync.WaitGroup
	watching.Go(func() {
		_ = conn.Watch(ctx, func(u registry.Update) {
			f.mu.Lock()
			defer f.mu.Unlock()
			if u.Revocation != nil {
				f.seen[u.Revocation.ID] = true
			}
		})
	})
	t.Cleanup(func() { cancel(); watching.Wait(); conn.Close() })
	return f
}

// What the scripted sockets of package chaos say about NATS has to hold for a real
// server: each fault is met on its own link only, and afterwards nothing is missing.
func TestFaultsActOnTheTrafficOfARealRegistry(t *testing.T) {
	for _, row := range []struct {
		fault  string
		params chaos.Params
		keeps  bool // what is published meanwhile from the gateway
	}{
		{"push.drop", chaos.Params{}, true},
		{"push.delay", chaos.Params{Delay: chaos.Delay{P50: time.Minute}}, true},
		{"push.duplicate", chaos.Params{}, false},
		{"push.reorder", chaos.Params{}, false},
		{"link.cut", chaos.Params{}, true},
		{"link.hang", chaos.Params{}, true},
		{"link.reset", chaos.Params{}, true},
		{"link.delay", chaos.Params{Delay: chaos.Delay{P50: 20 * time.Millisecond}}, false},
	} {
		t.Run(row.fault, func(t *testing.T) {
			t.Parallel()
			server, err := registry.Start(t.Context(), "", "")
			require.NoError(t, err)
			t.Cleanup(func() { assert.NoError(t, server.Close()) })
			publisher, err := registry.Dial(t.Context(), server.URL(), registry.Options{Name: "authority"})
			require.NoError(t, err)
			t.Cleanup(publisher.Close)
			hit, other := follow(t, server.URL(), "registry/gw-1"), follow(t, server.URL(), "registry/gw-2")
			n := 0
			publish := func() string {
				n++
				id := fmt.Sprintf("t%d", n)
				require.NoError(t, publisher.Revoke(t.Context(), registry.Revocation{Issuer: "as", ID: id, Expires: time.Now().Add(time.Hour)}))
				return id
			}
			arrives := func(f *follower, id string) {
				t.Helper()
				require.Eventually(t, func() bool { return f.has(id) }, 10*time.Second, time.Millisecond)
			}
			first := publish()
			arrives(hit, first)
			arrives(other, first)

			spec, ok := chaos.Find(row.fault)
			require.True(t, ok)
			in, err := spec.New(row.params).Inject(t.Context(), chaos.Target{Links: []*chaos.Link{hit.link}, Seed: 1})
			require.NoError(t, err)
			var last string
			require.Eventually(t, func() bool { // so that the server is never idle
				last = publish()
				return n > 20 && in.Met() > 0
			}, 10*time.Second, 5*time.Millisecond)
			arrives(other, last)
			if row.keeps {
				assert.False(t, hit.has(last), "it cannot have come")
			} else {
				arrives(hit, publish())
			}
			clear := in.Clear()
			require.NoError(t, in.Heal(t.Context()))
			last = publish()
			for i := range n {
				arrives(hit, fmt.Sprintf("t%d", i+1))
			}
			assert.True(t, hit.has(last))
			assert.Greater(t, in.Clear(), clear)
		})
	}
}
