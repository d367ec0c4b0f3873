package measure

import (
	"slices"
	"time"
)

// Metric is a figure of a report that a gate can limit.
type Metric struct {
	// Name is its path in report.json within a pattern, with dots.
	Name string
	// Unit is "ms", "count", "share" (of one) or "/s".
	Unit string
	// Labels are the labels it takes besides pattern: gateway, phase.
	Labels []string
	Doc    string

	family family
	// unknown says why there is no value, if that is not for want of samples.
	unknown string
	// quantile is 0.5, 0.95, 0.99, or 1 for the maximum; 0 for other metrics.
	quantile float64
	// value reads the figure and how many samples it comes from; null is not measured.
	value func(scope) (*float64, int)
	// live computes the figure while a run goes on, from what was counted in a
	// stretch of time; nil where that cannot be done.
	live func(decisions, time.Duration) float64
}

// family says how a gate on the metric is judged.
type family int

const (
	plain     family = iota // the value is what it is
	latency                 // a quantile of a latency histogram
	late                    // the same, where a late sender measures itself
	revoke                  // a quantile of time-to-revoke
	recovered               // the time of recovery
)

// Metrics lists every metric of the gate grammar, in the order of the report.
func Metrics() []Metric {
	return slices.Concat(requestMetrics(), latencyMetrics(), revokeMetrics(), revokeCounts(), safetyMetrics(), fallbackMetrics(), otherMetrics())
}

var (
	phaseLabel = []string{"phase"}
	bothLabels = []string{"gateway", "phase"}
)

// count is a metric that counts things in a scope, out of n.
func count(name, doc string, labels []string, value func(scope) (int, int)) Metric {
	return Metric{Name: name, Unit: "count", Labels: labels, Doc: doc, value: func(s scope) (*float64, int) {
		c, n := value(s)
		v := float64(c)
		return &v, n
	}}
}

func requestMetrics() []Metric {
	of := func(name, doc string, value func(Requests) int) Metric {
		m := count("requests."+name, doc, bothLabels, func(s scope) (int, int) {
			r := s.requests()
			return value(r), r.Sent
		})
		m.live = func(d decisions, _ time.Duration) float64 { return float64(value(d.tally.requests())) }
		return m
	}
	return []Metric{
		of("sent", "requests sent, probes and fuzzed tokens among them", func(r Requests) int { return r.Sent }),
		of("accepted", "requests let in", func(r Requests) int { return r.Accepted }),
		of("rejected", "requests refused with 401 or 403 about the token", func(r Requests) int { return r.Rejected }),
		of("unavailable", "requests without a decision: 429, 5xx, timeout, refused", func(r Requests) int { return r.Unavailable }),
		{Name: "requests.unavailable_rate", Unit: "share", Labels: bothLabels, Doc: "share of requests without a decision",
			live:  func(d decisions, _ time.Duration) float64 { return *d.tally.requests().UnavailableRate }, // a share has requests
			value: func(s scope) (*float64, int) { r := s.requests(); return r.UnavailableRate, r.Sent }},
		{Name: "requests.rate", Unit: "/s", Labels: bothLabels, Doc: "requests sent per second",
			live: func(d decisions, in time.Duration) float64 { return float64(d.tally.requests().Sent) / in.Seconds() },
			value: func(s scope) (*float64, int) {
				if s.seconds() <= 0 {
					return nil, 0
				}
				rate := float64(s.requests().Sent) / s.seconds()
				return &rate, s.requests().Sent
			}},
	}
}

// quantiles are the last parts of the names of quantile metrics.
var quantiles = []struct {
	name string
	q    float64
}{{"p50", 0.5}, {"p95", 0.95}, {"p99", 0.99}, {"max", 1}}

