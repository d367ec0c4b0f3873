package chaos

import (
	"context"
	"errors"
	"sync"
	"testing"

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
	assert.Equal(t, []Command{{VerbClock, 1}, {VerbClock, 0}}, first.told)
	assert.Empty(t, third.told)

	first.fail = map[float64]error{0: errors.New("gone")}
	_, err = skew.Inject(t.Context(), Target{Nodes: nodes(first, second)})
	require.ErrorIs(t, err, ErrLeft, "it says so if something is left")
	require.ErrorIs(t, err, broken)
}

func TestHealingGoesOnAfterANodeThatCannot(t *testing.T) {
	spec, _ := Find("authority.lie")
	first, second := &fake{fail: map[float64]error{0: errors.New("gone")}}, &fake{}
	i, err := spec.New(Params{}).Inject(t.Context(), Target{Nodes: nodes(first, second)})
	require.NoError(t, err)
	require.ErrorContains(t, i.Heal(t.Context()), "cache/gw-1: lie: gone")
	assert.Equal(t, []Command{{VerbLie, 1}, {VerbLie, 0}}, second.told)
}
