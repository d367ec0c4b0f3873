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
	"net"
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
// HTTP goes over Transport, anything else over DialContext. It is safe for
// concurrent use; delays and cuts take hold of requests that begin after them,
// and a cut also closes the connections that were dialled.
type Link struct {
	Name string
	Node string

	mu    sync.Mutex
	delay Delay
	cut   bool
	rng   *rand.Rand
	conns map[*conn]struct{}

	requests atomic.Int64
	refused  atomic.Int64
}

// NewLink returns a link that adds nothing. Delays are drawn from seed.
func NewLink(name, node string, seed uint64) *Link {
	return &Link{Name: name, Node: node, rng: rand.New(rand.NewPCG(seed, 0)), conns: map[*conn]struct{}{}}
}

// SetDelay makes every later request take d longer; the zero Delay undoes it.
func (l *Link) SetDelay(d Delay) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.delay = d
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
		c.Close()
	}
}

// Requests is how many HTTP requests and dials were let through or delayed so far.
func (l *Link) Requests() int64 { return l.requests.Load() }

// Refused is how many were refused because the link was cut.
func (l *Link) Refused() int64 { return l.refused.Load() }

// pass waits for the link's delay, or says that the link is cut.
func (l *Link) pass(ctx context.Context) error {
	l.mu.Lock()
	cut, d := l.cut, l.delay.Draw(l.rng)
	l.mu.Unlock()
	if cut {
		l.refused.Add(1)
		return fmt.Errorf("%s at %s: %w", l.Name, l.Node, ErrCut)
	}
	l.requests.Add(1)
	if d <= 0 {
		return nil
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

// Transport returns next behind the link. Next is an *http.Transport as a rule.
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

// DialContext dials over the link. The connection is closed when the link is cut.
func (l *Link) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if err := l.pass(ctx); err != nil {
		return nil, err
	}
	var d net.Dialer
	inner, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: inner, link: l}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cut {
		inner.Close()
		return nil, fmt.Errorf("%s at %s: %w", l.Name, l.Node, ErrCut)
	}
	l.conns[c] = struct{}{}
	return c, nil
}

type conn struct {
	net.Conn
	link *Link
}

// Close closes the connection and forgets it.
func (c *conn) Close() error {
	c.link.mu.Lock()
	delete(c.link.conns, c)
	c.link.mu.Unlock()
	return c.Conn.Close()
}
