package chaos

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
)

// ErrLeft is the error of a fault that may be in place although it was not
// injected as a whole: what it had begun could not be taken back.
var ErrLeft = errors.New("it may still be in place")

// errNoHeal is the error of mending what nothing mends.
var errNoHeal = errors.New("nothing heals it")

// undoable is a fault that one act breaks and another mends, nil if nothing does.
type undoable struct{ broken, mended act }

// act does one thing outside this process. Began says whether any of it may have
// happened, which is so whenever it succeeds.
type act func(ctx context.Context) (began bool, err error)

// inject breaks it. If that fails, it is mended, as half of it may have happened.
func (u undoable) inject(ctx context.Context) (*Injected, error) {
	if began, err := u.broken(ctx); err != nil {
		err = fmt.Errorf("inject: %w", err)
		if began {
			err = u.takeBack(context.WithoutCancel(ctx), err)
		}
		return nil, err
	}
	var mended atomic.Int64
	return &Injected{
		Heal: func(ctx context.Context) error {
			err := u.heal(ctx)
			if err == nil {
				mended.Add(1)
			}
			return err
		},
		Met:   func() int64 { return 1 },
		Clear: mended.Load,
	}, nil
}

// takeBack mends what a failed act may have broken.
func (u undoable) takeBack(ctx context.Context, failed error) error {
	if err := u.heal(ctx); err != nil {
		return fmt.Errorf("%w; %w; %w", failed, err, ErrLeft)
	}
	return failed
}

func (u undoable) heal(ctx context.Context) error {
	if u.mended == nil {
		return errNoHeal
	}
	if _, err := u.mended(ctx); err != nil {
		return fmt.Errorf("heal: %w", err)
	}
	return nil
}
