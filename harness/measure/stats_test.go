package measure

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tokendrill/tokendrill/fixtures/token"
)

// DESIGN section 4: p95 needs 59 moments with no breach, p99 299, and 4 breaches
// still pass p95 at 181.
func TestBinomialBounds(t *testing.T) {
	for _, row := range []struct {
		q                        float64
		n, breaches              int
		keepsLimit, breaksTheOne bool
	}{
		{0.95, 58, 0, false, false},
		{0.95, 59, 0, true, false},
		{0.95, 180, 4, false, false},
		{0.95, 181, 4, true, false},
		{0.95, 181, 5, false, false},
		{0.99, 298, 0, false, false},
		{0.99, 299, 0, true, false},
		{0.5, 5, 0, true, false},
		{0.5, 4, 0, false, false},
		{0.5, 5, 5, false, true},
		{0.95, 1, 1, false, true},
		{0.95, 2, 1, false, false},
		{0.95, 10, 2, false, false},
		{0.95, 10, 3, false, true},
		{0.95, 59, 6, false, false},
		{0.95, 59, 7, false, true},
		{0.95, 0, 0, false, false},
	} {
		assert.Equal(t, row.keepsLimit, keeps(row.breaches, row.n, row.q), "keeps %+v", row)
		assert.Equal(t, row.breaksTheOne, breaks(row.breaches, row.n, row.q), "breaks %+v", row)
	}
	assert.Equal(t, []int{5, 29, 59, 299, 1}, []int{Need(0.5), Need(0.9), Need(0.95), Need(0.99), Need(1)})
}

func TestHowManyTokensWouldDecide(t *testing.T) {
	for _, row := range []struct {
		breaches, n, want int
		ok                bool
	}{{0, 40, 59, true}, {0, 0, 59, true}, {1, 60, 124 + 29, true}, {3, 60, 0, false}} {
		got, ok := enough(row.breaches, row.n, 0.95)
		assert.Equal(t, row.ok, ok, "%+v", row)
		assert.Equal(t, row.want, got, "%+v", row)
	}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 200).Draw(t, "n")
		breaches := rapid.IntRange(0, n).Draw(t, "breaches")
		if more, ok := enough(breaches, n, 0.95); ok {
			assert.Greater(t, more, n)
			assert.True(t, keeps(breaches*more/n, more, 0.95))
		}
	})
}

// No run can be shown both to keep a limit and to break it, and the two tails
// are those of one distribution.
func TestKeepingAndBreakingExcludeEachOther(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 400).Draw(t, "n")
		b := rapid.IntRange(0, n).Draw(t, "b")
		q := rapid.SampledFrom([]float64{0.5, 0.95, 0.99}).Draw(t, "q")
		assert.False(t, keeps(b, n, q) && breaks(b, n, q))
		assert.InDelta(t, 1, atMost(b, n, 1-q)+atLeast(b+1, n, 1-q), 1e-9)
	})
}

func ival(ref token.Ref, moment int, lower, upper float64) Interval {
	i := Interval{Token: ref, State: Exact, Moment: moment, Lower: &lower, Upper: &upper}
	if math.IsInf(upper, 1) {
		i.State, i.Upper = Censored, nil
	}
	return i
}

// DESIGN section 4: 59 tokens revoked by one bulk call are one sample.
func TestABulkRevocationIsOneMoment(t *testing.T) {
	bulk := []Interval{ival("a", 1, 1, 2), ival("b", 1, 5, 9), ival("c", 1, 3, 30), ival("d", 0, 4, 6), ival("e", 0, 4, 7)}
	samples, moments := spans(bulk, false)
	assert.Equal(t, 3, moments)
	assert.Equal(t, []span{{5, 30}, {4, 6}, {4, 7}}, samples, "the slowest of the call, then each token of its own")
}

