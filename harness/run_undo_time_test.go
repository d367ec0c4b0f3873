package harness

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/chaos"
	"github.com/tokendrill/tokendrill/harness/measure"
)

// Evidence is not waited for when it is there, and not for ever when it is not.
func TestEvidenceOfHealingIsWaitedFor(t *testing.T) {
	for _, row := range []struct {
		name  string
		clear time.Duration // when something comes through
		ends  time.Duration // the run
		took  time.Duration
		want  string
	}{
		{"at once", 0, time.Hour, evidenceEvery, "landed healed"},
		{"after a while", 300 * time.Millisecond, time.Hour, 300 * time.Millisecond, "landed healed"},
		{"never", time.Hour, time.Hour, evidenceWait, "landed"},
		{"not before the run ends", time.Hour, time.Second, time.Second, "landed"},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), row.ends)
				defer cancel()
				r := &run{zero: time.Now()}
				p := &placed{event: &measure.Event{Met: 1}, clear: 7, injected: &chaos.Injected{Clear: func() int64 {
					if time.Since(r.zero) > row.clear {
						return 8
					}
					return 7
				}}}
				r.awaitEvidence(ctx, p)
				assert.InDelta(t, row.took, time.Since(r.zero), float64(evidenceEvery))
				assert.Equal(t, row.want, p.event.Detail)
			})
		})
	}
}

func TestUndoTakesItsTimeAndASecondOfAUserInAHurry(t *testing.T) {
	closed := make(chan struct{})
	close(closed)
	obeys := func(ctx context.Context) error { <-ctx.Done(); return errors.New("told to end") }
	deaf := func(context.Context) error { time.Sleep(time.Hour); return nil }
	for _, row := range []struct {
		name  string
		hurry <-chan struct{}
		heal  func(context.Context) error
		took  time.Duration
		says  string
	}{
		{"all the time there is", nil, obeys, healTimeout, "told to end"},
		{"a second in a hurry", closed, obeys, hurriedTimeout, "told to end"},
		{"a little more for one that does not listen", closed, deaf, hurriedTimeout + lastWords, "it did not end in time"},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ended, cancel := context.WithCancel(t.Context())
				cancel() // by the Ctrl-C
				spec, _ := chaos.Find("link.cut")
				r, start := &run{opts: Options{Hurry: row.hurry}}, time.Now()
				err := r.heal(ended, &placed{spec: spec, injected: &chaos.Injected{Heal: row.heal}})
				require.EqualError(t, err, row.says)
				assert.Equal(t, row.took, time.Since(start))
				time.Sleep(2 * time.Hour) // until the deaf one has ended
			})
		})
	}
}

// A fault that nothing undoes is there to stay, which the user has allowed.
func TestAnIrreversibleFaultIsNoFailureToUndo(t *testing.T) {
	u := &undoing{}
	spec, _ := chaos.Find("exec")
	p := &placed{spec: spec}
	u.add(p)
	u.done(p, nil)
	assert.Equal(t, measure.Undo{}, u.counted())
	assert.NoError(t, u.err())
}
