package harness

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"sort"
	"strings"
	"time"

	"github.com/tokendrill/tokendrill/fixtures/token"
	"github.com/tokendrill/tokendrill/fixtures/traffic"
)

// segment is a stretch of the recording, laid over a stretch of the run: its
// gaps keep their proportions, so bursts stay bursts.
type segment struct {
	exchanges []traffic.Exchange // the whole recording
	first, n  int                // which of them; indices past the end wrap around
	span      time.Duration      // recorded length
	from      time.Duration      // in the run
	length    time.Duration      // in the run
}

// at returns the i-th exchange of the segment and its place in the run.
func (s segment) at(i int) (traffic.Exchange, time.Duration) {
	ex := s.exchanges[(s.first+i)%len(s.exchanges)]
	offset := s.length * time.Duration(i) / time.Duration(s.n)
	if s.span > 0 {
		share := float64(s.offset(i)) / float64(s.span)
		offset = time.Duration(share * float64(s.length))
	}
	return ex, s.from + min(offset, s.length-1)
}

// offset is the recorded time from the first exchange of the segment to the i-th.
func (s segment) offset(i int) time.Duration {
	return recordedAt(s.exchanges, s.first+i) - recordedAt(s.exchanges, s.first)
}

// recordedAt is the recorded instant of exchange i, of a recording that is
// played over and over: one mean gap lies between its end and its next start.
func recordedAt(exchanges []traffic.Exchange, i int) time.Duration {
	n := len(exchanges)
	length := exchanges[n-1].At - exchanges[0].At
	if n > 1 {
		length += length / time.Duration(n-1)
	}
	return exchanges[i%n].At - exchanges[0].At + length*time.Duration(i/n)
}

// byRate lays the n exchanges from first over [from, from+length).
func (p *Plan) byRate(first int, rate float64, from, length time.Duration) segment {
	n := max(1, int(rate*length.Seconds()+0.5))
	ex := p.Recording.Exchanges
	return segment{ex, first, n, recordedAt(ex, first+n) - recordedAt(ex, first), from, length}
}

// bySpeed lays the round-th stretch of length*speed of the recording over
// [from, from+length).
func (p *Plan) bySpeed(round int, speed float64, from, length time.Duration) segment {
	ex := p.Recording.Exchanges
	span := time.Duration(float64(length) * speed)
	begin := span * time.Duration(round)
	first := firstAt(ex, begin)
	return segment{ex, first, firstAt(ex, begin+span) - first, span, from, length}
}

// firstAt is the first exchange at or after a recorded instant, of a recording
// that is played over and over.
func firstAt(exchanges []traffic.Exchange, at time.Duration) int {
	n := len(exchanges)
	length := recordedAt(exchanges, n)
	rest := at % length
	return int(at/length)*n + sort.Search(n, func(i int) bool { return recordedAt(exchanges, i) >= rest })
}

// latencyStreams are the interleaved slices of the latency phase: round r plays
// the same segment for every pattern, in an order that changes with the round.
func (p *Plan) latencyStreams() []stream {
	var out []stream
	t := p.Scenario.Traffic
	for round := range t.Rounds {
		order := p.order(round)
		for slot, system := range order {
			from := t.Slice * time.Duration(round*len(order)+slot)
			seg := p.bySpeed(round, t.Speed, from, t.Slice)
			if t.Rate > 0 {
				seg = p.byRate(round*p.perSlice(), float64(t.Rate), from, t.Slice)
			}
			// The same seed for every system: the same requests are fuzzed.
			out = append(out, p.trafficStream(seg, system, round, p.rng("fuzz", round)))
			if t := p.Systems[system].Target; t != nil && t.Probe.Control != "" {
				out = append(out, p.bareStream(seg, system, round))
			}
		}
	}
	return out
}

// order is the order of the patterns in a round, by system.
func (p *Plan) order(round int) []int { return p.rng("order", round).Perm(len(p.Systems)) }

// pace is how many times faster than recorded the latency phase plays; zero if
// there is none, or if the recording has no pace of its own.
func (p *Plan) pace() float64 {
	t, ex := p.Scenario.Traffic, p.Recording.Exchanges
	if t.Rounds == 0 {
		return 0
	}
	if t.Rate == 0 {
		return t.Speed
	}
	return float64(t.Rate) * recordedAt(ex, len(ex)).Seconds() / float64(len(ex))
}

