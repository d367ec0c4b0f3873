package chaos

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
)

// Exec is the fault exec: a command breaks something, another mends it. Its
// evidence is their exit status. Both should be idempotent: after a crash the heal
// command may run although what it mends was never broken, or twice.
type Exec struct {
	// Break is the inject command, and Mend the heal command; without one the
	// fault cannot be undone.
	Break, Mend []string
}

// ErrLeft is the error of a fault that may be in place although it was not
// injected as a whole: what it had begun could not be taken back.
var ErrLeft = errors.New("it may still be in place")

// errNoHeal is the error of mending what has no heal command.
var errNoHeal = errors.New("there is no heal command")

func execFault() Spec {
	return Spec{
		Name: "exec", Place: OnHost,
		Does: "Runs a command that breaks something, anywhere, and at the end one that mends it.",
		Params: []Param{
			{Name: "inject", Unit: UnitCommand, Required: true, Doc: "breaks it; a program with its arguments, run without a shell, for at most 5 s"},
			{Name: "heal", Unit: UnitCommand, Default: "none: the fault is refused unless run --irreversible exec allows it",
				Doc: "mends it, at once and however often it is run; without standard input, in the folder in which the run was started"},
		},
		Met: "the inject command, once it has succeeded", Clear: "heal commands that have succeeded",
		Models: "Whatever no other fault does: a firewall rule, a paused process, a full disk.",
		Source: "alexei-led/pumba#147: after kill -9 of the tool its delay stays",
		New:    func(p Params) Fault { return Exec{Break: p.Inject, Mend: p.Heal} },
	}
}

// Reversible says whether a fault with these parameters can be undone.
func (s Spec) Reversible(p Params) bool { return !s.Outlives() || len(p.Heal) > 0 }

// Outlives says whether the fault stays when this process dies: then it takes a
// Journal and a watchdog to undo it on every way out.
func (s Spec) Outlives() bool { return s.Place == OnHost }

// Inject runs the inject command. If that fails, it runs the heal command, as
// half of it may have happened; an error that is ErrLeft says that this failed too.
func (f Exec) Inject(ctx context.Context, _ Target) (*Injected, error) {
	if began, err := runCommand(ctx, "", f.Break); err != nil {
		err = fmt.Errorf("inject: %w", err)
		if began {
			err = f.takeBack(context.WithoutCancel(ctx), err)
		}
		return nil, err
	}
	var mended atomic.Int64
	return &Injected{
		Heal: func(ctx context.Context) error {
			err := f.heal(ctx)
			if err == nil {
				mended.Add(1)
			}
			return err
		},
		Met:   func() int64 { return 1 },
		Clear: mended.Load,
	}, nil
}

// takeBack mends what a failed inject command may have broken.
func (f Exec) takeBack(ctx context.Context, failed error) error {
	if err := f.heal(ctx); err != nil {
		return fmt.Errorf("%w; %w; %w", failed, err, ErrLeft)
	}
	return failed
}

func (f Exec) heal(ctx context.Context) error {
	if len(f.Mend) == 0 {
		return errNoHeal
	}
	if _, err := runCommand(ctx, "", f.Mend); err != nil {
		return fmt.Errorf("heal: %w", err)
	}
	return nil
}
