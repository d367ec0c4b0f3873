//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/harness/measure"
)

// howto is a document that a reader carries out in an empty folder. Its fenced
// blocks say what to do: "```LANGUAGE file=NAME" is a file to write, "```sh" is for
// the shell, and "```text" below it is what the shell printed.
type howto struct {
	name   string // of the document, without .md
	text   string
	blocks []howtoBlock
}

type howtoBlock struct {
	language string
	file     string // what to write it to, if it is a file
	body     string
	from, to int // where the body is in the text
}

var (
	fence       = regexp.MustCompile("(?ms)^```([a-z]+)(?: file=(\\S+))?\n(.*?)^```$")
	howtoPort   = regexp.MustCompile(`\b76\d\d\b`)
	packageLine = regexp.MustCompile(`(?m)^# apt-get install (.+)$`)
)

func loadHowto(t *testing.T, file string) howto {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	h := howto{name: strings.TrimSuffix(filepath.Base(file), ".md"), text: string(text)}
	for _, m := range fence.FindAllStringSubmatchIndex(h.text, -1) {
		b := howtoBlock{language: h.text[m[2]:m[3]], body: h.text[m[6]:m[7]], from: m[6], to: m[7]}
		if m[4] >= 0 {
			b.file = h.text[m[4]:m[5]]
		}
		h.blocks = append(h.blocks, b)
	}
	return h
}

// packages are what it asks to be installed.
func (h howto) packages() (out []string) {
	for _, m := range packageLine.FindAllStringSubmatch(h.text, -1) {
		out = append(out, strings.Fields(m[1])...)
	}
	return out
}

// missing is the first of its packages that is not installed here.
func (h howto) missing() string {
	for _, name := range h.packages() {
		status, err := exec.Command("dpkg-query", "--show", "--showformat", "${db:Status-Status}", name).Output()
		if err != nil || string(status) != "installed" {
			return name
		}
	}
	return ""
}

// ports are the document's ports, each with one that is free here: itself, or
// one in later hundreds.
func (h howto) ports() (map[string]string, error) {
	out := map[string]string{}
	for _, documented := range howtoPort.FindAllString(h.text, -1) {
		if out[documented] != "" {
			continue
		}
		port, err := strconv.Atoi(documented)
		for ; err == nil && port < 1<<15 && !free(port); port += 100 {
		}
		if err != nil || port >= 1<<15 {
			return nil, fmt.Errorf("no port is free for %s", documented)
		}
		out[documented] = strconv.Itoa(port)
	}
	return out, nil
}

func free(port int) bool {
	ln, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return false
	}
	return ln.Close() == nil
}

// carriedOut is what came of a how-to.
type carriedOut struct {
	dir     string
	printed []string // by each of its blocks for the shell
	reports map[string]*measure.Report
}

// carryOut does what the document says. Whatever it has started is gone in the end.
func (h howto) carryOut(ctx context.Context, dir string) (*carriedOut, error) {
	ports, err := h.ports()
	if err != nil {
		return nil, err
	}
	here := func(s string) string {
		return howtoPort.ReplaceAllStringFunc(s, func(p string) string { return ports[p] })
	}
	script := "set -eu\n"
	shells := 0
	for _, b := range h.blocks {
		switch {
		case b.file != "":
			if err := os.WriteFile(filepath.Join(dir, b.file), []byte(here(b.body)), 0o644); err != nil {
				return nil, err
			}
		case b.language == "sh":
			script += fmt.Sprintf("exec >printed.%d 2>>stderr </dev/null\n%s", shells, here(b.body))
			shells++
		}
	}
	runErr := shell(ctx, dir, script)
	out := &carriedOut{dir: dir, reports: map[string]*measure.Report{}}
	for i := range shells {
		printed, _ := os.ReadFile(filepath.Join(dir, fmt.Sprintf("printed.%d", i))) // none if it did not come so far
		text := string(printed)
		for documented, port := range ports {
			text = strings.ReplaceAll(text, ":"+port, ":"+documented)
		}
		out.printed = append(out.printed, text)
	}
	if runErr != nil {
		told, _ := os.ReadFile(filepath.Join(dir, "stderr"))
		return out, fmt.Errorf("%w\n%s--\n%s", runErr, strings.Join(out.printed, "--\n"), told)
	}
	return out, out.load()
}

// shell runs a script in a bash with a process group of its own, and ends with it
// what it has left running.
func shell(ctx context.Context, dir, script string) error {
	c := exec.CommandContext(ctx, "bash", "-c", script)
	c.Dir = dir
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGTERM) }
	c.WaitDelay = 5 * time.Second
	if err := c.Start(); err != nil {
		return err
	}
	err := c.Wait()
	group := -c.Process.Pid
	_ = syscall.Kill(group, syscall.SIGCONT) // a fault may have stopped it
	_ = syscall.Kill(group, syscall.SIGTERM)
	for range 50 {
		if errors.Is(syscall.Kill(group, 0), syscall.ESRCH) {
			return err
		}
		time.Sleep(100 * time.Millisecond)
	}
	_ = syscall.Kill(group, syscall.SIGKILL)
	return err
}

// load reads the reports that the runs have left, by the name of their folder.
func (c *carriedOut) load() error {
	files, err := filepath.Glob(filepath.Join(c.dir, outRoot, "*", "report.json"))
	for _, file := range files {
		r, failed := measure.LoadReport(file)
		err = errors.Join(err, failed)
		c.reports[filepath.Base(filepath.Dir(file))] = r
	}
	return err
}

// eachOutput calls f for each block of output, with what was printed now in its place.
func (h howto) eachOutput(printed []string, f func(shown howtoBlock, now string)) {
	shells := 0
	for _, b := range h.blocks {
		switch b.language {
		case "sh":
			shells++
		case "text":
			f(b, printed[shells-1])
		}
	}
}

// withOutput is the document with what was printed now.
func (h howto) withOutput(printed []string) string {
	var out strings.Builder
	at := 0
	h.eachOutput(printed, func(shown howtoBlock, now string) {
		out.WriteString(h.text[at:shown.from] + now)
		at = shown.to
	})
	return out.String() + h.text[at:]
}

// heads are the first words of lines: what a person finds their way by, without
// any figure.
func heads(text string) (out []string) {
	for line := range strings.Lines(text) {
		if head, _, _ := strings.Cut(line, " "); strings.TrimSpace(head) != "" {
			out = append(out, strings.TrimSpace(head))
		}
	}
	return out
}
