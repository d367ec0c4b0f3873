package chaos

import (
	"context"
	"errors"
	"fmt"
)

// steer tells nodes to be different for a while.
type steer struct {
	verb    Verb
	on, off float64
	// once says that the command is over when it is done: there is nothing to undo.
	once bool
}

// Inject tells every node. If one cannot, those before it are told to go back.
//
// Met and Clear are what the nodes count for the verb, from the injection on.
func (f steer) Inject(ctx context.Context, t Target) (*Injected, error) {
	met, clear := f.count(t.Nodes)
	for i, n := range t.Nodes {
		if err := n.Control.Do(ctx, Command{f.verb, f.on}); err != nil {
			err = fmt.Errorf("%s: %s: %w", n.Name, f.verb, err)
			return nil, f.takeBack(context.WithoutCancel(ctx), t.Nodes[:i+1], err)
		}
	}
	return &Injected{
		Heal:  func(ctx context.Context) error { return f.heal(ctx, t.Nodes) },
		Met:   met,
		Clear: clear,
	}, nil
}

// takeBack heals the nodes that were told; one that could not may be half-way.
func (f steer) takeBack(ctx context.Context, told []Node, failed error) error {
	if err := f.heal(ctx, told[:len(told)-1]); err != nil {
		return fmt.Errorf("%w; %w; %w", failed, err, ErrLeft)
	}
	if !f.once {
		last := told[len(told)-1]
		_ = last.Control.Do(ctx, Command{f.verb, f.off}) // it has just refused the verb: this is for what it did before
	}
	return failed
}

// heal tells all nodes, also when one cannot.
func (f steer) heal(ctx context.Context, nodes []Node) error {
	if f.once {
		return nil
	}
	var all error
	for _, n := range nodes {
		if err := n.Control.Do(ctx, Command{f.verb, f.off}); err != nil {
			all = errors.Join(all, fmt.Errorf("%s: %s: %w", n.Name, f.verb, err))
		}
	}
	return all
}

// count counts from now on.
func (f steer) count(nodes []Node) (met, clear func() int64) {
	sum := func() (met, clear int64) {
		for _, n := range nodes {
			m, c := n.Control.Count(f.verb)
			met, clear = met+m, clear+c
		}
		return met, clear
	}
	metBefore, clearBefore := sum()
	return func() int64 { m, _ := sum(); return m - metBefore },
		func() int64 { _, c := sum(); return c - clearBefore }
}
