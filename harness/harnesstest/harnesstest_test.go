package harnesstest_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tokendrill/tokendrill/fixtures/traffic"
	"github.com/tokendrill/tokendrill/harness"
	"github.com/tokendrill/tokendrill/harness/harnesstest"
	"github.com/tokendrill/tokendrill/harness/measure"
	"github.com/tokendrill/tokendrill/scenarios"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patient gives up on nobody, however busy the machine is.
const patient = `
name: patient
about: all patterns, with time for everything
traffic: {recording: sample, rate: 50/s, rounds: 1, slice: 100ms}
revocations: {tokens: 3}
settings:
  cache: {ttl: 500ms, timeout: 10s}
  remote: {timeout: 10s}
  registry: {staleness: 10s, heartbeat: 100ms}
  hybrid: {minted_ttl: 2s, timeout: 10s}
`

func TestEmbeddedIsAStage(t *testing.T) {
	sc, err := scenarios.Parse([]byte(patient), "patient.yaml")
	require.NoError(t, err)
	rec, err := traffic.Open(sc.Traffic.Recording)
	require.NoError(t, err)
	plan, err := harness.NewPlan(sc, rec, 1)
	require.NoError(t, err)
	harnesstest.TestStage(t, harness.Embedded{}, plan)
}

// recorder is a testing.TB that remembers failures.
type recorder struct {
	testing.TB
	failures []string
}

func (r *recorder) Helper()           {}
func (r *recorder) Error(args ...any) { r.failures = append(r.failures, fmt.Sprint(args...)) }
func (r *recorder) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func TestRequireFailsForWhatDoesNotPass(t *testing.T) {
	report := &measure.Report{Patterns: []measure.Pattern{{Pattern: "cache", Safety: measure.Safety{FalseAccepts: 2}, Requests: measure.Requests{Sent: 10, Accepted: 10}}}}
	for _, row := range []struct {
		name, gate, want string
	}{
		{"a gate that fails", "safety.false_accepts == 0", "fail: safety.false_accepts == 0 at cache"},
		{"a gate without samples", "revoke.fleet_upper.p95 <= 1s", "inconclusive: "},
		{"a gate on a pattern that is not there", "safety.false_accepts{pattern=hybrid} == 0", "applies to no pattern"},
		{"a gate that does not parse", "safety.flase_accepts == 0", "safety.flase_accepts"},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := &recorder{TB: t}
			harnesstest.Require(r, report, row.gate)
			require.Len(t, r.failures, 1)
			assert.Contains(t, r.failures[0], row.want)
		})
	}
}