func TestCensoredQuantilesAreNullWithTheBoundTheyExceed(t *testing.T) {
	var intervals []Interval
	for k := range 100 {
		upper := float64(k + 10)
		if k >= 96 {
			upper = math.Inf(1)
		}
		intervals = append(intervals, ival("", k+1, float64(k), upper))
	}
	lower, upper := summarize(spans(intervals, false))
	assert.Equal(t, []float64{49, 94, 98, 99}, []float64{*lower.P50, *lower.P95, *lower.P99, *lower.Max})
	assert.Equal(t, []float64{59, 104}, []float64{*upper.P50, *upper.P95})
	assert.Nil(t, upper.P99)
	assert.Nil(t, upper.Max)
	require.NotNil(t, upper.Above)
	assert.Nil(t, upper.Above.P95)
	assert.Equal(t, []float64{98, 99}, []float64{*upper.Above.P99, *upper.Above.Max})
}

func TestTheUpperBoundOfAnUnstableIntervalCountsAsUnknown(t *testing.T) {
	i := ival("a", 1, 3, 5)
	i.State = Unstable
	_, upper := summarize(spans([]Interval{i}, false))
	assert.Nil(t, upper.Max)
	assert.Equal(t, 3.0, *upper.Above.Max)
}

func TestAQuantileWithoutEnoughMomentsIsNull(t *testing.T) {
	for n, want := range map[int]int{0: 0, 1: 1, 2: 2, 19: 2, 20: 3, 99: 3, 100: 4} {
		var intervals []Interval
		for k := range n {
			intervals = append(intervals, ival("", k+1, 1, 2))
		}
		_, q := summarize(spans(intervals, false))
		got := 0
		for _, v := range []*float64{q.P50, q.P95, q.P99, q.Max} {
			if v != nil {
				got++
			}
		}
		assert.Equal(t, want, got, "%d moments", n)
	}
}

// research/load.md section 4: finite 95 % intervals of a median take six values.
func TestTheIntervalOfAMedian(t *testing.T) {
	_, _, ok := medianInterval([]float64{1, 2, 3, 4, 5})
	assert.False(t, ok)
	low, high, ok := medianInterval([]float64{6, 1, 5, 2, 4, 3})
	assert.True(t, ok)
	assert.Equal(t, []float64{1, 6}, []float64{low, high}, "with six it is min to max")
	nine := []float64{1, 2, 3, 4, 5, 6, 7, 8, 9}
	low, high, _ = medianInterval(nine)
	assert.Equal(t, []float64{2, 8}, []float64{low, high}, "from nine on the outermost drop out: 2 * 10/512 is under 5 %")
	low, high, _ = medianInterval(nine[:8])
	assert.Equal(t, []float64{1, 8}, []float64{low, high}, "with eight, 2 * 9/256 is not")
	assert.Equal(t, 2.5, *noise([]float64{6, 1, 5, 2, 4, 3}))
	assert.Nil(t, noise([]float64{1, 2}))
}

func TestPatternsThatCannotBeToldApartAreTied(t *testing.T) {
	of := func(name string, p95 float64, slices ...float64) Pattern {
		return Pattern{Pattern: name, Latency: Latency{Check: Dist{P95: &p95, P95Slices: slices}}}
	}
	got := ties([]Pattern{
		of("cache", 6, 6, 7, 6, 8, 9, 6),
		of("registry", 1, 1.0, 2.0, 1.0, 1.1, 3.0, 1.0),
		of("hybrid", 1.1, 1.1, 1.9, 1.1, 1.2, 2.9, 1.1),
		of("few", 1, 1, 1, 1),
	})
	assert.Equal(t, [][]string{{"registry", "hybrid"}}, got)
	drifting := ties([]Pattern{of("a", 3, 1, 2, 3, 4, 5, 6), of("b", 3.3, 1.1, 2.2, 3.3, 4.4, 5.5, 6.6)})
	assert.Empty(t, drifting, "drift hits both slices of a round alike: 10 % in every round is a difference")
}

func TestCurvesRiseToHundredPercent(t *testing.T) {
	var h histogram
	for i := range 10_000 {
		h.record(int64(time.Duration(i) * time.Microsecond))
	}
	c := h.curve("response")
	assert.Equal(t, 100.0, c.Points[len(c.Points)-1][0])
	assert.Less(t, len(c.Points), 2000)
	for i := 1; i < len(c.Points); i++ {
		assert.Greater(t, c.Points[i][0], c.Points[i-1][0])
		assert.Greater(t, c.Points[i][1], c.Points[i-1][1])
	}
}
