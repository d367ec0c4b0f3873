package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/harness/measure"
	"github.com/tokendrill/tokendrill/reports"
)

const documents = "../../"

// block is a fenced block that shows a command line and its output.
var block = regexp.MustCompile("(?ms)^```\n\\$ tokendrill ([^\n]+)\n(.*?)^```$")

// Output in the documents is the program's own. That of a full run differs from
// run to run: it is the rendering of the report in docs/, which such a run has
// left. With -update both are made anew, and a full run takes its minute.
func TestDocuments(t *testing.T) {
	shown := 0
	for _, file := range documentFiles(t) {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		made := block.ReplaceAllStringFunc(string(text), func(found string) string {
			shown++
			call := block.FindStringSubmatch(found)[1]
			return "```\n$ tokendrill " + call + "\n" + output(t, strings.Fields(call)) + "```"
		})
		if *update && made != string(text) {
			require.NoError(t, os.WriteFile(file, []byte(made), 0o644))
			continue
		}
		assert.Equal(t, made, string(text), "%s: run make docs", file)
	}
	assert.Positive(t, shown)
}

func documentFiles(t *testing.T) []string {
	files, err := filepath.Glob(documents + "docs/*.md")
	require.NoError(t, err)
	return append(files, documents+"README.md")
}

// output is what a command line prints.
func output(t *testing.T, args []string) string {
	if args[0] == "run" && !slices.Contains(args, "--dry-run") {
		return fullRun(t, args)
	}
	code, stdout, stderr := tokendrill(args...)
	require.Equal(t, exitPass, code, "%v: %s", args, stderr)
	return stdout + stderr
}

// fullRun renders the report of the last full run, which -update makes now.
func fullRun(t *testing.T, args []string) string {
	scenario := "quick"
	if len(args) > 1 {
		scenario = args[1]
	}
	saved, err := filepath.Abs(documents + "docs/sample-" + scenario + ".json")
	require.NoError(t, err)
	if *update {
		printed := again(t, saved, args)
		require.Equal(t, printed, rendering(t, saved, scenario))
	}
	return rendering(t, saved, scenario)
}

// rendering is what a run prints that has this report.
func rendering(t *testing.T, saved, scenario string) string {
	report, err := measure.LoadReport(saved)
	require.NoError(t, err, "run make docs")
	var out bytes.Buffer
	require.NoError(t, reports.Terminal(&out, report, reports.TerminalOptions{
		Path: filepath.Join(outRoot, scenario+"-7", "report.html"), Next: nextCommand(scenario),
	}))
	return out.String()
}

// again runs in a process of its own, saves the report without what only plots
// need, and returns what was printed.
func again(t *testing.T, saved string, args []string) string {
	c := command(t, args...)
	printed, err := c.Output()
	require.NoError(t, err, "%s", printed)
	found, err := filepath.Glob(filepath.Join(c.Dir, outRoot, "*", "report.json"))
	require.NoError(t, err)
	require.Len(t, found, 1)
	report, err := measure.LoadReport(found[0])
	require.NoError(t, err)
	for i := range report.Patterns {
		p := &report.Patterns[i]
		p.Timeline, p.Latency.Curves = measure.Timeline{}, nil
		for j := range p.Phases {
			p.Phases[j].Latency.Curves = nil
		}
		for g := range p.Revoke.Gateways {
			p.Revoke.Gateways[g].Intervals = nil
		}
	}
	require.NoError(t, measure.SaveReport(saved, report))
	return string(printed)
}

// What the documents show of harnesstest is what its tests run.
func TestDocumentsShowTestsThatRun(t *testing.T) {
	files, err := filepath.Glob(documents + "harness/harnesstest/*_test.go")
	require.NoError(t, err)
	lines := map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for line := range strings.Lines(string(text)) {
			lines[strings.TrimSpace(line)] = true
		}
	}
	shown := 0
	code := regexp.MustCompile("(?ms)^```go\n(.*?)^```$")
	for _, file := range documentFiles(t) {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, found := range code.FindAllStringSubmatch(string(text), -1) {
			if !strings.Contains(found[1], "harnesstest.") {
				continue
			}
			shown++
			for line := range strings.Lines(found[1]) {
				assert.True(t, lines[strings.TrimSpace(line)], "%s: %s", file, line)
			}
		}
	}
	assert.Positive(t, shown)
}

// Commands in the running text exist, with the flags and arguments that it gives them.
func TestDocumentsNameCommandsThatExist(t *testing.T) {
	inline := regexp.MustCompile("`(tokendrill [a-z][^`\n]*)`")
	named := 0
	for _, file := range documentFiles(t) {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, found := range inline.FindAllStringSubmatch(string(text), -1) {
			named++
			accepted(t, rootCommand(), found[1])
		}
	}
	assert.Positive(t, named)
}
