package measure

import (
	"cmp"
	"math"
	"slices"

	"github.com/tokendrill/tokendrill/fixtures/token"
)

// checked is what the history says about one pattern.
type checked struct {
	revoke Revoke
	// safety is of revoked and control tokens.
	safety     ledger
	violations []Violation
	// worst is, at each place, the revocation and the last accept with the largest
	// lower bound.
	worst map[place][]Event
	// alive are the accepts of revoked tokens begun after the revocation was sent.
	alive []Event
}

// checker judges the history of one pattern. Its time is that of sorting the
// requests on each token; the rest is linear.
type checker struct {
	meta    *PatternMeta
	revoked []*revocation // by sent
	tracks  map[trackKey]*track
	// twins holds the requests on control tokens, by the revoked token they stand beside.
	twins     map[trackKey][]*Event
	gateways  []string
	excluded  int
	witnesses witnesses
	out       checked
}

type trackKey struct {
	token   token.Ref
	gateway string
}

// check judges the events of one pattern; events of other patterns are passed over.
func check(meta *PatternMeta, events []Event) checked {
	c := &checker{
		meta:     meta,
		tracks:   map[trackKey]*track{},
		twins:    map[trackKey][]*Event{},
		gateways: slices.Clone(meta.Gateways),
		out:      checked{safety: ledger{}, worst: map[place][]Event{}},
	}
	c.out.revoke.Watched = math.Inf(1)
	c.index(events)
	c.judgeControls()
	at := map[string][]Interval{}
	var fleet []Interval
	worst := map[place]*sightingOf{}
	for _, v := range c.revoked {
		var own []Interval
		for _, gateway := range c.gateways {
			t, ok := c.tracks[trackKey{v.event.Token, gateway}]
			if !ok {
				continue
			}
			i := c.checkTrack(t, v, worst)
			at[gateway] = append(at[gateway], i)
			i.Gateway = gateway
			own = append(own, i)
		}
		if slow, ok := slowest(own); ok {
			fleet = append(fleet, slow)
		}
	}
	c.summarize(fleet, at, worst)
	c.out.violations = c.witnesses.kept
	return c.out
}

// index sorts the events into revocations and tracks.
func (c *checker) index(events []Event) {
	calls := map[token.Ref]*revocation{}
	refused := map[token.Ref]bool{}
	seen := map[token.Ref]bool{}
	for i := range events {
		e := &events[i]
		if e.Pattern != c.meta.Pattern {
			continue
		}
		switch {
		case e.Kind == KindRevoke && e.Status/100 == 4:
			refused[e.Token] = true
		case e.Kind == KindRevoke:
			calls[e.Token] = calls[e.Token].merge(newRevocation(*e, int64(c.meta.Bound)))
		case e.Kind == KindRequest && e.Class == token.Revoked:
			seen[e.Token] = true
			t := c.track(e.Token, e.Gateway)
			t.requests = append(t.requests, e)
		case e.Kind == KindRequest && e.Class == token.Control:
			key := trackKey{e.Twin, e.Gateway}
			c.twins[key] = append(c.twins[key], e)
		}
	}
	for ref := range refused {
		seen[ref] = true
	}
	for ref := range seen {
		if calls[ref] == nil {
			c.excluded++
		}
	}
	for _, v := range calls {
		c.revoked = append(c.revoked, v)
	}
	slices.SortFunc(c.revoked, func(a, b *revocation) int {
		return cmp.Or(cmp.Compare(a.sent(), b.sent()), cmp.Compare(a.event.Token, b.event.Token))
	})
	for _, controls := range c.twins {
		byStart(controls)
	}
	for key, t := range c.tracks {
		byStart(t.requests)
		t.controls = c.twins[key]
	}
}

func (c *checker) track(ref token.Ref, gateway string) *track {
	key := trackKey{ref, gateway}
	t := c.tracks[key]
	if t == nil {
		t = &track{gateway: gateway}
		c.tracks[key] = t
		if !slices.Contains(c.gateways, gateway) {
			c.gateways = append(c.gateways, gateway)
		}
	}
	return t
}

