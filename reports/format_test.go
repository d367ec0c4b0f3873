package reports

import (
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestFigures(t *testing.T) {
	for _, row := range []struct {
		name, want, got string
	}{
		{"zero is plain", "0", figure(0, nearest)},
		{"three digits", "1.94", figure(1.9449, nearest)},
		{"a lower bound goes down", "1.94", figure(1.9499, down)},
		{"an upper bound goes up", "1.95", figure(1.9401, up)},
		{"an exact bound stays", "1.94", figure(1.94, up)},
		{"too small to tell", "<0.001", figure(0.0002, nearest)},
		{"a small lower bound is zero", "0", figure(0.0002, down)},
		{"a small upper bound is not zero", "0.001", figure(0.0002, up)},
		{"thousands", "12,346", figure(12345.6, nearest)},
		{"milliseconds", "12.5 ms", millis(12.5, nearest)},
		{"seconds", "2.02 s", millis(2015, up)},
		{"minutes", "20.0 min", millis(1_200_000, nearest)},
		{"a setting has no zeros", "1.5 s", setting(1500)},
		{"a whole setting has no point", "54 s", setting(54_000)},
		{"an interval", "1.71 to 1.94", between(new(1710.0), new(1940.0), nil, units[1])},
		{"an interval of one figure", "1.71", between(new(1710.0), new(1710.0), nil, units[1])},
		{"no lower end starts at zero", "0 to 0.004", between(nil, new(4.0), nil, units[1])},
		{"censored", "> 3.20", between(new(3200.0), nil, new(3200.0), units[1])},
		{"nothing known", "-", between(new(3200.0), nil, nil, units[1])},
		{"a count", "1,234,567", count(1_234_567)},
		{"a compact count", "1M", compact(1_234_567)},
		{"an exact compact count", "99,999", compact(99_999)},
		{"a share", "61 %", percent(0.61)},
		{"a list", "a, b and c", list([]string{"a", "b", "c"})},
		{"a tail of a path", "…/quick-7/report.html", ending("/very/long/out/quick-7/report.html", 21)},
		{"control characters", "?[31mred ?", clean("\x1b[31mred\n\x00")},
	} {
		assert.Equal(t, row.want, row.got, row.name)
	}
}

func TestBoundsAreRoundedOutwards(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.Float64Range(0, 1e9).Draw(t, "v")
		lower, upper := parse(t, figure(v, down)), parse(t, figure(v, up))
		require.LessOrEqual(t, lower, v*(1+1e-9))
		require.GreaterOrEqual(t, upper, v*(1-1e-9))
	})
}

func parse(t *rapid.T, s string) float64 {
	v, err := strconv.ParseFloat(strings.ReplaceAll(s, ",", ""), 64)
	require.NoError(t, err)
	return v
}

func TestACompactCountTakesSixColumns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(0, 1<<62).Draw(t, "n")
		require.LessOrEqual(t, utf8.RuneCountInString(compact(n)), 6)
	})
}

func TestSupportFollowsTheBinomialBound(t *testing.T) {
	for q, n := range map[float64]int{0.50: 5, 0.95: 59, 0.99: 299} {
		assert.True(t, supports(q, n), "%v with %d", q, n)
		assert.False(t, supports(q, n-1), "%v with %d", q, n-1)
	}
}
