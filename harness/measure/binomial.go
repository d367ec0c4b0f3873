package measure

import "math"

// alpha is the chance of a wrong pass, and of a wrong fail, of a gate on a
// quantile of time-to-revoke.
const alpha = 0.05

// atMost is the chance of k or fewer successes in n trials of probability p.
func atMost(k, n int, p float64) float64 {
	var sum float64
	for i := 0; i <= min(k, n); i++ {
		sum += math.Exp(logBinomial(i, n, p))
	}
	return min(1, sum)
}

// atLeast is the chance of k or more successes in n trials of probability p.
func atLeast(k, n int, p float64) float64 {
	var sum float64
	for i := max(0, k); i <= n; i++ {
		sum += math.Exp(logBinomial(i, n, p))
	}
	return min(1, sum)
}

// logBinomial is the logarithm of the chance of exactly k successes.
func logBinomial(k, n int, p float64) float64 {
	return logChoose(n, k) + float64(k)*math.Log(p) + float64(n-k)*math.Log1p(-p)
}

func logChoose(n, k int) float64 {
	return lgamma(n+1) - lgamma(k+1) - lgamma(n-k+1)
}

func lgamma(n int) float64 {
	v, _ := math.Lgamma(float64(n))
	return v
}

// keeps says whether n moments with so many breaches show at 95 % that the
// quantile q keeps its limit: with a larger share of breaches than 1-q, so few
// of them would be seen in at most 5 % of runs.
func keeps(breaches, n int, q float64) bool {
	return n > 0 && atMost(breaches, n, 1-q) <= alpha
}

// breaks says whether they show at 95 % that it does not: with a share of
// breaches of 1-q or less, so many would be seen in at most 5 % of runs.
func breaks(breaches, n int, q float64) bool {
	// The slack is for one breach in one moment at q = 0.95, which is 5 % exactly.
	return breaches > 0 && atLeast(breaches, n, 1-q) <= alpha+1e-12
}

// Need is how many moments with no breach it takes to show at 95 % that the
// quantile q of time-to-revoke keeps a limit: 59 for 0.95, 299 for 0.99. It is
// 1 for the maximum.
func Need(q float64) int {
	if q >= 1 {
		return 1
	}
	return int(math.Ceil(math.Log(alpha) / math.Log(q)))
}

// mostMoments is where enough gives up.
const mostMoments = 3000

// enough is how many moments would show that the quantile q keeps its limit if
// breaches went on at the rate of the n seen so far; false if none would.
func enough(breaches, n int, q float64) (int, bool) {
	switch {
	case n == 0:
		return Need(q), true
	case float64(breaches)/float64(n) >= 1-q:
		return 0, false
	}
	for want := max(n+1, Need(q)); want <= mostMoments; want++ {
		expected := int(math.Ceil(float64(breaches) * float64(want) / float64(n)))
		if keeps(expected, want, q) {
			return want, true
		}
	}
	return 0, false
}
