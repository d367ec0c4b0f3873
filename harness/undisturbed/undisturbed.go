// Package undisturbed is for tests that measure real time, which anything else on
// the machine disturbs. Such a test is written with [Try]; then it runs by itself,
// and has more than one chance: noise comes and goes, a defect stays.
package undisturbed

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// Tries is how many attempts Try makes.
const Tries = 4

// RetriesFile is the environment variable with the path of a file that gets a line
// for each attempt that failed; without it there is none.
const RetriesFile = "TEST_RETRIES"

// Alone skips a test under the race detector, which slows down what is measured
// and has the tests of other packages beside it. The Makefile runs all tests once
// more without, one package at a time.
func Alone(t testing.TB) {
	t.Helper()
	if race {
		t.Skip("runs alone, without the race detector")
	}
}

// Attempt is a testing.TB whose failures are those of one attempt. The rest, such as
// Cleanup and TempDir, is that of the test.
type Attempt struct {
	testing.TB

	mu       sync.Mutex
	failed   bool
	failures []string
}

// machine is shared by the first attempts, and had to itself by each further one.
var machine sync.RWMutex

// Try runs a test by attempts until one has no failure, and fails with those of the
// last. The first attempt may have others beside it, in a parallel test; a further
// one waits until there are none. It skips where Alone does. Calls must not be nested.
func Try(t testing.TB, test func(*Attempt)) {
	t.Helper()
	Alone(t)
	var last *Attempt
	for n := range Tries {
		last = &Attempt{TB: t}
		if last.run(n == 0, test); !last.Failed() {
			return
		}
		last.tell(n + 1)
	}
	for _, f := range last.failures {
		t.Error(f)
	}
	t.FailNow()
}

// run carries the attempt out in a goroutine, which FailNow can end.
func (a *Attempt) run(shared bool, test func(*Attempt)) {
	var lock sync.Locker = &machine
	if shared {
		lock = machine.RLocker()
	}
	lock.Lock()
	defer lock.Unlock()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		test(a)
	}()
	<-ended
}

// tell writes a failed attempt down.
func (a *Attempt) tell(n int) {
	why := strings.Join(strings.Fields(strings.Join(a.failures, "; ")), " ")
	a.Logf("attempt %d of %d: %s", n, Tries, why)
	path := os.Getenv(RetriesFile)
	if path == "" {
		return
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		a.Log(err)
		return
	}
	defer f.Close()
	fmt.Fprintf(f, "%s, attempt %d of %d: %.300s\n", a.Name(), n, Tries, why)
}

// Fail marks the attempt as failed.
func (a *Attempt) Fail() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.failed = true
}

// Failed says whether the attempt has failed.
func (a *Attempt) Failed() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.failed
}

// FailNow ends the attempt as failed.
func (a *Attempt) FailNow() {
	a.Fail()
	runtime.Goexit()
}

// Error notes a failure.
func (a *Attempt) Error(args ...any) { a.fail(fmt.Sprintln(args...)) }

// Errorf notes a failure.
func (a *Attempt) Errorf(format string, args ...any) { a.fail(fmt.Sprintf(format, args...)) }

// Fatal notes a failure and ends the attempt.
func (a *Attempt) Fatal(args ...any) {
	a.Error(args...)
	a.FailNow()
}

// Fatalf notes a failure and ends the attempt.
func (a *Attempt) Fatalf(format string, args ...any) {
	a.Errorf(format, args...)
	a.FailNow()
}

func (a *Attempt) fail(what string) {
	a.Fail()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.failures = append(a.failures, strings.TrimSpace(what))
}
