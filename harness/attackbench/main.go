// Command attackbench compares tokendrill's attack, with oracle and histograms
// on, with the vegeta command line of the same version: both are planned at the
// same rate with as many workers against one loopback server, in interleaved
// pairs. Every side, and the server, is a process of its own, so that its CPU
// time is its own. It fails if the median pair misses a ratio.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "attackbench:", err)
		os.Exit(1)
	}
}

// load is what both sides are asked to do.
type load struct {
	rate     int
	workers  int
	duration time.Duration
}

// run is the program over its streams. With -role it is one of the processes
// that the comparison starts.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	fs := flag.NewFlagSet("attackbench", flag.ContinueOnError)
	fs.SetOutput(stderr)
	var l load
	fs.IntVar(&l.rate, "rate", 30_000, "planned requests per second")
	fs.IntVar(&l.workers, "workers", 64, "most requests in flight")
	fs.DurationVar(&l.duration, "duration", 4*time.Second, "length of the plan of each run")
	vegeta := fs.String("vegeta", "vegeta", "the vegeta program")
	pairs := fs.Int("pairs", 5, "interleaved pairs")
	role := fs.String("role", "", "server or attack: what the comparison runs")
	url := fs.String("url", "", "what the attack role sends to")
	profile := fs.String("cpuprofile", "", "where the attack role writes a CPU profile")
	if err := fs.Parse(args); err != nil {
		return err
	}
	switch *role {
	case "server":
		return serve(stdin, stdout)
	case "attack":
		return attack(ctx, l, *url, *profile, stdout)
	case "":
		return compare(ctx, l, *pairs, *vegeta, stdout, stderr)
	}
	return fmt.Errorf("-role %s: want server or attack", *role)
}
