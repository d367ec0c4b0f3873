// Package chaos breaks things on purpose: links between roles with a network
// profile, and faults that change them for a while. It imports no other package
// of this module; what it acts on is handed to it.
package chaos

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Delay is the distribution of the time that a link adds to each request: a
// log-normal through its median and its 95th percentile. With P95 zero or equal
// to P50 it is constant. The zero value adds nothing.
type Delay struct {
	P50 time.Duration
	P95 time.Duration
}

// z95 is the 95th percentile of the standard normal distribution.
const z95 = 1.6448536269514722

// Draw returns one delay.
func (d Delay) Draw(rng *rand.Rand) time.Duration {
	if d.P50 <= 0 || d.P95 <= d.P50 {
		return d.P50
	}
	sigma := math.Log(float64(d.P95)/float64(d.P50)) / z95
	return time.Duration(float64(d.P50) * math.Exp(sigma*rng.NormFloat64()))
}

// Link is one named hop from one node, such as gateway-authority at cache/gw-1.
// HTTP goes over Transport, anything else over DialContext. Whatever crosses it
// passes its rules: the network profile for good and, for a while, those of
// faults. It is safe for concurrent use.
type Link struct {
	Name string
	Node string

	rules atomic.Pointer[[]*rule] // in the order in which a request meets them

	mu     sync.Mutex // held to change rules, and for the rest
	conns  map[*conn]struct{}
	serial int // of the next connection
}

// NewLink returns a link with a network profile. Delays are drawn from seed.
func NewLink(name, node string, profile Delay, seed uint64) *Link {
	l := &Link{Name: name, Node: node, conns: map[*conn]struct{}{}}
	l.rules.Store(new([]*rule))
	if profile != (Delay{}) {
		u := newRule(orderDelay, scope{}, rand.NewPCG(seed, 0))
		u.slow(profile)
		l.rules.Store(&[]*rule{u})
	}
	return l
}

// String is the link's name and node, as in "gateway-authority at cache/gw-1".
func (l *Link) String() string { return l.Name + " at " + l.Node }

// add puts a rule in place, for everything that begins later and for the
// connections that are open.
func (l *Link) add(u *rule) {
	l.mu.Lock()
	rules := append(slices.Clone(*l.rules.Load()), u)
	slices.SortStableFunc(rules, func(a, b *rule) int { return int(a.order - b.order) })
	l.rules.Store(&rules)
	open := make([]*conn, 0, len(l.conns))
	for c := range l.conns {
		open = append(open, c)
	}
	l.mu.Unlock()
	slices.SortFunc(open, func(a, b *conn) int { return a.serial - b.serial }) // so that the seed decides who is drawn
	for _, c := range open {
		u.meetOpen(c)
	}
}

// wake has every open connection look again at what it holds.
func (l *Link) wake() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.conns {
		c.wake()
	}
}

// Transport returns next behind the link.
func (l *Link) Transport(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		return chain{*l.rules.Load(), next}.RoundTrip(r)
	})
}

// chain is a RoundTripper behind rules.
type chain struct {
	rules []*rule
	last  http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (c chain) RoundTrip(r *http.Request) (*http.Response, error) {
	if len(c.rules) == 0 {
		return c.last.RoundTrip(r)
	}
	return c.rules[0].roundTrip(r, chain{c.rules[1:], c.last})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// forget is for a request that goes no further (http.RoundTripper).
func forget(r *http.Request) {
	if r.Body != nil {
		r.Body.Close()
	}
}

// failed is the error of one thing over the link.
func (l *Link) failed(err error) error { return fmt.Errorf("%v: %w", l, err) }
