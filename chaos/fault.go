package chaos

import "context"

// Fault is one thing to break. A fault is a value: it holds its parameters and
// nothing about where it is injected.
type Fault interface {
	// Inject breaks the target and returns how to mend it. On an error nothing is
	// left broken.
	Inject(ctx context.Context, t Target) (Heal, error)
}

// Heal mends what a fault broke. It is called once.
type Heal func(context.Context) error

// Target is what a fault may act on.
type Target struct {
	// Links are the hops that were chosen, one for each node; never empty.
	Links []*Link
}
