package chaos

import "context"

// LinkCut is the fault link.cut: every request and dial over the link is refused
// at once, and open connections are closed. It models a network partition that
// answers with a reset, and a peer that is down.
type LinkCut struct{}

// Inject cuts all links of the target.
func (LinkCut) Inject(_ context.Context, t Target) (Heal, error) {
	for _, l := range t.Links {
		l.SetCut(true)
	}
	return func(context.Context) error {
		for _, l := range t.Links {
			l.SetCut(false)
		}
		return nil
	}, nil
}
