package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"

	"github.com/tokendrill/tokendrill/fixtures/undisturbed"
	"github.com/tokendrill/tokendrill/harness/measure"
)

var update = flag.Bool("update", false, "write golden output again")

// TestMain lets the tests run tokendrill as a process of its own: the test binary
// under that name is the command.
func TestMain(m *testing.M) {
	testscript.Main(leakTested{m}, map[string]func(){"tokendrill": main})
}

var builtIn string // the folder of what is built for containers

// leakTested fails when a goroutine outlives the tests.
type leakTested struct{ *testing.M }

func (m leakTested) Run() int {
	_ = flag.Set("test.parallel", "6") // most of a run is waiting; the command line goes before
	code := m.M.Run()
	os.RemoveAll(builtIn)
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintf(os.Stderr, "goleak: %v\n", err)
		return 1
	}
	return code
}

// command is tokendrill as a process in a folder of its own.
func command(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return &exec.Cmd{Path: self, Args: append([]string{"tokendrill"}, args...), Dir: t.TempDir()}
}

// tokendrill carries out a command line in this process.
func tokendrill(args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = run(args, strings.NewReader(""), &out, &err)
	return code, out.String(), err.String()
}

// Many a script runs scenarios, so that each has more than one chance.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			undisturbed.Try(t, func(t *undisturbed.Attempt) { testscript.RunT(scriptT{t}, scripts(file)) })
		})
	}
}

// scriptT makes an attempt of a script.
type scriptT struct{ *undisturbed.Attempt }

func (t scriptT) Run(_ string, f func(testscript.T)) { f(t) }
func (scriptT) Parallel()                            {}
func (scriptT) Verbose() bool                        { return testing.Verbose() }

// Log gets all that a script said, and that it failed among the rest.
func (t scriptT) Log(args ...any) {
	said := fmt.Sprint(args...)
	if _, why, failed := strings.Cut(said, "FAIL: "); failed {
		t.Error(why)
	}
	t.Attempt.Log(said)
}

func scripts(files ...string) testscript.Params {
	return testscript.Params{
		Files: files,
		Setup: func(env *testscript.Env) error {
			schema, err := filepath.Abs("../../scenarios/schema.json")
			env.Setenv("SCHEMA", schema)
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"ends":        ends,
			"refused":     refused,
			"fill":        fill,
			"same-revoke": sameRevoke,
		},
		Condition: func(cond string) (bool, error) {
			_, err := os.Stat(strings.TrimPrefix(cond, "exists:"))
			return err == nil, nil
		},
	}
}

// ends CODE ARGS...: tokendrill ends with the exit code.
func ends(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec("tokendrill", args[1:]...)
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
	case err != nil:
		ts.Fatalf("%v", err)
	}
	got := 0
	if exit != nil {
		got = exit.ExitCode()
	}
	if neg || got != want {
		ts.Fatalf("tokendrill %s: exit code %d, want %d", strings.Join(args[1:], " "), got, want)
	}
}

// refused CODE LINE ARGS...: tokendrill ends with the exit code, this line on
// stderr and nothing on stdout. "..." in LINE stands for what is not ours to say.
func refused(ts *testscript.TestScript, neg bool, args []string) {
	ends(ts, neg, append(args[:1:1], args[2:]...))
	if out := ts.ReadFile("stdout"); out != "" {
		ts.Fatalf("stdout: %s", out)
	}
	head, tail, open := strings.Cut("tokendrill: "+args[1]+"\n", "...")
	got := ts.ReadFile("stderr")
	same := got == head
	if open {
		same = strings.HasPrefix(got, head) && strings.HasSuffix(got, tail)
	}
	if strings.Count(got, "\n") != 1 || !same {
		ts.Fatalf("stderr: %swant:   tokendrill: %s", got, args[1])
	}
}

// fill FILE BYTES LINE: the file begins with LINE and goes on with that many
// bytes without a line break.
func fill(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), append([]byte(args[2]+"\n"), bytes.Repeat([]byte{'x'}, n)...), 0o644))
}

// same-revoke REPORT CHECKED: both reports have the same time-to-revoke.
func sameRevoke(ts *testscript.TestScript, _ bool, args []string) {
	var said [2]string
	for i, name := range args {
		var r measure.Report
		ts.Check(json.Unmarshal([]byte(ts.ReadFile(name)), &r))
		if len(r.Patterns) == 0 || r.Patterns[0].Revoke.Tokens == 0 {
			ts.Fatalf("%s has no revocations", name)
		}
		for _, p := range r.Patterns {
			data, err := json.Marshal(p.Revoke)
			ts.Check(err)
			said[i] += p.Pattern + string(data) + "\n"
		}
	}
	if said[0] != said[1] {
		ts.Fatalf("%s: %s%s: %s", args[0], said[0], args[1], said[1])
	}
}
