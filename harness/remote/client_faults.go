package remote

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/tokendrill/tokendrill/chaos"
)

// injected is a fault in hops of the role. What it is stays the same from process to
// process.
type injected struct {
	placing
	path   string
	healed bool
	tally
}

// Hops implements harness.Far.
func (c *Client) Hops() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.up.Hops)
}

// Inject implements harness.Far. Healing is no error if the process has ended: its
// next one begins without the fault.
func (c *Client) Inject(ctx context.Context, fault string, p chaos.Params, hops []string, seed uint64) (*chaos.Injected, error) {
	if err := c.take(ctx); err != nil {
		return nil, err
	}
	defer c.give()
	f := c.place(placing{fault, p, hops, seed})
	if err := c.change(ctx, http.MethodPut, f.path, f.placing, nil, false); err != nil {
		return nil, c.takeBack(context.WithoutCancel(ctx), f, err)
	}
	return &chaos.Injected{
		Heal:  func(ctx context.Context) error { return c.heal(ctx, f) },
		Met:   func() int64 { met, _ := c.count(&f.tally, f.path); return met },
		Clear: func() int64 { _, clear := c.count(&f.tally, f.path); return clear },
	}, nil
}

// place makes a fault known, so that Resume repeats it.
func (c *Client) place(p placing) *injected {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := &injected{placing: p, path: fmt.Sprintf("/faults/%d", len(c.faults)+1)}
	c.faults = append(c.faults, f)
	return f
}

// takeBack heals what may have been injected although nobody said so.
func (c *Client) takeBack(ctx context.Context, f *injected, failed error) error {
	c.over(f, counts{})
	if errors.As(failed, new(*refusal)) {
		return failed
	}
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	if err := c.change(ctx, http.MethodDelete, f.path, nil, nil, true); err != nil && !errors.As(err, new(*refusal)) {
		return fmt.Errorf("%w; %w; %w", failed, err, chaos.ErrLeft)
	}
	return failed
}

func (c *Client) heal(ctx context.Context, f *injected) error {
	if err := c.take(ctx); err != nil {
		return err
	}
	defer c.give()
	c.over(f, counts{}) // also if nobody answers: it must not be repeated
	var now counts
	err := c.change(ctx, http.MethodDelete, f.path, nil, &now, true)
	if err == nil {
		c.over(f, now)
	}
	return err
}

// over remembers that a fault is healed, and what was counted then.
func (c *Client) over(f *injected, now counts) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f.healed = true
	f.heard(now)
}

// repeat tells a new process what is in force.
func (c *Client) repeat(ctx context.Context) error {
	commands, faults := c.inForce()
	for _, cmd := range commands {
		if err := c.change(ctx, http.MethodPut, "/control/"+string(cmd.Verb), telling{cmd.Amount}, nil, false); err != nil {
			return err
		}
	}
	for _, f := range faults {
		if err := c.change(ctx, http.MethodPut, f.path, f.placing, nil, false); err != nil {
			return err
		}
	}
	return nil
}

// inForce is what a new process has to be told, which counts from zero.
func (c *Client) inForce() (commands []chaos.Command, faults []*injected) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls.again()
	for _, v := range slices.SortedFunc(maps.Keys(c.verbs), cmp.Compare) {
		t := c.verbs[v]
		t.again()
		if slices.Contains(lasting(), v) && t.amount != back(v) {
			commands = append(commands, chaos.Command{Verb: v, Amount: t.amount})
		}
	}
	for _, f := range c.faults {
		f.again()
		if !f.healed {
			faults = append(faults, f)
		}
	}
	return commands, faults
}
