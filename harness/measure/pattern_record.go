package measure

import (
	"sync"

	"github.com/tokendrill/tokendrill/fixtures/token"
)

// stretch is a stretch of time, in ns since the start of the run.
type stretch struct{ from, to int64 }

// patternRecord is what was seen of one pattern. One lock guards it: it is held
// for well under a microsecond per request.
type patternRecord struct {
	mu        sync.Mutex
	cells     map[cellKey]*cell
	slices    map[int]stretch
	mutations map[string]*Mutation
	order     []string // of mutations, as first seen
	// good is the latest request that was rightly accepted at each gateway: the
	// second witness of a violation.
	good      map[string]Event
	witnesses witnesses
	timeline  *timeline
	cache     Cache
	probes    int
	last      int64 // the latest end
}

func newPatternRecord() *patternRecord {
	return &patternRecord{
		cells:     map[cellKey]*cell{},
		slices:    map[int]stretch{},
		mutations: map[string]*Mutation{},
		good:      map[string]Event{},
		timeline:  newTimeline(),
	}
}

// observe files one request and what the oracle said about it. It returns the
// violation if there was one and there was room to keep it.
func (p *patternRecord) observe(o *Observation, j judgement) (v Violation, kept bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = max(p.last, o.End)
	if o.Probe {
		p.probes++
	}
	switch o.Cache {
	case CacheHit:
		p.cache.Hits++
	case CacheMiss:
		p.cache.Misses++
	}
	class := latencyClass(o)
	p.cell(o, class).observe(o, j)
	p.timeline.observe(o.Gateway, o.End, o.Verdict)
	if class == token.Valid {
		p.timeline.respond(o.End, o.End-o.Planned)
		p.good[o.Gateway] = o.Event
	}
	if o.Class == token.Fuzzed {
		p.mutate(o, j)
	}
	if j.kind == "" {
		return v, false
	}
	return p.keep(o, j)
}

func (p *patternRecord) cell(o *Observation, class token.Class) *cell {
	key := cellKey{gateway: o.Gateway, phase: o.Phase, class: class, slice: o.Slice}
	c := p.cells[key]
	if c == nil {
		c = &cell{}
		p.cells[key] = c
	}
	return c
}

// keep keeps a violation with the last right accept at its gateway.
func (p *patternRecord) keep(o *Observation, j judgement) (Violation, bool) {
	v := Violation{Kind: j.kind, Gateway: o.Gateway, Token: o.Token, Cause: j.cause}
	if good, ok := p.good[o.Gateway]; ok {
		v.Requests = append(v.Requests, good)
	}
	v.Requests = append(v.Requests, o.Event)
	return v, p.witnesses.keep(v)
}

// mutate counts one request with a fuzzed token.
func (p *patternRecord) mutate(o *Observation, j judgement) {
	m := p.mutations[o.Detail]
	if m == nil {
		m = &Mutation{Mutation: o.Detail, Expect: o.Expect}
		p.mutations[o.Detail] = m
		p.order = append(p.order, o.Detail)
	}
	m.Sent++
	switch o.Verdict {
	case token.Accept:
		m.Accepted++
	case token.Reject:
		m.Rejected++
	default:
		m.Unavailable++
	}
	if j.kind != "" {
		m.Wrong++
	}
}