// perSlice is how many requests a slice has, on average over the recording.
func (p *Plan) perSlice() int {
	t, ex := p.Scenario.Traffic, p.Recording.Exchanges
	if t.Rounds == 0 {
		return 0
	}
	rate := float64(t.Rate)
	if rate == 0 {
		rate = t.Speed * float64(len(ex)) / recordedAt(ex, len(ex)).Seconds()
	}
	return int(rate*t.Slice.Seconds() + 0.5)
}

// meanwhileStreams are the light traffic of the revocation phase, the same for
// every pattern and at the same time.
func (p *Plan) meanwhileStreams() []stream {
	rate := float64(p.Scenario.Revoke.Rate)
	if rate <= 0 {
		return nil
	}
	from, to := p.revocationPhase()
	first := p.Scenario.Traffic.Rounds * p.perSlice()
	var out []stream
	for system := range p.Systems {
		seg := p.byRate(first, rate, from, to-from)
		out = append(out, p.trafficStream(seg, system, -1, p.rng("fuzz", -1)))
	}
	return out
}

// trafficStream plays a segment against one system, with a share of it fuzzed.
func (p *Plan) trafficStream(seg segment, system, slice int, rng *rand.Rand) stream {
	fuzz := float64(p.Scenario.Tokens.Fuzz)
	// A round goes on about where the one before ended, so that all mutants get their turn.
	i, mutant := 0, int(fuzz*float64(max(0, slice)*seg.n))
	return func() (Request, bool) {
		if i >= seg.n {
			return Request{}, false
		}
		ex, at := seg.at(i)
		i++
		r := Request{
			At: at, System: system, Gateway: gatewayOf(ex.Token, len(p.Systems[system].Gateways)),
			Method: method(ex.Method), Path: requestPath(ex.Path), Token: p.caller(system, ex.Token), Class: token.Valid, Scope: ex.Scope, Slice: slice,
		}
		if p.Scenario.Traffic.Recording == traffic.ProbeName {
			r.Method, r.Path = p.probe(system)
		}
		if rng.Float64() < fuzz {
			mutant++
			r.Class, r.Mutant = token.Fuzzed, mutant
		}
		return r, true
	}
}

// bareStream asks for the control path of a target's gateways halfway between the
// requests of a segment: as often, at the same gateways, without a token.
func (p *Plan) bareStream(seg segment, system, slice int) stream {
	t := p.Systems[system].Target
	half := seg.length / time.Duration(2*seg.n)
	i := 0
	return func() (Request, bool) {
		if i >= seg.n {
			return Request{}, false
		}
		ex, at := seg.at(i)
		i++
		return Request{
			At: min(at+half, seg.from+seg.length-1), System: system, Gateway: gatewayOf(ex.Token, len(t.Gateways)),
			Method: t.Probe.Method, Path: t.Probe.Control, Class: token.Bare, Slice: slice,
		}, true
	}
}

// caller is the token of a recorded caller at a system: at a target, of as many as
// it allows, and at the reference patterns one of its own.
func (p *Plan) caller(system int, ref token.Ref) token.Ref {
	t := p.Systems[system].Target
	if t == nil || ref == "" {
		return ref
	}
	return token.Ref(fmt.Sprintf("c-%d", gatewayOf(ref, t.Limits.Callers())+1))
}

// method keeps what net/http can send to a gateway; CONNECT asks for a tunnel.
func method(recorded string) string {
	if recorded == "" || recorded == "CONNECT" {
		return "GET"
	}
	return recorded
}

// requestPath keeps a recorded path if it can be sent, and escapes it if not. A
// "#" is escaped in any case: a request target has no fragment.
func requestPath(recorded string) string {
	recorded = strings.ReplaceAll(recorded, "#", "%23")
	if u, err := url.ParseRequestURI(recorded); err == nil && strings.HasPrefix(recorded, "/") && u.Host == "" {
		return recorded
	}
	return "/" + url.PathEscape(recorded)
}
