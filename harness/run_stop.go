package harness

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tokendrill/tokendrill/harness/measure"
)

// stopped is the error of a measurement that a stop condition has ended, with its
// sentence.
type stopped string

func (s stopped) Error() string { return "stopped: " + string(s) }

// guard prepares the stop conditions.
func (r *run) guard() (*measure.Guard, error) {
	var stops []measure.StopExpr
	for _, expr := range r.plan.Scenario.AbortWhen {
		s, err := measure.ParseStop(expr)
		if err != nil {
			return nil, err
		}
		stops = append(stops, s)
	}
	return r.recorder.Guard(stops)
}

// watch ends the measurement when a stop condition is met, or when nobody would
// undo its faults any more if this process died.
func (r *run) watch(ctx context.Context) {
	const every = 200 * time.Millisecond
	for at := every; r.until(ctx, at); at += every {
		if reason := r.stops.Check(time.Duration(r.now())); reason != "" {
			r.abort(stopped(reason))
			return
		}
		select {
		case err := <-r.journal.lost():
			r.abort(fmt.Errorf("undo journal: %w", err))
			return
		default:
		}
	}
}

// ending sorts the error of a measurement: one that was stopped or interrupted is
// reported all the same.
func (r *run) ending(ctx context.Context, err error) (ended, failed error) {
	if err == nil || ctx.Err() != nil || errors.As(err, new(stopped)) {
		return err, nil
	}
	return nil, err
}
