package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

const (
	// commandTimeout bounds one inject or heal command of a person's.
	commandTimeout = 5 * time.Second
	// outputDelay is how long output of what a command has left behind is waited for.
	outputDelay = 100 * time.Millisecond
	// maxOutput is how much of a command's output an error shows.
	maxOutput = 300
)

// Program is what to run, without a shell, a terminal or
// standard input.
type Program struct {
	// Argv is the program, which is looked for like a shell does, and its arguments.
	Argv []string
	// Dir is the folder to run it in; empty is the present one. Programs with a path
	// that is relative count from there.
	Dir string
	// Env is its environment; nil is that of this process.
	Env []string
	// Stdout and Stderr get what it prints; nil is nobody. An error of theirs ends it.
	Stdout, Stderr io.Writer
	// Timeout bounds the run.
	Timeout time.Duration
}

// Run runs it, and ends its whole session when ctx or its time is over. Began says
// whether it was started at all. Errors name the program, and nothing else of it.
func (p Program) Run(ctx context.Context) (began bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, p.Timeout)
	defer cancel()
	// The signal of a parent's death is that of the thread which started the child.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	child := exec.CommandContext(ctx, p.Argv[0], p.Argv[1:]...)
	child.Dir, child.Env, child.Stdout, child.Stderr = p.Dir, p.Env, p.Stdout, p.Stderr
	child.WaitDelay = outputDelay
	apart(child)
	if err := child.Start(); err != nil {
		return false, err // names the program
	}
	err = child.Wait()
	switch {
	case err == nil, errors.Is(err, exec.ErrWaitDelay): // it ended well and left something behind
		return true, nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		err = errors.New("took too long and was ended")
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	}
	return true, fmt.Errorf("%s: %w", p.Argv[0], err)
}

// runCommand runs an inject or a heal command in dir, empty for the present one.
// Errors end with what it said.
func runCommand(ctx context.Context, dir string, argv []string, timeout time.Duration) (began bool, err error) {
	var out head
	began, err = Program{Argv: argv, Dir: dir, Stdout: &out, Stderr: &out, Timeout: timeout}.Run(ctx)
	if err != nil {
		err = fmt.Errorf("%w%v", err, &out)
	}
	return began, err
}

// head keeps the beginning of what is written to it.
type head struct{ kept []byte }

func (h *head) Write(p []byte) (int, error) {
	h.kept = append(h.kept, p[:min(len(p), maxOutput-len(h.kept))]...)
	return len(p), nil
}

// String is the output as the end of an error, on one line of printable characters.
func (h *head) String() string {
	words := strings.Fields(strings.ToValidUTF8(string(h.kept), "?"))
	if len(words) == 0 {
		return ""
	}
	return fmt.Sprintf(", it said %.*q", maxOutput, strings.Join(words, " "))
}

// absolute is a command that means the same wherever and whenever it is run. It
// is an error if there is no such program.
func absolute(argv []string) ([]string, error) {
	path, err := exec.LookPath(argv[0])
	if err != nil {
		return nil, err // names the program
	}
	if path, err = filepath.Abs(path); err != nil {
		return nil, fmt.Errorf("folder of %s: %w", argv[0], err)
	}
	return append([]string{path}, argv[1:]...), nil
}

// here is the present folder.
func here() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("present folder: %w", err)
	}
	return dir, nil
}
