package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/tokendrill/tokendrill/harness"
)

// progress shows how far a run is: one line that is written over on a terminal,
// else a plain line for each change and every ten seconds.
type progress struct {
	w     io.Writer
	live  bool
	doing string
	last  time.Duration
	width int
}

func newProgress(w io.Writer) *progress { return &progress{w: w, live: isTerminal(w)} }

// plainEvery is how often a plain line says that a phase goes on.
const plainEvery = 10 * time.Second

func (p *progress) update(now harness.Progress) {
	line := describe(now)
	switch {
	case p.live:
		fmt.Fprintf(p.w, "\r%s%s", line, strings.Repeat(" ", max(0, p.width-len(line))))
		p.width = len(line)
	case now.Doing != p.doing || now.Faults > 0 || now.Elapsed >= p.last+plainEvery:
		fmt.Fprintln(p.w, line)
		p.last = now.Elapsed
	}
	p.doing = now.Doing
}

// done ends the live line.
func (p *progress) done() {
	if p.live && p.width > 0 {
		fmt.Fprintf(p.w, "\r%s\r", strings.Repeat(" ", p.width))
	}
}

func describe(now harness.Progress) string {
	switch {
	case now.Faults > 0:
		return fmt.Sprintf("%s: %d in place", now.Doing, now.Faults)
	case now.Planned > 0:
		return fmt.Sprintf("%s: %s of %s", now.Doing, now.Elapsed.Round(time.Second), now.Planned.Round(time.Second))
	case now.Total > 0:
		return fmt.Sprintf("%s: %d of %d", now.Doing, now.Done, now.Total)
	}
	return now.Doing
}

// isTerminal says whether w is a terminal.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// colorful says whether colours are welcome on w (https://no-color.org).
func colorful(w io.Writer) bool { return os.Getenv("NO_COLOR") == "" && isTerminal(w) }
