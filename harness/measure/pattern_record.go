package measure

import (
	"math"
	"sync"
	"time"

	"github.com/tokendrill/tokendrill/fixtures/token"
)

// stretch is a stretch of time, in ns since the start of the run.
type stretch struct{ from, to int64 }

// patternRecord is what was seen of one pattern. One lock guards it: it is held
// for well under a microsecond per request.
type patternRecord struct {
	mu        sync.Mutex
	bound     time.Duration
	cells     map[cellKey]*cell
	slices    map[int]stretch
	mutations map[string]*Mutation
	order     []string // of mutations, as first seen
	// good is the latest request that was rightly accepted at each gateway: the
	// second witness of a violation.
	good      map[string]Event
	witnesses witnesses
	timeline  *timeline
	fallbacks map[Fallback]int // by cause and phase
	// live is what is known of each gateway while the run goes on, and calls are
	// the revocations so far, for the same purpose.
	live   map[string]*decisions
	calls  map[token.Ref]*revocation
	probes int
	// replicas are those that named themselves, by gateway.
	replicas map[string]*replicas
	last     int64 // the latest end
}

func newPatternRecord(bound time.Duration) *patternRecord {
	return &patternRecord{
		bound:     bound,
		cells:     map[cellKey]*cell{},
		slices:    map[int]stretch{},
		mutations: map[string]*Mutation{},
		good:      map[string]Event{},
		timeline:  newTimeline(),
		fallbacks: map[Fallback]int{},
		live:      map[string]*decisions{},
		calls:     map[token.Ref]*revocation{},
		replicas:  map[string]*replicas{},
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
	p.meet(o.Gateway, o.Replica)
	class := latencyClass(o)
	p.cell(o, class).observe(o, j)
	p.follow(o, j)
	if cause := fallback(&o.Event); cause != "" {
		p.fallbacks[Fallback{Cause: cause, Phase: o.Phase}]++
	}
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

// bare files a request on the control path.
func (p *patternRecord) bare(o *Observation) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = max(p.last, o.End)
	p.cell(o, token.Bare).observeBare(o)
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

// follow keeps the counts that stop conditions read.
func (p *patternRecord) follow(o *Observation, j judgement) {
	d := p.live[o.Gateway]
	if d == nil {
		d = &decisions{}
		p.live[o.Gateway] = d
	}
	d.tally.add(o.Verdict)
	d.safety.add(p.early(&o.Event, j).kind)
}

// early is what can be said at once about a request: of a revoked token, whether
// it was let in later than any right implementation would.
func (p *patternRecord) early(e *Event, j judgement) judgement {
	switch e.Class {
	case token.Control:
		return judge(e)
	case token.Revoked:
		if v := p.calls[e.Token]; v != nil {
			return v.judge(e, math.MaxInt64)
		}
		if j := judge(e); j.kind == FalseAccept {
			return j
		}
	}
	return j
}

// revoked takes note of a revocation call.
func (p *patternRecord) revoked(e Event) {
	if e.Status/100 == 4 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls[e.Token] = p.calls[e.Token].merge(newRevocation(e, int64(p.bound)))
}

// fallback is the cause of a decision that is no ordinary one, empty for others.
func fallback(e *Event) string {
	switch {
	case e.Verdict == token.Accept:
		return e.Cause
	case e.Verdict == token.Reject && e.Reason == token.InsufficientAuthentication:
		return CauseStepUp
	}
	return ""
}
