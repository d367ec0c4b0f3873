package chaos

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sh is a command of a shell; $1 and so on are the words.
func sh(script string, words ...string) []string {
	return append([]string{"sh", "-c", script, "sh"}, words...)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func TestExecBreaksAndMendsWithEvidence(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "broken")
	in, err := Exec{Break: []string{"touch", broken}, Mend: []string{"rm", broken}}.Inject(t.Context(), Target{})
	require.NoError(t, err)
	assert.FileExists(t, broken)
	assert.EqualValues(t, 1, in.Met(), "the inject command ended well")
	assert.Zero(t, in.Clear())

	require.NoError(t, in.Heal(t.Context()))
	assert.NoFileExists(t, broken)
	assert.EqualValues(t, 1, in.Clear(), "the heal command ended well")
}

func TestAHealCommandThatFailsIsNoEvidence(t *testing.T) {
	in, err := Exec{Break: []string{"true"}, Mend: sh("echo 'no  such'; echo rule >&2; exit 3")}.Inject(t.Context(), Target{})
	require.NoError(t, err)
	require.EqualError(t, in.Heal(t.Context()), `heal: sh: exit status 3, it said "no such rule"`)
	assert.Zero(t, in.Clear())
}

func TestAnInjectCommandThatFailsLeavesNothing(t *testing.T) {
	for _, row := range []struct {
		name   string
		inject []string
		heal   []string
		says   string
		healed bool // the heal command ran
		left   bool
	}{
		{"half of it happened: it is mended", sh(`touch "$1"; exit 1`, "F"), sh(`rm "$1"; touch "$1.healed"`, "F"), "inject: sh: exit status 1", true, false},
		{"it cannot be mended: it is left", sh(`touch "$1"; exit 1`, "F"), sh("exit 2"), "inject: sh: exit status 1; heal: sh: exit status 2; it may still be in place", false, true},
		{"there is nothing to mend it with: it is left", []string{"false"}, nil, "inject: false: exit status 1; nothing heals it; it may still be in place", false, true},
		{"there is no such program: nothing happened", []string{"no-such-program"}, sh(`touch "$1.healed"`, "F"), `inject: exec: "no-such-program": executable file not found in $PATH`, false, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "broken")
			here := func(argv []string) []string {
				out := append([]string(nil), argv...)
				for i := range out {
					if out[i] == "F" {
						out[i] = file
					}
				}
				return out
			}
			_, err := Exec{Break: here(row.inject), Mend: here(row.heal)}.Inject(t.Context(), Target{})
			require.EqualError(t, err, row.says)
			assert.Equal(t, row.left, isLeft(err))
			assert.Equal(t, row.healed, exists(file+".healed"))
			assert.Equal(t, row.left && len(row.heal) > 0, exists(file))
		})
	}
}

func isLeft(err error) bool { return err != nil && strings.Contains(err.Error(), ErrLeft.Error()) }

// A fault that is interrupted in the middle is taken back, although its context
// has ended.
func TestAnInterruptedInjectIsTakenBack(t *testing.T) {
	file := filepath.Join(t.TempDir(), "broken")
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for !exists(file) {
			time.Sleep(time.Millisecond)
		}
		cancel()
	}()
	_, err := Exec{Break: sh(`touch "$1"; sleep 60; touch "$1.more"`, file), Mend: []string{"rm", file}}.Inject(ctx, Target{})
	require.ErrorIs(t, err, context.Canceled)
	assert.NotErrorIs(t, err, ErrLeft)
	assert.NoFileExists(t, file)
}

// What a command starts is ended with it, and a process that it leaves behind on
// purpose does not hold the run up.
func TestCommandsEndInTime(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	began, err := runCommand(ctx, dir, sh("(sleep 4; touch late) & sleep 60"), commandTimeout)
	assert.True(t, began)
	require.EqualError(t, err, "sh: took too long and was ended")

	start := time.Now()
	_, err = runCommand(t.Context(), dir, sh("sleep 10 & exit 0"), commandTimeout)
	require.NoError(t, err)
	assert.Less(t, time.Since(start), 8*time.Second)
	time.Sleep(time.Until(start.Add(2500 * time.Millisecond))) // the other would have been late by now
	assert.NoFileExists(t, filepath.Join(dir, "late"))
}

func TestOutputInErrorsIsBoundedAndPlain(t *testing.T) {
	_, err := runCommand(t.Context(), "", sh(`printf 'a\033[31m\nb\377\0'; head -c 100000 /dev/zero | tr '\0' x; exit 1`), commandTimeout)
	require.Error(t, err)
	assert.Less(t, len(err.Error()), 2*maxOutput)
	assert.Contains(t, err.Error(), `sh: exit status 1, it said "a\x1b[31m b?\x00xxx`)
}

func TestOnlyWhatActsOnAHostAndIsNotHealedIsIrreversible(t *testing.T) {
	for _, s := range Catalogue() {
		onHost := s.Name == "exec" || s.Name == "call"
		assert.Equal(t, onHost || strings.HasPrefix(s.Name, "container."), s.Outlives(), s.Name)
		assert.Equal(t, !onHost, s.Reversible(Params{}), s.Name)
	}
	s, _ := Find("exec")
	assert.True(t, s.Reversible(Params{Heal: []string{"true"}}))
	assert.NoError(t, s.Check(Params{Inject: []string{"true"}}))
	assert.Error(t, s.Check(Params{Heal: []string{"true"}}), "there is nothing to inject")
	assert.Error(t, s.Check(Params{Inject: []string{"true"}, Share: 0.5}))
}

// A heal command must mean the same later, elsewhere.
func TestAnEntrySaysWhatToRunFromAnywhere(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "mend"), []byte("#!/bin/sh\n"), 0o700))
	t.Chdir(dir)
	spec, _ := Find("exec")
	for _, row := range []struct {
		name         string
		inject, heal []string
		want         []string
		says         string
	}{
		{"a program by its path from here", []string{"true"}, []string{"./mend", "x"}, []string{filepath.Join(dir, "mend"), "x"}, ""},
		{"a program in PATH", []string{"true"}, []string{"sh"}, []string{which(t, "sh")}, ""},
		{"no such program to mend with", []string{"true"}, []string{"./gone"}, nil, "heal command: "},
		{"no such program to break with", []string{"./gone"}, []string{"./mend"}, nil, "inject command: "},
	} {
		t.Run(row.name, func(t *testing.T) {
			e, err := NewEntry(spec, Params{Inject: row.inject, Heal: row.heal}, "", time.Now())
			if row.says != "" {
				require.ErrorContains(t, err, row.says)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, row.want, e.Heal)
			assert.Equal(t, dir, e.Dir)
			assert.Equal(t, UndoCommand, e.Undo)
			require.NoError(t, e.check())
		})
	}
	e, err := NewEntry(spec, Params{Inject: []string{"true"}}, "", time.Now())
	require.NoError(t, err)
	assert.Equal(t, UndoNone, e.Undo)
	cut, _ := Find("link.cut")
	e, err = NewEntry(cut, Params{}, "gateway-authority", time.Now())
	require.NoError(t, err)
	assert.Equal(t, UndoProcess, e.Undo)
}

func which(t *testing.T, program string) string {
	t.Helper()
	argv, err := absolute([]string{program})
	require.NoError(t, err, fmt.Sprint(program))
	return argv[0]
}
