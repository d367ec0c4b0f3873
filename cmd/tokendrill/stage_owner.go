package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	// endTimeout is how long a stage may take to go down.
	endTimeout = 2 * time.Minute
	// endEvery is how often it is looked whether it has.
	endEvery = 100 * time.Millisecond
)

// stageOwner is the process that has, or had, the stage of a folder. It is closed
// after use.
type stageOwner struct {
	pid   int
	alive bool
	since time.Time
	file  *os.File // the pid file
}

// findOwner looks for the stage of a folder. The error is fs.ErrNotExist if none was
// started there.
func findOwner(dir string) (*stageOwner, error) {
	f, err := os.Open(filepath.Join(dir, "pid"))
	if err != nil {
		return nil, err
	}
	o := &stageOwner{file: f}
	if err := o.read(); err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", f.Name(), err)
	}
	return o, nil
}

// read reads the pid file. Whoever wrote it has locked it for its whole life.
func (o *stageOwner) read() error {
	info, err := o.file.Stat()
	if err != nil {
		return err
	}
	o.since = info.ModTime()
	if o.alive, err = locked(o.file); err != nil {
		return err
	}
	text, err := io.ReadAll(io.LimitReader(o.file, 64))
	if err != nil {
		return err
	}
	number := strings.TrimSpace(string(text))
	if o.pid, err = strconv.Atoi(number); err != nil || o.pid <= 0 {
		return badInput(fmt.Errorf("%q is no process id", number))
	}
	return nil
}

func (o *stageOwner) close() { o.file.Close() }

// end tells the process to end and waits until it has.
func (o *stageOwner) end(ctx context.Context) error {
	return endProcess(ctx, o.pid, func(context.Context) (bool, error) { return locked(o.file) })
}

// endProcess tells a process to end, if lives says that it is still the one that is
// meant, and waits until it is not there any more.
func endProcess(ctx context.Context, pid int, lives func(context.Context) (bool, error)) error {
	p, err := os.FindProcess(pid) // before it is asked for: the number may be another's by then
	if err != nil {
		return err
	}
	defer func() { _ = p.Release() }() // nothing is left to do about it
	alive, err := lives(ctx)
	if err != nil || !alive {
		return err
	}
	if err := p.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("end process %d: %w", pid, err)
	}
	return awaitEnd(ctx, pid, lives)
}

// awaitEnd waits until a process is not there any more.
func awaitEnd(ctx context.Context, pid int, lives func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, endTimeout, fmt.Errorf("process %d was told to end and has not in %v", pid, endTimeout))
	defer cancel()
	look := time.NewTicker(endEvery)
	defer look.Stop()
	for {
		alive, err := lives(ctx)
		if err != nil || !alive {
			return err
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
