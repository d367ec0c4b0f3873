package harness

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/chaos"
	"github.com/tokendrill/tokendrill/fixtures/pattern"
	"github.com/tokendrill/tokendrill/scenarios"
)

// A flush is evidence only where something could be flushed.
func TestAFlushCountsWhereThereIsACache(t *testing.T) {
	cache := pattern.NewCache(pattern.CacheConfig{Authority: pattern.NewAuthority(pattern.AuthorityConfig{}), TTL: time.Minute})
	remote := pattern.NewRemote(pattern.RemoteConfig{Authority: pattern.NewAuthority(pattern.AuthorityConfig{}), Timeout: time.Second})
	for _, row := range []struct {
		name     string
		verifier pattern.Verifier
		met      int64
	}{
		{"a cache", cache, 1},
		{"a cache behind a fallback", pattern.Fallback{Verifier: cache}, 1},
		{"a cache behind two", pattern.Fallback{Verifier: pattern.Fallback{Verifier: cache}}, 1},
		{"no cache", remote, 0},
		{"no cache behind a fallback", pattern.Fallback{Verifier: remote}, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			n := &enforcer{flush: flushOf(row.verifier)}
			require.NoError(t, n.Do(t.Context(), chaos.Command{Verb: chaos.VerbFlush, Amount: 1}))
			met, _ := n.Count(chaos.VerbFlush)
			assert.Equal(t, row.met, met)
		})
	}
}

func TestTheNodesThatHaveACacheAreThoseThatCountFlushes(t *testing.T) {
	s := steer(t)
	for node, want := range map[string]int64{
		scenarios.Cache + "/gw-1": 1, scenarios.Remote + "/gw-1": 0, scenarios.Registry + "/gw-1": 0, scenarios.Hybrid + "/gw-1": 1,
	} {
		s.do(node, chaos.VerbFlush, 1)
		met, _ := s.count(node, chaos.VerbFlush)
		assert.Equal(t, want, met, node)
	}
}
