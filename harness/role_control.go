package harness

import (
	"context"
	"sync/atomic"

	"github.com/tokendrill/tokendrill/chaos"
	"github.com/tokendrill/tokendrill/fixtures/authority"
	"github.com/tokendrill/tokendrill/fixtures/pattern"
	"github.com/tokendrill/tokendrill/fixtures/registry"
)

// controlAuthority are the verbs of the authority; served counts what it answers.
func controlAuthority(a *authority.Authority, clock *wallClock, served *atomic.Int64) chaos.Control {
	return controls{
		chaos.VerbClock: {
			do:    func(_ context.Context, amount float64) error { clock.set(seconds(amount)); return nil },
			count: clock.reads.read,
		},
		chaos.VerbLie: {
			do:    func(_ context.Context, amount float64) error { a.Lie(amount != 0); return nil },
			count: a.Lies,
		},
		chaos.VerbDropKey: {
			do:    func(ctx context.Context, amount float64) error { return a.DropKey(ctx, amount != 0) },
			count: a.KeyDrops,
		},
		chaos.VerbRotate: once(a.Rotate, served.Load),
	}
}

// controlCDN are the verbs of the CDN.
func controlCDN(c *pattern.CDN, served *atomic.Int64) chaos.Control {
	return controls{chaos.VerbFlush: once(func(context.Context) error { c.Flush(); return nil }, served.Load)}
}

// controlRegistry are the verbs of the registry.
func controlRegistry(s *registry.Server) chaos.Control {
	return controls{chaos.VerbRestart: once(s.Restart, s.Sent)}
}

// once is a verb that is done and over; what works counts as clear.
func once(do func(context.Context) error, works func() int64) control {
	var times atomic.Int64
	return control{
		do: func(ctx context.Context, amount float64) error {
			if amount == 0 {
				return nil // there is nothing to end
			}
			times.Add(1)
			return do(ctx)
		},
		count: func() (int64, int64) { return times.Load(), works() },
	}
}
