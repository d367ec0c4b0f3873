package harness

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/tokendrill/tokendrill/chaos"
)

// farHops are the hops of one role in another process that a fault acts on.
type farHops struct {
	FarNode
	hops []string
}

// far chooses what a fault acts on in other processes.
func (s *Site) far(w FaultWindow) []farHops {
	var out []farHops
	for _, f := range s.Far {
		if w.Link != "" && slices.Contains(f.Hops(), w.Link) && atNode(f.Node, w.Pattern, w.Gateway) {
			out = append(out, farHops{f, []string{w.Link}})
		}
	}
	return out
}

// reaches refuses a fault that the stage has nothing for.
func (s *Site) reaches(w FaultWindow) error {
	spec, _ := chaos.Find(w.Name)
	t := s.target(w)
	if spec.Place != chaos.OnHost && len(t.Links)+len(t.Nodes)+len(s.far(w)) == 0 {
		return fmt.Errorf("fault %s: the stage has no %s %s", w.Name, spec.Place, w.Where())
	}
	return nil
}

// inject injects a fault here and in other processes, at once. On an error nothing
// is left broken, or the error is chaos.ErrLeft.
func (s *Site) inject(ctx context.Context, w FaultWindow) (*chaos.Injected, error) {
	spec, _ := chaos.Find(w.Name) // scenarios.Parse knows the names
	t, far := s.target(w), s.far(w)
	if len(far) == 0 {
		return spec.New(w.Params()).Inject(ctx, t)
	}
	starts := []func() (*chaos.Injected, error){}
	if len(t.Links) > 0 {
		starts = append(starts, func() (*chaos.Injected, error) { return spec.New(w.Params()).Inject(ctx, t) })
	}
	for _, f := range far {
		starts = append(starts, func() (*chaos.Injected, error) { return f.Inject(ctx, w.Name, w.Params(), f.hops, w.seed) })
	}
	parts, err := injectAll(starts)
	if err != nil {
		if left := parts.heal(context.WithoutCancel(ctx)); left != nil {
			err = fmt.Errorf("%w; %w; %w", err, left, chaos.ErrLeft)
		}
		return nil, err
	}
	return &chaos.Injected{
		Heal:  parts.heal,
		Met:   func() int64 { return parts.sum(func(p *chaos.Injected) int64 { return p.Met() }) },
		Clear: func() int64 { return parts.sum(func(p *chaos.Injected) int64 { return p.Clear() }) },
	}, nil
}

// injected are the parts of one fault.
type injected []*chaos.Injected

// injectAll injects all parts side by side, and returns those that are in place.
func injectAll(starts []func() (*chaos.Injected, error)) (injected, error) {
	parts, failed := make(injected, len(starts)), make([]error, len(starts))
	var all sync.WaitGroup
	for i, start := range starts {
		all.Go(func() {
			failed[i] = safely(func() (err error) { parts[i], err = start(); return err })
		})
	}
	all.Wait()
	return slices.DeleteFunc(parts, func(p *chaos.Injected) bool { return p == nil }), errors.Join(failed...)
}

// heal heals every part, also when one cannot be.
func (parts injected) heal(ctx context.Context) error {
	failed := make([]error, len(parts))
	var all sync.WaitGroup
	for i, p := range parts {
		all.Go(func() { failed[i] = safely(func() error { return p.Heal(ctx) }) })
	}
	all.Wait()
	return errors.Join(failed...)
}

func (parts injected) sum(count func(*chaos.Injected) int64) (n int64) {
	counts := make([]int64, len(parts))
	var all sync.WaitGroup
	for i, p := range parts {
		all.Go(func() { counts[i] = count(p) })
	}
	all.Wait()
	for _, c := range counts {
		n += c
	}
	return n
}
