package reports

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// none stands for a figure that was not measured or cannot be supported.
const none = "-"

// unit is a unit of time for a column or an axis.
type unit struct {
	short, word string
	ms          float64 // milliseconds in one
}

var units = [...]unit{{"ms", "ms", 1}, {"s", "seconds", 1e3}, {"min", "minutes", 60e3}, {"h", "hours", 3600e3}}

// unitFor returns the smallest unit in which the largest value stays under a thousand.
func unitFor(maxMS float64) unit {
	for _, u := range units {
		if maxMS < 999.5*u.ms {
			return u
		}
	}
	return units[len(units)-1]
}

// rounding says which way a figure is rounded: bounds outwards, others to the nearest.
type rounding int

const (
	nearest rounding = iota
	down
	up
)

// round returns a whole number. It forgives the last bits of a binary fraction,
// so that 1.94 rounded up to two decimals stays 1.94.
func (r rounding) round(v float64) float64 {
	slop := math.Abs(v) * 1e-12
	switch r {
	case down:
		return math.Floor(v + slop)
	case up:
		return math.Ceil(v - slop)
	}
	return math.Round(v)
}

// figure formats v with about three significant digits and no exponent.
func figure(v float64, to rounding) string { return fixed(v, decimals(v), to) }

// decimals is how many of them a figure of this size shows.
func decimals(v float64) int {
	switch a := math.Abs(v); {
	case a < 0.0995:
		return 3
	case a < 9.995:
		return 2
	case a < 99.95:
		return 1
	}
	return 0
}

// fixed formats v with a number of decimals; zero is "0".
func fixed(v float64, decimals int, to rounding) string {
	scale := math.Pow10(decimals)
	switch rounded := to.round(v*scale) / scale; {
	case rounded == 0 && to == nearest && v > 0:
		return "<0.001"
	case rounded == 0:
		return "0"
	default:
		return group(strconv.FormatFloat(rounded, 'f', decimals, 64))
	}
}

// millis formats a duration given in milliseconds with the unit that suits it.
func millis(ms float64, to rounding) string {
	u := unitFor(math.Abs(ms))
	return figure(ms/u.ms, to) + " " + u.short
}

// setting formats a duration that somebody chose: without trailing zeros.
func setting(ms float64) string {
	if ms == 0 {
		return "0"
	}
	number, name, _ := strings.Cut(millis(ms, nearest), " ")
	if strings.Contains(number, ".") {
		number = strings.TrimRight(strings.TrimRight(number, "0"), ".")
	}
	return number + " " + name
}

// length formats how long a run took: to the second where that is close enough.
func length(ms float64) string {
	if ms >= 10_000 {
		ms = math.Round(ms/1000) * 1000
	}
	return setting(ms)
}

// optional formats a duration that may be missing.
func optional(ms *float64) string {
	if ms == nil {
		return none
	}
	return millis(*ms, nearest)
}

// between formats an interval in u: "a to b", "> a" where the upper end is not
// known but a lower one is, "-" where nothing is.
func between(lower, upper, above *float64, u unit) string {
	switch {
	case upper != nil:
		lo, hi := "0", figure(*upper/u.ms, up)
		if lower != nil {
			lo = figure(*lower/u.ms, down)
		}
		if lo == hi {
			return hi
		}
		return lo + " to " + hi
	case above != nil && *above > 0:
		return "> " + figure(*above/u.ms, down)
	}
	return none
}

// span is between with the unit that suits the interval, written behind it.
func span(lower, upper, above *float64) string {
	u := unitFor(largest(lower, upper, above))
	s := between(lower, upper, above, u)
	if s == none {
		return none
	}
	return s + " " + u.short
}

func largest(vs ...*float64) float64 {
	m := 0.0
	for _, v := range vs {
		if v != nil {
			m = max(m, *v)
		}
	}
	return m
}

// count formats n with thousands separators.
func count[N int | int64](n N) string { return group(strconv.FormatInt(int64(n), 10)) }

// group puts a comma before each third digit of the whole part.
func group(s string) string {
	sign, rest := "", s
	if strings.HasPrefix(s, "-") {
		sign, rest = "-", s[1:]
	}
	whole, frac, dot := strings.Cut(rest, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if dot {
		whole += "." + frac
	}
	return sign + whole
}

// compact is count in at most six columns: exact below 100,000.
func compact[N int | int64](n N) string {
	if n > -10_000 && n < 100_000 {
		return count(n)
	}
	f := float64(n)
	for _, suffix := range []string{"k", "M", "G", "T", "P"} {
		if f /= 1e3; math.Abs(f) < 999.5 {
			return strconv.FormatFloat(f, 'f', 0, 64) + suffix
		}
	}
	return fmt.Sprintf("%.0eP", f)
}

// percent formats a share of one; only none is 0 % and only all is 100 %.
func percent(share float64) string {
	switch {
	case share > 0 && share < 0.005:
		return "<1 %"
	case share < 1 && share >= 0.995:
		return ">99 %"
	}
	return strconv.FormatFloat(share*100, 'f', 0, 64) + " %"
}

// plural returns "1 token", "2 tokens", "1,000 tokens".
func plural[N int | int64](n N, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return count(n) + " " + noun + "s"
}

// list joins names as a sentence does: "a", "a and b", "a, b and c".
func list(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

// clean makes text from a report safe for one line of a terminal or of a plot:
// anything that is not printable, escape sequences above all, becomes "?" or a blank.
func clean(s string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case unicode.IsSpace(c):
			return ' '
		case !unicode.IsPrint(c), c == utf8.RuneError:
			return '?'
		}
		return c
	}, s)
}

// ending is the last width columns of clean text: of a path, what tells it from others.
func ending(s string, width int) string {
	runes := []rune(clean(s))
	if len(runes) <= width {
		return string(runes)
	}
	return "…" + string(runes[len(runes)-width+1:])
}

// short is clean text in at most width columns.
func short(s string, width int) string {
	s = clean(s)
	if utf8.RuneCountInString(s) <= width {
		return s
	}
	return string([]rune(s)[:max(width-1, 0)]) + "…"
}

// supports reports whether n independent samples can bound quantile q from
// above at 95 %: 5 for the median, 59 for p95, 299 for p99.
func supports(q float64, n int) bool {
	return 1-math.Pow(q, float64(n)) >= 0.95
}

// supported returns v if n samples support quantile q of it.
func supported(v *float64, q float64, n int) *float64 {
	if !supports(q, n) {
		return nil
	}
	return v
}
