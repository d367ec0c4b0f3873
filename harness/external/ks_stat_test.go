package external_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
)

// ks is the two-sample Kolmogorov-Smirnov statistic: the largest distance between
// the empirical distribution functions of x and y.
func ks(x, y []float64) (d float64) {
	x, y = slices.Sorted(slices.Values(x)), slices.Sorted(slices.Values(y))
	for i, j := 0, 0; i < len(x) && j < len(y); {
		v := min(x[i], y[j])
		for i < len(x) && x[i] == v {
			i++
		}
		for j < len(y) && y[j] == v {
			j++
		}
		d = max(d, math.Abs(float64(i)/float64(len(x))-float64(j)/float64(len(y))))
	}
	return d
}

// ksCritical is the distance that samples of n and m of one distribution exceed with
// probability alpha, asymptotically; with ties, or fewer of them, more rarely.
func ksCritical(alpha float64, n, m int) float64 {
	return math.Sqrt(-math.Log(alpha/2) / 2 * float64(n+m) / float64(n*m))
}

func TestKS(t *testing.T) {
	for _, row := range []struct {
		name string
		x, y []float64
		d    float64
	}{
		{"a sample and itself do not differ", []float64{3, 1, 2}, []float64{1, 2, 3}, 0},
		{"samples apart differ by all", []float64{1, 2}, []float64{3, 4, 5}, 1},
		{"half of each is shared", []float64{1, 2, 3, 4}, []float64{3, 4, 5, 6}, 0.5},
		{"ties are stepped over at once", []float64{1, 1, 1, 2}, []float64{1, 2, 2, 2}, 0.5},
		{"sizes may differ", []float64{1, 2, 3, 4, 5}, []float64{2.5, 10}, 0.5},
		{"a spread differs, not only a place", []float64{1, 9}, []float64{4, 5, 6}, 0.5},
	} {
		t.Run(row.name, func(t *testing.T) {
			assert.InDelta(t, row.d, ks(row.x, row.y), 1e-12)
			assert.InDelta(t, row.d, ks(row.y, row.x), 1e-12, "the other way round")
		})
	}
}

func TestKSCriticalIsThatOfTheTables(t *testing.T) {
	for alpha, c := range map[float64]float64{0.10: 1.224, 0.05: 1.358, 0.01: 1.628, 0.005: 1.731, 0.001: 1.949} {
		assert.InDelta(t, c, ksCritical(alpha, 2, 2), 0.0006, "(n+m)/nm is 1")
	}
	assert.InDelta(t, 0.3446, ksCritical(0.001, 64, 64), 0.0001)
}

// Samples of one distribution differ about as often as the test says, rather more
// rarely; those of two are told apart.
func TestKSErrsAsOftenAsItSays(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	sample := func(life float64) []float64 {
		out := make([]float64, 64)
		for i := range out {
			out[i] = life * rng.Float64()
		}
		return out
	}
	const times = 4000
	alike, apart := 0, 0
	for range times {
		if ks(sample(1), sample(1)) > ksCritical(0.05, 64, 64) {
			alike++
		}
		if ks(sample(1), sample(2)) > ksCritical(0.05, 64, 64) {
			apart++
		}
	}
	assert.InDelta(t, 0.04, float64(alike)/times, 0.01)
	assert.Greater(t, float64(apart)/times, 0.99)
}
