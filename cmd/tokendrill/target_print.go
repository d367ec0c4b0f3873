package main

import (
	"fmt"
	"io"
	"time"

	"github.com/tokendrill/tokendrill/harness"
	"github.com/tokendrill/tokendrill/harness/external"
	"github.com/tokendrill/tokendrill/reports"
	"github.com/tokendrill/tokendrill/scenarios"
)

// checkPage prints what a check finds, each finding when it is there.
type checkPage struct {
	w     io.Writer
	name  string
	color bool
	width int // of what is looked at
	seen  int
	by    map[external.State]int
	err   error // the first of w
}

func newCheckPage(w io.Writer, t *scenarios.Target) *checkPage {
	f := &checkPage{w: w, name: t.Name, color: colorful(w), width: len("check latency"), by: map[external.State]int{}}
	for _, g := range t.Gateways {
		f.width = min(max(f.width, len("gateway ")+len(g.Name)), columns/3)
	}
	return f
}

// stateColor are the colours of a finding's state.
var stateColor = map[external.State]string{external.Works: "32", external.Doubt: "33", external.Fails: "1;31"}

// print prints one finding, and below it what to change.
func (p *checkPage) print(f external.Finding) {
	p.seen++
	p.by[f.State]++
	state := p.paint(fmt.Sprintf("%-4s", f.State), stateColor[f.State])
	what := f.What
	for _, line := range reports.Fill(f.Says, columns-p.width-8) {
		p.printf("%s  %-*s  %s\n", state, p.width, what, line)
		state, what = "    ", ""
	}
	if f.Fix == "" {
		return
	}
	mark := "> "
	for _, line := range reports.Fill(f.Fix, columns-p.width-10) {
		p.printf("%*s%s%s\n", p.width+8, "", mark, line)
		mark = "  "
	}
}

// sum says what came of it and what to do next.
func (p *checkPage) sum(fit bool, t targetCheck) {
	word, color, next := "FIT", "1;32", "tokendrill run --target "+quoted(t.file)+t.words()
	if !fit {
		word, color, next = "UNFIT", "1;31", "tokendrill target check "+quoted(t.file)+t.words()+"    once that is mended"
	}
	said := fmt.Sprintf("%s: %d of %d ok", p.name, p.by[external.Works], p.seen)
	for _, s := range []struct {
		state external.State
		as    string
	}{{external.Doubt, "to know"}, {external.Fails, "to mend"}} {
		if n := p.by[s.state]; n > 0 {
			said += fmt.Sprintf(", %d %s", n, s.as)
		}
	}
	p.printf("\n%s %s\nnext     %s\n", p.paint(fmt.Sprintf("%-8s", word), color), said, next)
}

// paint gives a text a colour where that is welcome.
func (p *checkPage) paint(text, color string) string {
	if !p.color {
		return text
	}
	return fmt.Sprintf("\x1b[%sm%s\x1b[0m", color, text)
}

func (p *checkPage) printf(format string, a ...any) {
	if _, err := fmt.Fprintf(p.w, format, a...); err != nil && p.err == nil {
		p.err = err
	}
}

// waitShown is how long something may take before it is said what is waited for.
const waitShown = 2 * time.Second

// follow prints what a check tells; what takes long is shown on w.
func (p *checkPage) follow(w io.Writer, check func(tell func(external.Finding)) error) error {
	found, done := make(chan external.Finding), make(chan error, 1)
	go func() { done <- check(func(f external.Finding) { found <- f }) }()
	show, tick := newProgress(w), time.NewTicker(time.Second)
	defer tick.Stop()
	began := time.Now()
	since, doing := began, "waiting for answers"
	for {
		select {
		case f := <-found:
			show.done()
			since = time.Now()
			if f.State == external.Waits {
				doing = f.What + ": " + f.Says
				continue
			}
			doing = "waiting for answers"
			p.print(f)
		case now := <-tick.C:
			if now.Sub(since) >= waitShown {
				show.update(harness.Progress{Doing: doing, Elapsed: now.Sub(began)})
			}
		case err := <-done:
			show.done()
			return err
		}
	}
}
