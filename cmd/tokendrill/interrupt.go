package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// interruptible is a context that a first Ctrl-C or SIGTERM ends; a second closes
// hurry, and more change nothing. Stop gives the signals back if none came: a
// process that was told to end is not killed by being told again while it does.
func interruptible(parent context.Context) (ctx context.Context, hurry <-chan struct{}, stop func()) {
	ctx, cancel := context.WithCancel(parent)
	signals, inHurry := make(chan os.Signal, 2), make(chan struct{})
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	ended := make(chan struct{})
	go func() {
		for n := 1; ; n++ {
			select {
			case <-signals:
			case <-ended:
				return
			}
			switch n {
			case 1:
				cancel()
			case 2:
				close(inHurry)
			}
		}
	}()
	return ctx, inHurry, func() {
		if ctx.Err() == nil || parent.Err() != nil {
			signal.Stop(signals)
		}
		close(ended)
		cancel()
	}
}
