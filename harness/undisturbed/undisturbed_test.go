package undisturbed

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// watched is a test of which it is known how it ends.
type watched struct {
	testing.TB
	errors  []any
	ended   bool
	skipped bool
}

func (w *watched) Error(args ...any) { w.errors = append(w.errors, args...) }
func (w *watched) FailNow()          { w.ended = true }
func (w *watched) Skip(...any)       { w.skipped = true; w.SkipNow() }

func TestTry(t *testing.T) {
	Alone(t)
	for _, row := range []struct {
		name  string
		test  func(t *Attempt, n int)
		tries int
		says  []string
	}{
		{"what holds at once is tried once", func(t *Attempt, _ int) { assert.True(t, true) }, 1, nil},
		{"what holds at last passes", func(t *Attempt, n int) { assert.Equal(t, Tries, n) }, Tries, nil},
		{"what never holds fails as it did last", func(t *Attempt, n int) { t.Errorf("no %d", n); t.Error("and", n) }, Tries, []string{"no 4", "and 4"}},
		{"nothing follows what is required", func(t *Attempt, n int) { require.Zero(t, n); t.Error("after") }, Tries, []string{"but was 4"}},
		{"nothing follows what is fatal", func(t *Attempt, n int) { t.Fatalf("no %d", n); t.Error("after") }, Tries, []string{"no 4"}},
		{"a failure without a word is one", func(t *Attempt, _ int) { t.FailNow() }, Tries, []string{}},
	} {
		t.Run(row.name, func(t *testing.T) {
			w, n := &watched{TB: t}, 0
			Try(w, func(a *Attempt) { n++; row.test(a, n) })
			assert.Equal(t, row.tries, n)
			assert.False(t, t.Failed(), "an attempt is not the test")
			assert.Equal(t, row.says != nil, w.ended)
			require.Len(t, w.errors, len(row.says))
			for i, said := range row.says {
				assert.Contains(t, w.errors[i], said)
			}
		})
	}
}

func TestOnlyFirstAttemptsAreBesideEachOther(t *testing.T) {
	Alone(t)
	var running atomic.Int32
	meet := make(chan struct{})
	var tests sync.WaitGroup
	for range 2 {
		tests.Go(func() {
			n := 0
			Try(&watched{TB: t}, func(a *Attempt) {
				defer running.Add(-1)
				others := running.Add(1) - 1
				if n++; n > 1 {
					assert.Zero(t, others)
					return
				}
				select { // each waits for the other
				case meet <- struct{}{}:
				case <-meet:
				}
				a.FailNow()
			})
			assert.Equal(t, 2, n)
		})
	}
	tests.Wait()
}

func TestFailedAttemptsAreWrittenDown(t *testing.T) {
	Alone(t)
	file := filepath.Join(t.TempDir(), "retries")
	t.Setenv(RetriesFile, file)
	n := 0
	Try(t, func(a *Attempt) {
		if n++; n < 3 {
			a.Errorf("%d\nof them", n)
		}
	})
	said, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, []string{
		"TestFailedAttemptsAreWrittenDown, attempt 1 of 4: 1 of them",
		"TestFailedAttemptsAreWrittenDown, attempt 2 of 4: 2 of them",
	}, strings.Split(strings.TrimSpace(string(said)), "\n"))
}

func TestWhatMeasuresIsSkippedUnderTheRaceDetector(t *testing.T) {
	w := &watched{}
	t.Run("in", func(t *testing.T) {
		w.TB = t
		Try(w, func(*Attempt) {})
	})
	assert.Equal(t, race, w.skipped)
}
