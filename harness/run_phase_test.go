package harness

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/harness/measure"
)

func TestARequestBelongsToThePhaseInWhichItWasUnderWay(t *testing.T) {
	faults := []FaultWindow{{To: 30}, {To: 50}}
	for _, row := range []struct {
		name       string
		start, end int64
		steps      func(*outage)
		want       string
	}{
		{"nothing is broken yet", 10, 20, func(*outage) {}, PhaseBefore},
		{"answered before anything was broken", 10, 20, func(o *outage) { o.begin(20) }, PhaseBefore},
		{"planned before, and answered when something was", 10, 21, func(o *outage) { o.begin(20) }, PhaseDuring},
		{"the first fault counts", 20, 25, func(o *outage) { o.begin(20); o.begin(30) }, PhaseDuring},
		{"one of two faults is over", 45, 46, func(o *outage) { o.begin(20); o.end(40, faults) }, PhaseDuring},
		{"sent before the last was over", 54, 70, func(o *outage) { o.begin(20); o.end(40, faults); o.end(55, faults) }, PhaseDuring},
		{"sent when all were over", 55, 70, func(o *outage) { o.begin(20); o.end(40, faults); o.end(55, faults) }, PhaseAfter},
		{"what failed to be injected ends no sooner than was planned", 45, 46, func(o *outage) { o.begin(20); o.end(21, faults); o.end(22, faults) }, PhaseDuring},
	} {
		t.Run(row.name, func(t *testing.T) {
			var o outage
			row.steps(&o)
			assert.Equal(t, row.want, o.phase(row.start, row.end))
		})
	}
}

// A heal that took half a second had its outage reach into the phase after it.
func TestAFaultThatHealsLateIsNotAfterIt(t *testing.T) {
	t.Parallel()
	var history buffer
	d := undoRun{
		faults: "faults:\n" + execFault("300ms", "300ms", "sleep 0.2", "sleep 0.5"),
		opts:   func(o *Options) { o.History = &history },
	}.run(t)
	require.NoError(t, d.err)
	fault := d.Report.Faults[0]
	require.Greater(t, fault.To-fault.From, 700.0)
	from, to := int64(fault.From*1e6), int64(fault.To*1e6)
	seen := map[string]int{}
	for _, e := range readHistory(t, &history).Events {
		if e.Kind != measure.KindRequest {
			continue
		}
		seen[e.Phase]++
		switch e.Phase {
		case PhaseBefore:
			assert.LessOrEqual(t, e.End, from+int64(time.Microsecond))
		case PhaseDuring:
			assert.Greater(t, e.End, from-int64(time.Microsecond))
			assert.Less(t, e.Start, to+int64(time.Microsecond))
		case PhaseAfter:
			assert.GreaterOrEqual(t, e.Start, to-int64(time.Microsecond))
		}
	}
	for _, phase := range []string{PhaseBefore, PhaseDuring, PhaseAfter} {
		assert.Positive(t, seen[phase], phase)
	}
}
