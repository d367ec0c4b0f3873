// Package chaos breaks things on purpose: links between roles with a network
// profile, and faults that change them for a while. It imports no other package
// of this module; what it acts on is handed to it.
package chaos

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// ErrCut is the error of a request or dial over a link that is cut.
var ErrCut = errors.New("link is cut")

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
// HTTP goes over Transport, anything else over DialContext. It carries a network
// profile for good and, for a while, what faults do to it. It is safe for
// concurrent use; delays and cuts take hold of what begins after them, and a cut
// also closes the connections that were dialled.
type Link struct {
	Name string
	Node string

	mu      sync.Mutex
	profile Delay
	extra   Delay
	cut     bool
	rng     *rand.Rand
	conns   map[*conn]struct{}

	passed  atomic.Int64
	refused atomic.Int64
}

// NewLink returns a link with a network profile. Delays are drawn from seed.
func NewLink(name, node string, profile Delay, seed uint64) *Link {
	return &Link{Name: name, Node: node, profile: profile, rng: rand.New(rand.NewPCG(seed, 0)), conns: map[*conn]struct{}{}}
}

// String is the link's name and node, as in "gateway-authority at cache/gw-1".
func (l *Link) String() string { return l.Name + " at " + l.Node }

// SetExtra makes everything that begins later take d longer than the profile
// says; the zero Delay undoes it.
func (l *Link) SetExtra(d Delay) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.extra = d
}

// SetCut cuts the link or mends it. Cutting closes the open connections.
func (l *Link) SetCut(cut bool) {
	l.mu.Lock()
	l.cut = cut
	var open []*conn
	if cut {
		for c := range l.conns {
			open = append(open, c)
		}
	}
	l.mu.Unlock()
	for _, c := range open {
		_ = c.Close() // one that was closed meanwhile is as good
		l.refused.Add(1)
	}
}

// Passed is how many requests, dials and reads came through so far.
func (l *Link) Passed() int64 { return l.passed.Load() }

// Refused is how many requests, dials and open connections a cut has refused so far.
func (l *Link) Refused() int64 { return l.refused.Load() }

// admit draws the delay of one thing that passes, or says that the link is cut.
func (l *Link) admit() (time.Duration, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cut {
		l.refused.Add(1)
		return 0, fmt.Errorf("%v: %w", l, ErrCut)
	}
	l.passed.Add(1)
	return l.profile.Draw(l.rng) + l.extra.Draw(l.rng), nil
}

// pass waits for the link's delay, or says that the link is cut.
func (l *Link) pass(ctx context.Context) error {
	d, err := l.admit()
	if err != nil || d <= 0 {
		return err
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Transport returns next behind the link: each request takes the delay once, on
// its way out.
func (l *Link) Transport(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		if err := l.pass(r.Context()); err != nil {
			return nil, err
		}
		return next.RoundTrip(r)
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