func latencyMetrics() []Metric {
	var out []Metric
	for _, series := range []struct {
		name, doc string
		family    family
		dist      func(*Latency) *Dist
	}{
		{"response", "planned send to last byte", late, func(l *Latency) *Dist { return &l.Response }},
		{"service", "send to last byte", late, func(l *Latency) *Dist { return &l.Service }},
		{"lag", "planned to actual send", latency, func(l *Latency) *Dist { return &l.Lag }},
		{"check", "time the gateway spent deciding", latency, func(l *Latency) *Dist { return &l.Check }},
		{"hit", "check latency of cache hits", latency, func(l *Latency) *Dist { return &l.Hit }},
		{"miss", "check latency of cache misses", latency, func(l *Latency) *Dist { return &l.Miss }},
	} {
		for _, q := range quantiles {
			out = append(out, Metric{
				Name: "latency." + series.name + "." + q.name, Unit: "ms", Labels: phaseLabel,
				Doc: q.name + " of " + series.doc, family: series.family, quantile: q.q,
				value: func(s scope) (*float64, int) {
					d := series.dist(s.latency())
					return [...]*float64{d.P50, d.P95, d.P99, d.Max}[slices.Index(quantiles, q)], int(d.Count)
				},
			})
		}
		out = append(out, count("latency."+series.name+".count", "requests in "+series.doc, phaseLabel, func(s scope) (int, int) {
			n := int(series.dist(s.latency()).Count)
			return n, s.requests().Sent
		}))
	}
	return out
}

func safetyMetrics() []Metric {
	of := func(name, doc string, value func(Safety) int) Metric {
		return count("safety."+name, doc, bothLabels, func(s scope) (int, int) {
			r := s.requests()
			return value(s.safety()), r.Accepted + r.Rejected
		})
	}
	early := func(m Metric, value func(Safety) int) Metric {
		m.live = func(d decisions, _ time.Duration) float64 { return float64(value(d.safety)) }
		return m
	}
	accepts := func(s Safety) int { return s.FalseAccepts }
	rejects := func(s Safety) int { return s.FalseRejects }
	return []Metric{
		early(of("false_accepts", "requests let in that no right implementation lets in", accepts), accepts),
		of("stale_accepts", "revoked tokens let in after the ack, within the bound", func(s Safety) int { return s.StaleAccepts }),
		early(of("false_rejects", "good tokens refused, or refused for the wrong reason", rejects), rejects),
	}
}

// fallbackMetrics count the decisions of each cause; see Fallback.
func fallbackMetrics() []Metric {
	var out []Metric
	for _, f := range []struct{ cause, doc string }{
		{CauseFailOpen, "requests let in because no decision could be had"},
		{CauseOffline, "requests let in by the signature alone, in an outage"},
		{CauseJustExpired, "requests let in under audit with a token that had just expired"},
		{CauseStepUp, "requests asked to authenticate again (RFC 9470)"},
	} {
		out = append(out, count("fallbacks."+f.cause, f.doc, phaseLabel, func(s scope) (int, int) {
			r := s.requests()
			return s.fallbacks(f.cause), r.Accepted + r.Rejected
		}))
	}
	return out
}

func otherMetrics() []Metric {
	cached := func(name, doc string, value func(Cache) int64) Metric {
		return count("cache."+name, doc, phaseLabel, func(s scope) (int, int) {
			c := s.cache()
			return int(value(c)), int(c.Hits + c.Misses)
		})
	}
	return []Metric{
		{Name: "recovery", Unit: "ms", Doc: "time from the end of the last fault until response p95 and unavailable share are back at their level before the first, and stay there",
			family: recovered, value: func(s scope) (*float64, int) { return s.pattern.Recovery, s.pattern.Requests.Sent }},
		cached("hits", "decisions from a cache", func(c Cache) int64 { return c.Hits }),
		cached("misses", "decisions that a cache did not have", func(c Cache) int64 { return c.Misses }),
		{Name: "authority_calls", Unit: "count", Labels: phaseLabel, Doc: "calls to the authority", unknown: "what it asks of the authority is not known",
			value: func(s scope) (*float64, int) {
				if s.authorityCalls() == nil {
					return nil, s.requests().Sent
				}
				calls := float64(*s.authorityCalls())
				return &calls, s.requests().Sent
			}},
		count("probes", "requests sent to measure revocation", nil, func(s scope) (int, int) { return s.pattern.Probes, s.pattern.Requests.Sent }),
	}
}

// metric finds a metric by name.
func metric(name string) (Metric, bool) {
	all := Metrics()
	i := slices.IndexFunc(all, func(m Metric) bool { return m.Name == name })
	if i < 0 {
		return Metric{}, false
	}
	return all[i], true
}

// Nearest returns up to three of the names, those that need the fewest edits to
// become word first: what somebody may have meant who wrote word.
func Nearest(word string, names []string) []string {
	sorted := slices.Clone(names)
	slices.SortStableFunc(sorted, func(a, b string) int { return distance(a, word) - distance(b, word) })
	return sorted[:min(3, len(sorted))]
}

// distance is the Levenshtein distance in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
