package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/tokendrill/tokendrill/chaos"
)

const (
	// watching is what a watchdog says when it is at work.
	watching = "watching\n"
	// watchdogStart bounds its start, and watchdogEnd how long its end is waited for.
	watchdogStart = 10 * time.Second
	watchdogEnd   = 2 * time.Second
)

// watch is the watchdog of the run with this process id. Signals to a group of
// processes, and a run that is not there to read, do not end it.
func watch(ctx context.Context, out io.Writer, state string, pid int) error {
	signals := make(chan os.Signal, 1) // ignored signals would be ignored by heal commands too
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	if _, err := chaos.Journals(state); err != nil {
		return undoFailed{err}
	}
	fmt.Fprint(out, watching)
	h := healer{out: out}
	if err := chaos.Watch(ctx, state, pid, h.tell); err != nil {
		return undoFailed{err}
	}
	return nil
}

// startWatchdog starts tokendrill heal --when-dead for this process, in a session
// of its own, and returns when it is at work. Wait waits until it has gone.
func startWatchdog(state string) (wait func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &exec.Cmd{
		Path: self, Args: []string{"tokendrill", "heal", "--when-dead", strconv.Itoa(os.Getpid())},
		Env: append(os.Environ(), "TOKENDRILL_STATE="+state),
	}
	detach(c)
	out, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer out.Close()
	c.Stdout = in
	err = c.Start()
	in.Close()
	if err != nil {
		return nil, err
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_ = c.Wait() // it has told what it did, or tokendrill heal will
	}()
	if err := atWork(out); err != nil {
		_ = c.Process.Kill() // it may have gone
		<-gone
		return nil, err
	}
	return func() {
		select {
		case <-gone:
		case <-time.After(watchdogEnd):
		}
	}, nil
}

// atWork waits for the word of a watchdog.
func atWork(out *os.File) error {
	if err := out.SetReadDeadline(time.Now().Add(watchdogStart)); err != nil {
		return err
	}
	said, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || said != watching {
		return errors.Join(errors.New("it did not come to work"), err)
	}
	return nil
}
