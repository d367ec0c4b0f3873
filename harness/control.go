package harness

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/tokendrill/tokendrill/chaos"
)

// controls is a chaos.Control made of functions: how a node carries out each verb
// that it knows, and what it counts.
type controls map[chaos.Verb]control

type control struct {
	do    func(ctx context.Context, amount float64) error
	count func() (met, clear int64)
}

// Do implements chaos.Control.
func (c controls) Do(ctx context.Context, cmd chaos.Command) error {
	if known, ok := c[cmd.Verb]; ok {
		return known.do(ctx, cmd.Amount)
	}
	return unknownVerb("the node", cmd.Verb)
}

// Count implements chaos.Control.
func (c controls) Count(v chaos.Verb) (met, clear int64) {
	if known, ok := c[v]; ok {
		return known.count()
	}
	return 0, 0
}

func unknownVerb(node string, v chaos.Verb) error {
	return fmt.Errorf("%s cannot %s", node, v)
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// tally counts what happened while something was off, and while it was not.
type tally struct{ met, clear atomic.Int64 }

func (t *tally) add(off bool) {
	if off {
		t.met.Add(1)
	} else {
		t.clear.Add(1)
	}
}

func (t *tally) read() (met, clear int64) { return t.met.Load(), t.clear.Load() }

// wallClock is a node's idea of the time, which can be set off. The zero value is right.
type wallClock struct {
	offset atomic.Int64 // ns
	reads  tally
}

// Now is the time by this clock.
func (c *wallClock) Now() time.Time {
	d := time.Duration(c.offset.Load())
	c.reads.add(d != 0)
	return time.Now().Add(d)
}

func (c *wallClock) set(d time.Duration) { c.offset.Store(int64(d)) }

// credential makes a node's calls to the authority carry a wrong secret, on demand.
type credential struct {
	wrong atomic.Bool
	calls tally
}

func (c *credential) transport(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		off := c.wrong.Load()
		c.calls.add(off)
		if id, _, ok := r.BasicAuth(); ok && off {
			r = r.Clone(r.Context())
			r.SetBasicAuth(id, rand.Text())
		}
		return next.RoundTrip(r)
	})
}
