package measure

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/fixtures/token"
)

// DESIGN section 4: the checker runs again on the saved file with the same result.
func TestASavedHistoryGivesTheSameFigures(t *testing.T) {
	var file bytes.Buffer
	meta := testMeta("revoke.fleet_upper.p95 <= 3s", "safety.false_accepts == 0", "latency.check.p95 <= 1s")
	r, err := NewRecorder(meta, &file)
	require.NoError(t, err)
	r.Fault(Event{Fault: "link.cut", Start: 5 * ms, End: 9 * ms, Detail: FaultLanded})
	for n, toy := range append(toys, toys...) {
		for k := range 8 {
			events, _ := toy.play(token.Ref(fmt.Sprintf("t-%d-%d", n, k)), uint64(100*n+k), 5*time.Millisecond, 4*time.Millisecond)
			feed(r, events)
		}
	}
	forged := traffic(1, time.Millisecond, -1)
	forged.Class, forged.Detail, forged.Expect = token.Fuzzed, "crit", expectReject
	r.Observe(forged)
	live := finish(t, r, Run{Elapsed: 20 * time.Second})

	h, err := ReadHistory(&file, "history.ndjson")
	require.NoError(t, err)
	again, err := h.Check()
	require.NoError(t, err)
	a, b := live.Patterns[0], again.Patterns[0]
	assert.Equal(t, a.Revoke, b.Revoke)
	assert.Equal(t, a.Safety, b.Safety)
	assert.Equal(t, a.Violations[1:], b.Violations[1:])
	assert.Equal(t, a.Violations[0].Cause, b.Violations[0].Cause)
	assert.Equal(t, a.Gates[:2], b.Gates)
	assert.Equal(t, live.Faults, again.Faults)
	assert.Equal(t, live.Started, again.Started)
	assert.Contains(t, again.Warnings, "1 of 3 gates are left out: a history has no latency and no counters of other traffic")
}

func TestAReportSurvivesItsFile(t *testing.T) {
	r := newRecorder(t, "revoke.fleet_upper.p95 <= 3s", "latency.check.p95 <= 1s")
	events, _ := toys[0].play("k", 1, time.Millisecond, time.Millisecond)
	feed(r, events)
	for i := range int64(500) {
		r.Observe(traffic(i, time.Millisecond, int(i%6)))
	}
	report := finish(t, r, Run{Elapsed: 20 * time.Second})
	path := filepath.Join(t.TempDir(), "report.json")
	require.NoError(t, SaveReport(path, report))
	loaded, err := LoadReport(path)
	require.NoError(t, err)
	want, err := json.Marshal(report)
	require.NoError(t, err)
	got, err := json.Marshal(loaded)
	require.NoError(t, err)
	assert.JSONEq(t, string(want), string(got))

	gates := []GateExpr{}
	for _, expr := range []string{"revoke.fleet_upper.p95 <= 3s", "latency.check.p95 <= 1s"} {
		g, err := ParseGate(expr)
		require.NoError(t, err)
		gates = append(gates, g)
	}
	require.NoError(t, Judge(loaded, gates))
	assert.Equal(t, report.Patterns[0].Gates, loaded.Patterns[0].Gates, "a saved report is judged alike")

	_, err = LoadReport(filepath.Join(t.TempDir(), "none.json"))
	assert.Error(t, err)
}
