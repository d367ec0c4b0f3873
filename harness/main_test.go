package harness

import (
	"flag"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tokendrill/tokendrill/harness/measure"
)

func TestMain(m *testing.M) {
	_ = flag.Set("test.parallel", "4") // most of a run is waiting; the command line goes before
	goleak.VerifyTestMain(m)
}

// together calls f for each row at the same time: most of a run is waiting.
func together[R, T any](rows []R, f func(R) T) []T {
	out := make([]T, len(rows))
	var group sync.WaitGroup
	for i, row := range rows {
		group.Go(func() { out[i] = f(row) })
	}
	group.Wait()
	return out
}

// outcome is what Run returned.
type outcome struct {
	*Result
	err error
}

// runOf runs a scenario given as YAML, over the sample recording, on an Embedded stage.
func runOf(t testing.TB, yaml string) outcome {
	result, err := Run(t.Context(), planOf(t, yaml, 1), Options{})
	return outcome{result, err}
}

// of is the report on a pattern of a run that came to its end.
func (o outcome) of(t testing.TB, pattern string) measure.Pattern {
	t.Helper()
	require.NoError(t, o.err)
	return patternOf(t, o.Report, pattern)
}

func patternOf(t testing.TB, r *measure.Report, pattern string) measure.Pattern {
	t.Helper()
	for _, p := range r.Patterns {
		if p.Pattern == pattern {
			return p
		}
	}
	require.Fail(t, "no pattern "+pattern)
	return measure.Pattern{}
}

// phaseOf is one phase of a pattern.
func phaseOf(t testing.TB, p measure.Pattern, name string) measure.Phase {
	t.Helper()
	for _, ph := range p.Phases {
		if ph.Phase == name {
			return ph
		}
	}
	require.Fail(t, p.Pattern+" has no phase "+name)
	return measure.Phase{}
}
