package containers

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tokendrill/tokendrill/fixtures/traffic"
	"github.com/tokendrill/tokendrill/harness"
	"github.com/tokendrill/tokendrill/scenarios"
)

// TestMain keeps a stage until it is killed instead, if ownerEnv says so.
func TestMain(m *testing.M) {
	if os.Getenv(ownerEnv) != "" {
		own()
		return
	}
	code := m.Run()
	if dir != "" {
		os.RemoveAll(dir)
	}
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

var dir string // of what is built for the tests

// built builds a program for containers once. The same source gives the same image.
var built = sync.OnceValues(func() (string, error) {
	var err error
	if dir, err = os.MkdirTemp("", "containers-test-"); err != nil {
		return "", err
	}
	path := filepath.Join(dir, "tokendrill")
	if err := program("../../cmd/tokendrill", path, runtime.GOARCH); err != nil {
		return "", err
	}
	return path, nil
})

// options are those of a stage for tests. They skip without an engine.
func options(t testing.TB) Options {
	t.Helper()
	if err := Reachable(t.Context()); err != nil {
		t.Skip(err)
	}
	binary, err := built()
	require.NoError(t, err)
	return Options{Binary: binary, For: "test", Progress: func(line string) { t.Log(line) }}
}

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

// plan is that of a scenario.
func plan(t testing.TB, text string) *harness.Plan {
	t.Helper()
	p, err := planOf(text)
	require.NoError(t, err)
	return p
}

func planOf(text string) (*harness.Plan, error) {
	sc, err := scenarios.Parse([]byte(text), "test.yaml")
	if err != nil {
		return nil, err
	}
	rec, err := traffic.Open(sc.Traffic.Recording)
	if err != nil {
		return nil, err
	}
	return harness.NewPlan(sc, rec, 1)
}

// alone are options of a stage that can be told from all others.
func alone(t testing.TB) Options {
	t.Helper()
	o := options(t)
	o.For = "test-" + rand.Text()
	return o
}

// stages are those of a test.
func stages(t testing.TB, o Options) []Info {
	t.Helper()
	all, err := List(t.Context())
	require.NoError(t, err)
	return slices.DeleteFunc(all, func(s Info) bool { return s.For != o.For })
}

// only is the stage of a test.
func only(t testing.TB, o Options) Info {
	t.Helper()
	all := stages(t, o)
	require.Len(t, all, 1)
	return all[0]
}

// warm makes the image of the stage.
func warm(t testing.TB, o Options) {
	t.Helper()
	e, err := connect(t.Context())
	require.NoError(t, err)
	defer e.close()
	_, err = e.image(t.Context(), o.Binary, o.Progress)
	require.NoError(t, err)
}

// someones makes other people's software, and an image of it for the length of a test.
func someones(t testing.TB) (path, image string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "upstream")
	require.NoError(t, program("./testdata/upstream", path, runtime.GOARCH))
	return path, imageOf(t, path)
}

// imageOf makes an image of a program for the length of a test.
func imageOf(t testing.TB, path string) string {
	t.Helper()
	e, err := connect(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { e.close() })
	name, err := e.image(t.Context(), path, func(string) {})
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := e.ImageRemove(context.Background(), name, client.ImageRemoveOptions{PruneChildren: true})
		require.NoError(t, err)
	})
	return name
}

// program builds a static program for Linux.
func program(source, path, arch string, flags ...string) error {
	args := append([]string{"build", "-buildvcs=false", "-trimpath", "-ldflags=-s -w", "-o", path}, flags...)
	build := exec.Command("go", append(args, source)...)
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch)
	if text, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, text)
	}
	return nil
}
