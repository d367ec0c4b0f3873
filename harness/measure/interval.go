package measure

import (
	"math"

	"github.com/tokendrill/tokendrill/fixtures/token"
)

// track is what the history holds about one revoked token at one gateway.
type track struct {
	gateway  string
	requests []*Event // of the token, by start
	controls []*Event // of its twins, by start
}

// sighting is the time-to-revoke of one track. Instants are ns since the start of the run.
type sighting struct {
	state State
	// last is the accept with the latest start, L; nil if there is none.
	last *Event
	// setter is the reject whose end is U; nil if there is none.
	setter *Event
	// firstReject is the end of the first reject that refuses the token, which
	// is before U if the token came back to life; math.MaxInt64 if there is none.
	firstReject int64
	resurrected bool
	// watched is the latest start of a request that was decided.
	watched int64
}

// read finds the interval in which the gateway began to refuse the token
// (DESIGN section 4): L is the latest start of an accepted request, U the
// earliest end, after the revocation was sent, of a reject after which no
// accepted request started.
func (t *track) read(v *revocation, meta *PatternMeta) sighting {
	r := sighting{firstReject: math.MaxInt64, watched: v.sent()}
	primed := false
	var decided int64
	for _, e := range t.requests {
		if e.Verdict == token.Unavailable {
			continue
		}
		r.watched, decided = max(r.watched, e.Start), max(decided, e.End)
		switch {
		case e.Verdict == token.Accept:
			r.last = e // by start, so the latest one stays
			primed = primed || e.End <= v.sent()
		case v.refuses(e):
			r.firstReject = min(r.firstReject, e.End)
		}
	}
	r.resurrected = r.last != nil && r.last.Start > r.firstReject
	r.setter = t.setter(v, r.last)
	switch {
	case !primed:
		r.state = Unprimed
	case r.setter == nil && decided >= v.expiresMin:
		r.state = Expired
	case r.setter == nil:
		r.state = Censored
	case !t.supported(r.setter, int64(meta.ControlGap)):
		r.state = Unknown
	case meta.Quiet > 0 && min(r.watched, v.expiresMin)-r.setter.End < int64(meta.Quiet):
		r.state = Unstable
	default:
		r.state = Exact
	}
	return r
}

// setter returns the reject whose end is U.
func (t *track) setter(v *revocation, last *Event) *Event {
	var u *Event
	for _, e := range t.requests {
		if v.refuses(e) && (last == nil || last.Start <= e.End) && (u == nil || e.End < u.End) {
			u = e
		}
	}
	return u
}

// supported says whether the controls show that the gateway let good tokens in
// around the request u: one accepted within a control gap before it, one within
// a control gap after it, and no control rejected between the two.
func (t *track) supported(u *Event, gap int64) bool {
	var before, after *Event
	for _, c := range t.controls {
		if c.Verdict != token.Accept {
			continue
		}
		if c.Start <= u.Start && c.End <= u.End && u.Start-c.End <= gap {
			before = c // by start, so the nearest one stays
		}
		if c.Start >= u.Start && c.End >= u.End && c.Start-u.End <= gap && (after == nil || c.End < after.End) {
			after = c
		}
	}
	if before == nil || after == nil {
		return false
	}
	for _, c := range t.controls {
		if c.Verdict == token.Reject && c.Start > before.Start && c.End < after.End {
			return false
		}
	}
	return true
}

// interval is the sighting as the report shows it.
func (r *sighting) interval(v *revocation) Interval {
	i := Interval{
		Token:       v.event.Token,
		At:          float64(v.sent()) / 1e6,
		State:       r.state,
		Moment:      v.event.Moment,
		Phase:       v.event.Phase,
		Resurrected: r.resurrected,
	}
	if v.acked {
		i.Ack = milliseconds(v.ack() - v.sent())
	}
	if r.state == Unprimed {
		return i
	}
	i.Lower = milliseconds(max(0, r.last.Start-v.sent()))
	if r.state == Exact || r.state == Unstable {
		i.Upper = milliseconds(max(0, r.setter.End-v.sent()))
	}
	return i
}

// slowest is the fleet interval of one token: the largest over the gateways
// where it was primed, and known only as far as it is known at each of them.
// It is false if there is none.
func slowest(at []Interval) (fleet Interval, ok bool) {
	var lower, upper float64
	resurrected := false
	for _, i := range at {
		if i.State == Unprimed {
			continue
		}
		lower, resurrected = max(lower, *i.Lower), resurrected || i.Resurrected
		if i.Upper != nil {
			upper = max(upper, *i.Upper)
		}
		if !ok || slower(i, fleet) {
			fleet, ok = i, true
		}
	}
	if !ok {
		return fleet, false
	}
	fleet.Lower, fleet.Resurrected = &lower, resurrected
	if fleet.Upper != nil {
		fleet.Upper = &upper
	}
	return fleet, true
}

// slower compares the intervals of one token at two gateways: what is not known
// to end is slower than what is.
func slower(a, b Interval) bool {
	if ra, rb := doubt(a), doubt(b); ra != rb {
		return ra > rb
	}
	if a.Upper != nil {
		return *a.Upper > *b.Upper
	}
	return *a.Lower > *b.Lower
}

// doubt ranks states: exact, unstable, and those without an upper bound.
func doubt(i Interval) int {
	switch {
	case i.Upper == nil:
		return 2
	case i.State != Exact:
		return 1
	}
	return 0
}
