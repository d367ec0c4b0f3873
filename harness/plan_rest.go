package harness

import (
	"time"

	"github.com/tokendrill/tokendrill/fixtures/token"
	"github.com/tokendrill/tokendrill/scenarios"
)

// restStreams use each unprobed token of a group twice: once before it is revoked,
// once when the bound is over.
func (p *Plan) restStreams() []stream {
	rng := p.rng("rest", 0)
	somewhere := func(from, to time.Duration) time.Duration {
		return from + time.Duration(rng.Float64()*float64(to-from))
	}
	var out []stream
	for _, rv := range p.Revocations {
		if rv.Probed {
			continue
		}
		s := p.Systems[rv.System]
		over := rv.At + s.Bound + restMargin
		last := max(rv.At+p.window(rv.System)+controlTail, over+time.Second)
		r := Request{
			System: rv.System, Gateway: gatewayOf(rv.Token, len(s.Gateways)), Method: "GET", Path: probePath,
			Token: rv.Token, Class: token.Valid, Scope: p.scopes, Slice: -1, Probe: true,
		}
		before, after := r, r
		before.At, before.Until = somewhere(rv.At-scenarios.BulkSpread, rv.At-lastPrime), rv.At
		after.At, after.Group = somewhere(over, last), rv.Group
		out = append(out, listed([]Request{before, after}))
	}
	return out
}

// listed is a stream of requests that are known, in order of At.
func listed(requests []Request) stream {
	return func() (Request, bool) {
		if len(requests) == 0 {
			return Request{}, false
		}
		r := requests[0]
		requests = requests[1:]
		return r, true
	}
}
