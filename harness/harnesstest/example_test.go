package harnesstest_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/fixtures/traffic"
	"github.com/tokendrill/tokendrill/fixtures/undisturbed"
	"github.com/tokendrill/tokendrill/harness"
	"github.com/tokendrill/tokendrill/scenarios"
)

// A scenario can be run from any Go program. In a test, harnesstest.Run and
// harnesstest.Require do the same in two lines.
func Example() {
	sc, err := scenarios.Parse([]byte(`
name: smoke
about: a revoked token is refused everywhere, at once
patterns: [remote, registry]
traffic: {recording: sample, rate: 100/s, rounds: 1, slice: 200ms}
revocations: {tokens: 3, every: 50ms, first_gap: 5ms, growth: 10%, window: 1s, rate: 20/s}
settings: {registry: {staleness: 500ms, heartbeat: 100ms}}
gates: [safety.false_accepts == 0, safety.false_rejects == 0, revoke.resurrections == 0]
`), "smoke.yaml")
	if err != nil {
		fmt.Println(err)
		return
	}
	rec, err := traffic.Sample()
	if err != nil {
		fmt.Println(err)
		return
	}
	plan, err := harness.NewPlan(sc, rec, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	result, err := harness.Run(context.Background(), plan, harness.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range result.Report.Patterns {
		fmt.Printf("%s: %d tokens, %d let in, %d shut out\n", p.Pattern, p.Revoke.Tokens, p.Safety.FalseAccepts, p.Safety.FalseRejects)
	}
	fmt.Println(result.Report.Verdict)
}

// An example with a comment of its output would have one chance only.
func TestExample(t *testing.T) {
	undisturbed.Try(t, func(t *undisturbed.Attempt) {
		assert.Equal(t, `remote: 3 tokens, 0 let in, 0 shut out
registry: 3 tokens, 0 let in, 0 shut out
pass
`, printed(t, Example))
	})
}

// printed is what f writes to standard output.
func printed(t testing.TB, f func()) string {
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	require.NoError(t, err)
	defer out.Close()
	defer func(stdout *os.File) { os.Stdout = stdout }(os.Stdout)
	os.Stdout = out
	f()
	text, err := os.ReadFile(out.Name())
	require.NoError(t, err)
	return string(text)
}
