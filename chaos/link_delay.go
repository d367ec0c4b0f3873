package chaos

import "context"

// LinkDelay is the fault link.delay: everything over the link takes longer by a
// draw from Delay, on top of the link's network profile. It models a congested
// or distant hop.
type LinkDelay struct{ Delay Delay }

// Inject slows all links of the target down.
func (f LinkDelay) Inject(_ context.Context, t Target) (Heal, error) {
	for _, l := range t.Links {
		l.SetExtra(f.Delay)
	}
	return func(context.Context) error {
		for _, l := range t.Links {
			l.SetExtra(Delay{})
		}
		return nil
	}, nil
}
