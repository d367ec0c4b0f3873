package measure

import (
	"math"
	"slices"
)

// span is one sample of time-to-revoke: the truth lies within [lower, upper],
// in ms. An upper bound that is not known is infinite.
type span struct {
	lower, upper float64
}

// spans turns intervals into samples, one for each moment, or one for each
// moment at each gateway: tokens revoked by one call are one sample of push or
// poll, the slowest of them. Unprimed intervals do not count. moments is the
// number of distinct moments.
func spans(intervals []Interval, byGateway bool) (samples []span, moments int) {
	type key struct {
		moment  any
		gateway string
	}
	index := map[key]int{}
	seen := map[any]bool{}
	for _, i := range intervals {
		if i.State == Unprimed {
			continue
		}
		var moment any = i.Token
		if i.Moment != 0 {
			moment = i.Moment
		}
		seen[moment] = true
		s := span{lower: *i.Lower, upper: math.Inf(1)}
		if i.State == Exact {
			s.upper = *i.Upper
		}
		k := key{moment: moment}
		if byGateway {
			k.gateway = i.Gateway
		}
		at, ok := index[k]
		if !ok {
			index[k] = len(samples)
			samples = append(samples, s)
			continue
		}
		samples[at].lower = max(samples[at].lower, s.lower)
		samples[at].upper = max(samples[at].upper, s.upper)
	}
	return samples, len(seen)
}

// fromAck shifts intervals to count from the ack; tokens without one drop out.
func fromAck(intervals []Interval) []Interval {
	var out []Interval
	for _, i := range intervals {
		if i.Ack == nil {
			continue
		}
		i.Lower, i.Upper = later(i.Lower, *i.Ack), later(i.Upper, *i.Ack)
		out = append(out, i)
	}
	return out
}

func later(ms *float64, by float64) *float64 {
	if ms == nil {
		return nil
	}
	v := max(0, *ms-by)
	return &v
}

// within keeps the intervals of tokens revoked in a phase.
func within(intervals []Interval, phase string) []Interval {
	var out []Interval
	for _, i := range intervals {
		if i.Phase == phase {
			out = append(out, i)
		}
	}
	return out
}

// summarize returns the quantiles of the lower and of the upper bounds of
// samples from so many moments. A quantile of the upper bounds that falls on a
// sample without one is null, and is known to exceed the same quantile of the
// lower bounds. A quantile that takes more moments than there are is null.
func summarize(samples []span, moments int) (lower, upper Quantiles) {
	lowers, uppers := make([]float64, len(samples)), make([]float64, len(samples))
	for i, s := range samples {
		lowers[i], uppers[i] = s.lower, s.upper
	}
	slices.Sort(lowers)
	slices.Sort(uppers)
	var above Above
	pick := func(q float64, lo, up, ab **float64) {
		if len(samples) == 0 || float64(moments) < supports(q) {
			return
		}
		l, u := rank(lowers, q), rank(uppers, q)
		*lo = &l
		if math.IsInf(u, 1) {
			*ab = &l
		} else {
			*up = &u
		}
	}
	pick(0.50, &lower.P50, &upper.P50, &above.P50)
	pick(0.95, &lower.P95, &upper.P95, &above.P95)
	pick(0.99, &lower.P99, &upper.P99, &above.P99)
	pick(1.00, &lower.Max, &upper.Max, &above.Max)
	if above != (Above{}) {
		upper.Above = &above
	}
	return lower, upper
}

// rank is the nearest-rank quantile of sorted values.
func rank(sorted []float64, q float64) float64 {
	at := int(math.Ceil(q*float64(len(sorted)) - 1e-9))
	return sorted[min(max(at, 1), len(sorted))-1]
}

// supports is how many samples a quantile takes before it is printed.
func supports(q float64) float64 {
	if q >= 1 {
		return 1
	}
	return math.Round(1 / (1 - q))
}