// byStart sorts requests by start, then end; requests with both equal keep their order.
func byStart(requests []*Event) {
	slices.SortStableFunc(requests, func(a, b *Event) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End))
	})
}

// sightingOf is a sighting with the revocation that it is of.
type sightingOf struct {
	sighting
	of *revocation
}

// witness is the revocation and the last accept after, or before, it.
func (s *sightingOf) witness() []Event { return []Event{s.of.event, *s.last} }

// checkTrack measures and judges one token at one gateway.
func (c *checker) checkTrack(t *track, v *revocation, worst map[place]*sightingOf) Interval {
	s := t.read(v, c.meta)
	c.judgeTrack(t, v, s.firstReject)
	c.count(&s, v)
	if s.state == Unprimed {
		return s.interval(v)
	}
	for _, at := range []place{{t.gateway, ""}, {t.gateway, v.event.Phase}} {
		if old := worst[at]; old == nil || s.last.Start-v.sent() > old.last.Start-old.of.sent() {
			worst[at] = &sightingOf{s, v}
		}
	}
	return s.interval(v)
}

// count adds a sighting to the counters of the pattern.
func (c *checker) count(s *sighting, v *revocation) {
	r := &c.out.revoke
	switch s.state {
	case Censored, Expired:
		r.Censored++
	case Unknown:
		r.Unknown++
	case Unstable:
		r.Unstable++
	case Unprimed:
		r.Unprimed++
		return
	}
	if s.resurrected {
		r.Resurrections++
	}
	r.Watched = min(r.Watched, float64(s.watched-v.sent())/1e6)
}

// judgeTrack judges every request on a revoked token at one gateway.
func (c *checker) judgeTrack(t *track, v *revocation, firstReject int64) {
	var lastAccept *Event
	var reject *Event
	for _, e := range t.requests {
		if reject == nil && e.End == firstReject && v.refuses(e) {
			reject = e
		}
		j := v.judge(e, firstReject)
		switch {
		case j.kind == FalseReject:
			c.wrong(j, e, lastAccept)
		case j.kind == FalseAccept && e.Start > firstReject:
			c.wrong(j, e, reject)
		case j.kind == FalseAccept:
			c.wrong(j, e, &v.event)
		case j.kind == StaleAccept:
			c.tally(e, j.kind)
		default:
			c.flight(v, e)
		}
		if e.Verdict != token.Accept {
			continue
		}
		lastAccept = e
		if e.Start > v.sent() {
			c.out.alive = append(c.out.alive, *e)
		}
	}
}

// flight counts a request that was in flight when the ack came.
func (c *checker) flight(v *revocation, e *Event) {
	overrun, ok := v.inFlight(e)
	if !ok {
		return
	}
	r := &c.out.revoke
	r.InFlight++
	if r.InFlightOverrun == nil || float64(overrun)/1e6 > *r.InFlightOverrun {
		r.InFlightOverrun = milliseconds(overrun)
	}
}

// judgeControls judges the requests on control tokens, each of which is valid throughout.
func (c *checker) judgeControls() {
	keys := make([]trackKey, 0, len(c.twins))
	for key := range c.twins {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b trackKey) int {
		return cmp.Or(cmp.Compare(a.token, b.token), cmp.Compare(a.gateway, b.gateway))
	})
	for _, key := range keys {
		var lastAccept *Event
		for _, e := range c.twins[key] {
			if j := judge(e); j.kind != "" {
				c.wrong(j, e, lastAccept)
			}
			if e.Verdict == token.Accept {
				lastAccept = e
			}
		}
	}
}

// wrong counts a wrong decision and keeps it with the event that it contradicts.
func (c *checker) wrong(j judgement, e, against *Event) {
	c.tally(e, j.kind)
	v := Violation{Kind: j.kind, Gateway: e.Gateway, Token: e.Token, Cause: j.cause}
	if against != nil {
		v.Requests = append(v.Requests, *against)
	}
	v.Requests = append(v.Requests, *e)
	c.witnesses.keep(v)
}

func (c *checker) tally(e *Event, kind string) {
	var d decisions
	d.safety.add(kind)
	c.out.safety.add(place{e.Gateway, e.Phase}, d)
}
