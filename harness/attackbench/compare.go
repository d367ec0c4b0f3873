package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The ratios, ours to vegeta's, that the median pair must keep.
const (
	minRate = 0.8
	maxCPU  = 1.2
)

// bench runs the two sides against one server.
type bench struct {
	load
	self, vegeta string
	url, dir     string
	stderr       io.Writer
}

// compare runs the pairs and prints what each side did.
func compare(ctx context.Context, l load, pairs int, vegeta string, stdout, stderr io.Writer) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "attackbench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder
	b := &bench{load: l, self: self, vegeta: vegeta, dir: dir, stderr: stderr}
	stop, err := b.startServer(ctx)
	if err != nil {
		return err
	}
	defer stop()

	fmt.Fprintf(stdout, "planned %d/s for %s, %d workers, loopback, %d interleaved pairs\n\n", l.rate, l.duration, l.workers, pairs)
	fmt.Fprintln(stdout, "        tokendrill          vegeta              ratio")
	fmt.Fprintln(stdout, "pair    req/s   CPU us/req  req/s   CPU us/req  req/s  CPU")
	var rates, cpus []float64
	for i := range pairs {
		ours, theirs, err := b.pair(ctx, i%2 == 1)
		if err != nil {
			return err
		}
		rates, cpus = append(rates, ours.rate()/theirs.rate()), append(cpus, ours.cpu()/theirs.cpu())
		fmt.Fprintf(stdout, "%-7d %-7.0f %-11.1f %-7.0f %-11.1f %-6.2f %.2f\n",
			i+1, ours.rate(), ours.cpu(), theirs.rate(), theirs.cpu(), rates[i], cpus[i])
	}
	rate, cpu := median(rates), median(cpus)
	fmt.Fprintf(stdout, "\nmedian ratio: req/s %.2f (at least %.1f), CPU per request %.2f (at most %.1f)\n", rate, minRate, cpu, maxCPU)
	if rate < minRate || cpu > maxCPU {
		return errors.New("the median pair misses a ratio")
	}
	return nil
}

// pair runs both sides; which goes first alternates, so that a drift of the
// machine hits both alike.
func (b *bench) pair(ctx context.Context, vegetaFirst bool) (ours, theirs result, err error) {
	if vegetaFirst {
		if theirs, err = b.runVegeta(ctx); err != nil {
			return ours, theirs, err
		}
	}
	if ours, err = b.runOurs(ctx); err != nil || vegetaFirst {
		return ours, theirs, err
	}
	theirs, err = b.runVegeta(ctx)
	return ours, theirs, err
}

// startServer returns once the server listens.
func (b *bench) startServer(ctx context.Context) (stop func(), err error) {
	cmd := exec.CommandContext(ctx, b.self, "-role", "server")
	cmd.Stderr = b.stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	stop = func() {
		stdin.Close()
		cmd.Wait() //nolint:errcheck // its work is done, whatever it says
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		stop()
		return nil, fmt.Errorf("server: %w", err)
	}
	b.url = strings.TrimSpace(line)
	return stop, nil
}

func (b *bench) runOurs(ctx context.Context) (result, error) {
	cmd := exec.CommandContext(ctx, b.self, "-role", "attack", "-url", b.url,
		"-rate", strconv.Itoa(b.rate), "-workers", strconv.Itoa(b.workers), "-duration", b.duration.String())
	cmd.Stderr = b.stderr
	out, err := cmd.Output()
	if err != nil {
		return result{}, fmt.Errorf("tokendrill: %w", err)
	}
	var r result
	if err := json.Unmarshal(out, &r); err != nil {
		return result{}, fmt.Errorf("tokendrill: %w", err)
	}
	r.CPU = cpuTime(cmd)
	return r, nil
}

// runVegeta times vegeta by its own report: from its first send to its last answer.
func (b *bench) runVegeta(ctx context.Context) (result, error) {
	file := filepath.Join(b.dir, "results")
	workers := strconv.Itoa(b.workers)
	cmd := exec.CommandContext(ctx, b.vegeta, "attack", "-rate", fmt.Sprintf("%d/s", b.rate), "-duration", b.duration.String(),
		"-workers", workers, "-max-workers", workers, "-header", "Authorization: "+bearer, "-output", file)
	cmd.Stdin = strings.NewReader("GET " + b.url + "\n")
	cmd.Stderr = b.stderr
	if err := cmd.Run(); err != nil {
		return result{}, fmt.Errorf("vegeta attack: %w", err)
	}
	out, err := exec.CommandContext(ctx, b.vegeta, "report", "-type", "json", file).Output()
	if err != nil {
		return result{}, fmt.Errorf("vegeta report: %w", err)
	}
	var report struct {
		Requests       int64
		Duration, Wait time.Duration
		Success        float64
	}
	if err := json.NewDecoder(bytes.NewReader(out)).Decode(&report); err != nil {
		return result{}, fmt.Errorf("vegeta report: %w", err)
	}
	if report.Success != 1 {
		return result{}, fmt.Errorf("vegeta: %.3f of its requests succeeded", report.Success)
	}
	return result{Requests: report.Requests, Elapsed: report.Duration + report.Wait, CPU: cpuTime(cmd)}, nil
}

func cpuTime(cmd *exec.Cmd) time.Duration {
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}
