package chaos

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fake is a node that remembers what it was told.
type fake struct {
	mu         sync.Mutex
	told       []Command
	fail       map[float64]error // by amount
	met, clear int64
}

func (f *fake) Do(_ context.Context, c Command) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.fail[c.Amount]; err != nil {
		return err
	}
	f.told = append(f.told, c)
	return nil
}

func (f *fake) Count(Verb) (met, clear int64) { return f.met, f.clear }

func nodes(controls ...*fake) (out []Node) {
	for i, c := range controls {
		out = append(out, Node{Name: []string{"cache/gw-1", "cache/gw-2", "cache/gw-3"}[i], Control: c})
	}
	return out
}

func TestAFaultOfNodesTellsItsNodesAndTakesItBack(t *testing.T) {
	for _, row := range []struct {
		fault  string
		params Params
		want   []Command
	}{
		{"clock.skew", Params{Offset: -90 * 1e9}, []Command{{VerbClock, -90}, {VerbClock, 0}}},
		{"ttl.skew", Params{Factor: 4}, []Command{{VerbTTL, 4}, {VerbTTL, 1}}},
		{"credentials.wrong", Params{}, []Command{{VerbCredentials, 1}, {VerbCredentials, 0}}},
		{"authority.lie", Params{}, []Command{{VerbLie, 1}, {VerbLie, 0}}},
		{"key.retire", Params{}, []Command{{VerbDropKey, 1}, {VerbDropKey, 0}}},
		{"cache.flush", Params{}, []Command{{VerbFlush, 1}}},
		{"node.restart", Params{}, []Command{{VerbRestart, 1}}},
		{"key.rotate", Params{}, []Command{{VerbRotate, 1}}},
		{"container.pause", Params{}, []Command{{VerbPause, 1}, {VerbPause, 0}}},
		{"container.kill", Params{}, []Command{{VerbKill, 1}, {VerbKill, 0}}},
		{"container.disconnect", Params{}, []Command{{VerbDisconnect, 1}, {VerbDisconnect, 0}}},
		{"container.cpu", Params{CPUs: 0.05}, []Command{{VerbCPU, 0.05}, {VerbCPU, 0}}},
		{"container.memory", Params{Memory: 48 << 20}, []Command{{VerbMemory, 48 << 20}, {VerbMemory, 0}}},
	} {
		t.Run(row.fault, func(t *testing.T) {
			spec, ok := Find(row.fault)
			require.True(t, ok)
			require.NoError(t, spec.Check(row.params))
			hit, other := &fake{met: 5, clear: 50}, &fake{}
			i, err := spec.New(row.params).Inject(t.Context(), Target{Nodes: nodes(hit)})
			require.NoError(t, err)
			assert.Equal(t, row.want[:1], hit.told)
			assert.Zero(t, i.Met(), "what it counted before is not this fault's")
			assert.Zero(t, i.Clear())
			hit.met, hit.clear = 7, 53
			assert.EqualValues(t, 2, i.Met())
			assert.EqualValues(t, 3, i.Clear())
			require.NoError(t, i.Heal(t.Context()))
			assert.Equal(t, row.want, hit.told)
			assert.Equal(t, spec.Once, len(row.want) == 1)
			assert.Empty(t, other.told)
		})
	}
}

// On an error nothing is left broken.
func TestANodeThatCannotLeavesNoOtherBroken(t *testing.T) {
	broken := errors.New("no such verb")
	spec, _ := Find("clock.skew")
	skew := spec.New(Params{Offset: 1e9})
	first, second, third := &fake{}, &fake{fail: map[float64]error{1: broken}}, &fake{}
	_, err := skew.Inject(t.Context(), Target{Nodes: nodes(first, second, third)})
	require.ErrorIs(t, err, broken)
	require.ErrorContains(t, err, "cache/gw-2: clock")
	assert.NotErrorIs(t, err, ErrLeft)
	for _, n := range []*fake{first, third} {
		assert.Equal(t, []Command{{VerbClock, 1}, {VerbClock, 0}}, n.told)
	}
	assert.Equal(t, []Command{{VerbClock, 0}}, second.told, "it may be half-way")

	first.fail = map[float64]error{0: errors.New("gone")}
	_, err = skew.Inject(t.Context(), Target{Nodes: nodes(first, second)})
	require.ErrorIs(t, err, ErrLeft, "it says so if something is left")
	require.ErrorIs(t, err, broken)
}

// A call to an engine may take a second, and one fault can be of a dozen nodes.
func TestNodesAreToldSideBySide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		spec, _ := Find("container.kill")
		slow := []Node{{"cache/gw-1", engine{}}, {"remote/gw-1", engine{}}, {"hybrid/gw-1", engine{}}}
		start := time.Now()
		i, err := spec.New(Params{}).Inject(t.Context(), Target{Nodes: slow})
		require.NoError(t, err)
		assert.Equal(t, 2*time.Second, time.Since(start), "a count and a call")
		assert.Zero(t, i.Met())
		require.NoError(t, i.Heal(t.Context()))
		assert.Equal(t, 4*time.Second, time.Since(start))
	})
}

// engine is a node that takes a second for everything.
type engine struct{}

func (engine) Do(context.Context, Command) error { time.Sleep(time.Second); return nil }

func (engine) Count(Verb) (met, clear int64) { time.Sleep(time.Second); return 1, 1 }

func TestHealingGoesOnAfterANodeThatCannot(t *testing.T) {
	spec, _ := Find("authority.lie")
	first, second := &fake{fail: map[float64]error{0: errors.New("gone")}}, &fake{}
	i, err := spec.New(Params{}).Inject(t.Context(), Target{Nodes: nodes(first, second)})
	require.NoError(t, err)
	require.ErrorContains(t, i.Heal(t.Context()), "cache/gw-1: lie: gone")
	assert.Equal(t, []Command{{VerbLie, 1}, {VerbLie, 0}}, second.told)
}
