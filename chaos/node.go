package chaos

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// steer tells nodes to be different for a while.
type steer struct {
	verb    Verb
	on, off float64
	// once says that the command is over when it is done: there is nothing to undo.
	once bool
}

// Inject tells every node, side by side. If one cannot, the others are told to go back.
//
// Met and Clear are what the nodes count for the verb, from the injection on.
func (f steer) Inject(ctx context.Context, t Target) (*Injected, error) {
	met, clear := f.count(t.Nodes)
	failed := f.tell(ctx, t.Nodes, f.on)
	if err := errors.Join(failed...); err != nil {
		return nil, f.takeBack(context.WithoutCancel(ctx), t.Nodes, failed, err)
	}
	return &Injected{
		Heal:  func(ctx context.Context) error { return f.heal(ctx, t.Nodes) },
		Met:   met,
		Clear: clear,
	}, nil
}

// takeBack heals the nodes that were told; one that could not may be half-way.
func (f steer) takeBack(ctx context.Context, nodes []Node, failed []error, all error) error {
	var told, halfway []Node
	for i, n := range nodes {
		if failed[i] == nil {
			told = append(told, n)
		} else {
			halfway = append(halfway, n)
		}
	}
	_ = f.heal(ctx, halfway) // they have just refused the verb: this is for what they did before
	if err := f.heal(ctx, told); err != nil {
		return fmt.Errorf("%w; %w; %w", all, err, ErrLeft)
	}
	return all
}

// heal tells all nodes, also when one cannot.
func (f steer) heal(ctx context.Context, nodes []Node) error {
	if f.once {
		return nil
	}
	return errors.Join(f.tell(ctx, nodes, f.off)...)
}

// tell tells all nodes at once, as the call of one may take a second, and returns
// the error of each.
func (f steer) tell(ctx context.Context, nodes []Node, amount float64) []error {
	failed := make([]error, len(nodes))
	each(nodes, func(i int, n Node) {
		if err := n.Control.Do(ctx, Command{f.verb, amount}); err != nil {
			failed[i] = fmt.Errorf("%s: %s: %w", n.Name, f.verb, err)
		}
	})
	return failed
}

// count counts from now on.
func (f steer) count(nodes []Node) (met, clear func() int64) {
	metBefore, clearBefore := f.sum(nodes)
	return func() int64 { m, _ := f.sum(nodes); return m - metBefore },
		func() int64 { _, c := f.sum(nodes); return c - clearBefore }
}

// sum asks all nodes at once.
func (f steer) sum(nodes []Node) (met, clear int64) {
	counts := make([]struct{ met, clear int64 }, len(nodes))
	each(nodes, func(i int, n Node) { counts[i].met, counts[i].clear = n.Control.Count(f.verb) })
	for _, c := range counts {
		met, clear = met+c.met, clear+c.clear
	}
	return met, clear
}

// each calls do for all nodes at once. A panic of one is the caller's, once all have
// ended.
func each(nodes []Node, do func(int, Node)) {
	panics := make(chan any, len(nodes))
	var all sync.WaitGroup
	for i, n := range nodes {
		all.Go(func() {
			defer func() {
				if v := recover(); v != nil {
					panics <- v
				}
			}()
			do(i, n)
		})
	}
	all.Wait()
	select {
	case v := <-panics:
		panic(v) //nolint:forbidigo // it is the caller's own panic, from another goroutine
	default:
	}
}
