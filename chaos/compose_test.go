package chaos

import (
	"maps"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestAShareIsKeptToAndDrawnFromTheSeed(t *testing.T) {
	const n = 2000
	run := func(seed uint64) (struck []bool, met int64) {
		l, _ := two()
		spec, _ := Find("http.error")
		i, err := spec.New(Params{Share: 0.3}).Inject(t.Context(), Target{Links: []*Link{l}, Seed: seed})
		require.NoError(t, err)
		for range n {
			got, err := call(t, l, fine, "GET", "/", "")
			require.NoError(t, err)
			struck = append(struck, got.status == 503)
		}
		assert.EqualValues(t, n, i.Met()+i.Clear())
		return struck, i.Met()
	}
	first, met := run(1)
	again, _ := run(1)
	another, _ := run(2)
	assert.InDelta(t, 0.3*n, met, 100)
	assert.Equal(t, first, again, "the same seed, the same choice")
	assert.NotEqual(t, first, another)
}

// Each link draws by itself: what one carries does not change what another gets.
func TestTheShareOfALinkDoesNotDependOnTheTrafficOfOthers(t *testing.T) {
	run := func(busy int) (struck []bool) {
		l, other := two()
		inject(t, "http.error", Params{Share: 0.5}, l, other)
		for range 50 {
			for range busy {
				call(t, other, fine, "GET", "/", "")
			}
			got, err := call(t, l, fine, "GET", "/", "")
			require.NoError(t, err)
			struck = append(struck, got.status == 503)
		}
		return struck
	}
	assert.Equal(t, run(0), run(3))
}

// However many faults meet on one link and in whatever order they go, the link is
// as before in the end, and each is gone when it is healed.
func TestFaultsComposeAndHealInAnyOrder(t *testing.T) {
	params := map[string]Params{
		"link.cut": {}, "link.reset": {}, "link.delay": {Delay: Delay{P50: time.Millisecond}}, "http.error": {}, "http.limit": {},
		"answer.forge": {}, "answer.replay": {}, "answer.unsign": {}, "answer.max-age": {MaxAge: time.Hour},
		"keys.missing": {}, "keys.stale": {}, "bundle.rollback": {},
	}
	rapid.Check(t, func(rt *rapid.T) {
		hit, _ := two()
		names := rapid.SliceOfN(rapid.SampledFrom(slices.Sorted(maps.Keys(params))), 1, 6).Draw(rt, "faults")
		in := make([]*Injected, len(names))
		for i, name := range names {
			in[i] = inject(rt, name, params[name], hit)
		}
		left := slices.Clone(names)
		for _, i := range rapid.Permutation(indexes(len(names))).Draw(rt, "healed in this order") {
			got, err := call(t, hit, fine, "GET", "/x", "")
			switch {
			case slices.Contains(left, "link.cut"):
				require.ErrorIs(rt, err, ErrCut)
			case slices.Contains(left, "http.error"), slices.Contains(left, "http.limit"):
				require.NoError(rt, err)
				require.Contains(rt, []int{429, 503}, got.status)
			case slices.Contains(left, "link.reset"):
				require.ErrorIs(rt, err, syscall.ECONNRESET)
			default:
				require.NoError(rt, err)
			}
			require.NoError(rt, in[i].Heal(t.Context()))
			at := slices.Index(left, names[i])
			left = slices.Delete(left, at, at+1)
		}
		got, err := call(t, hit, fine, "GET", "/x", "")
		require.NoError(rt, err)
		require.Equal(rt, "fine", got.body)
		require.Empty(rt, got.header.Get("Cache-Control"))
	})
}

func indexes(n int) (out []int) {
	for i := range n {
		out = append(out, i)
	}
	return out
}
