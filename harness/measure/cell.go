package measure

import "github.com/tokendrill/tokendrill/fixtures/token"

// otherClass labels the latency of requests with a valid token that should not
// be, or were not, accepted: they are no part of any latency figure.
const otherClass token.Class = "other"

// cellKey names the requests that share one set of histograms.
type cellKey struct {
	gateway string
	phase   string
	class   token.Class
	slice   int
}

// cell is what requests of one kind have in common: how long they took, what
// was answered and how much of it was wrong.
type cell struct {
	series [seriesCount]histogram
	decisions
	cache Cache
}

// observe files one request.
func (c *cell) observe(o *Observation, j judgement) {
	c.tally.add(o.Verdict)
	c.safety.add(j.kind)
	switch o.Cache {
	case CacheHit:
		c.cache.Hits++
	case CacheMiss:
		c.cache.Misses++
	}
	c.time(o)
	if o.Check < 0 {
		return
	}
	switch o.Cache {
	case CacheHit:
		c.series[seriesHit].record(int64(o.Check))
	case CacheMiss:
		c.series[seriesMiss].record(int64(o.Check))
	default:
		c.series[seriesUntold].record(int64(o.Check))
	}
}

// observeBare files a request without a token: nothing was decided, and only an
// answer says how long one takes.
func (c *cell) observeBare(o *Observation) {
	c.tally.add(o.Verdict)
	if o.Verdict == token.Accept {
		c.time(o)
	}
}

// time records what every request tells, whatever the gateway says.
func (c *cell) time(o *Observation) {
	c.series[seriesLag].record(o.Start - o.Planned)
	c.series[seriesService].record(o.End - o.Start)
	c.series[seriesResponse].record(o.End - o.Planned)
}

// latencyClass is the class label of a request's latency.
func latencyClass(o *Observation) token.Class {
	if o.Class == token.Valid && (o.Expect.Verdict != token.Accept || o.Verdict != token.Accept) {
		return otherClass
	}
	return o.Class
}

// tally counts requests by what was answered.
type tally struct {
	accepted, rejected, unavailable int
}

func (t *tally) add(v token.Verdict) {
	switch v {
	case token.Accept:
		t.accepted++
	case token.Reject:
		t.rejected++
	default:
		t.unavailable++
	}
}

func (t *tally) merge(from tally) {
	t.accepted += from.accepted
	t.rejected += from.rejected
	t.unavailable += from.unavailable
}

// requests is the tally as the report shows it.
func (t tally) requests() Requests {
	r := Requests{
		Sent:        t.accepted + t.rejected + t.unavailable,
		Accepted:    t.accepted,
		Rejected:    t.rejected,
		Unavailable: t.unavailable,
	}
	if r.Sent > 0 {
		rate := float64(r.Unavailable) / float64(r.Sent)
		r.UnavailableRate = &rate
	}
	return r
}
