package main

import (
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/fixtures/traffic"
	"github.com/tokendrill/tokendrill/fixtures/undisturbed"
	"github.com/tokendrill/tokendrill/scenarios"
)

// eachCommand calls f for every command, those that cobra adds left out.
func eachCommand(c *cobra.Command, f func(*cobra.Command)) {
	f(c)
	for _, sub := range c.Commands() {
		if sub.Name() != "completion" && sub.Name() != "help" {
			eachCommand(sub, f)
		}
	}
}

// Every command has examples, and every example is a command line that tokendrill
// takes: its command, flags and number of arguments are right.
func TestExamplesAreCommandLines(t *testing.T) {
	eachCommand(rootCommand(), func(c *cobra.Command) {
		assert.NotEmpty(t, c.Example, "%s has no example", c.CommandPath())
		assert.NotEmpty(t, c.Short, c.CommandPath())
		for line := range strings.Lines(c.Example) {
			assert.True(t, strings.HasPrefix(line, "  "), "%q is not indented", line)
			assert.LessOrEqual(t, len(line), 100)
			accepted(t, c, strings.TrimSpace(line))
		}
	})
}

// accepted parses the part of a shell line that calls tokendrill.
func accepted(t *testing.T, of *cobra.Command, line string) {
	t.Helper()
	i := strings.Index(line, "tokendrill ")
	require.True(t, i == 0 || i > 0 && strings.HasSuffix(line[:i], "| "), "%q does not call tokendrill", line)
	call, _, _ := strings.Cut(line[i:], " | ")
	call, _, _ = strings.Cut(call, " > ")
	root := rootCommand()
	c, words, err := root.Find(strings.Fields(call)[1:])
	require.NoError(t, err, line)
	require.NoError(t, c.ParseFlags(words), line)
	require.NoError(t, c.ValidateArgs(c.Flags().Args()), line)
	if of.Runnable() && !of.HasSubCommands() {
		assert.Equal(t, of.CommandPath(), c.CommandPath(), "%q is an example of another command", line)
	}
}

// The examples of run plan what they say; those files that they name exist here.
func TestExamplesOfRunPlan(t *testing.T) {
	undisturbed.Long(t, "planning whole scenarios takes seconds")
	t.Chdir(t.TempDir())
	code, _, stderr := tokendrill("synth", "--duration", "2s", "--out", "rec.ndjson.gz")
	require.Equal(t, exitPass, code, stderr)
	target, err := scenarios.Preset(scenarios.GenericPreset)
	require.NoError(t, err)
	target = append(target, "\nfaults: [{name: authority.outage, inject: [a], heal: [b]}]\n"...)
	require.NoError(t, os.WriteFile("staging.yaml", target, 0o600))
	for line := range strings.Lines(runCommand().Example) {
		code, stdout, stderr := tokendrill(append(strings.Fields(line)[1:], "--dry-run")...)
		assert.Equal(t, exitPass, code, "%s%s", line, stderr)
		assert.Contains(t, stdout, "digest ")
	}
}

// docs/recording.md says how the embedded sample was made.
func TestTheSampleIsSynthWithSeed8(t *testing.T) {
	code, stdout, stderr := tokendrill("synth", "--seed", "8", "--out", "-")
	require.Equal(t, exitPass, code, stderr)
	made, err := traffic.Load(strings.NewReader(stdout), "synth")
	require.NoError(t, err)
	sample, err := traffic.Sample()
	require.NoError(t, err)
	assert.Equal(t, sample.Digest, made.Digest)
}
