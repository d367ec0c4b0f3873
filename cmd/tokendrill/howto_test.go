//go:build unix

package main

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/fixtures/undisturbed"
)

// claims are what each how-to says in words, to be found in the reports of its runs.
var claims = map[string]func(*carriedOut) error{
	"apache":   cacheLifeIsSeen,
	"nginx":    staleIsServed,
	"glewlwyd": outageLooksLikeABadToken,
}

// The how-tos do what they say with the software of others, and find what they say.
func TestHowtos(t *testing.T) {
	undisturbed.Long(t, "takes two minutes: the software of others, in real time")
	for _, file := range howtoFiles(t) {
		h := loadHowto(t, file)
		t.Run(h.name, func(t *testing.T) {
			if name := h.missing(); name != "" {
				t.Skipf("%s is not installed; make deps-e2e installs it", name)
			}
			t.Parallel()
			done := h.found(t)
			if *update {
				require.NoError(t, os.WriteFile(file, []byte(h.withOutput(done.printed)), 0o644))
				return
			}
			h.eachOutput(done.printed, func(shown howtoBlock, now string) {
				assert.Equal(t, heads(now), heads(shown.body), "run make docs")
			})
		})
	}
}

// found carries it out until it finds what it says, as a busy machine may get in its way.
func (h howto) found(t *testing.T) (done *carriedOut) {
	require.Contains(t, claims, h.name)
	undisturbed.Again(t, func(t *undisturbed.Attempt) {
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
		defer cancel()
		var err error
		done, err = h.carryOut(ctx, workplace(t))
		require.NoError(t, err)
		require.NoError(t, claims[h.name](done))
	})
	return done
}

// workplace is an empty folder that the servers' own users may enter.
func workplace(t testing.TB) string {
	dir, err := os.MkdirTemp("", "tokendrill-howto-")
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, os.RemoveAll(dir)) })
	require.NoError(t, os.Chmod(dir, 0o755))
	return dir
}

func howtoFiles(t *testing.T) []string {
	files, err := filepath.Glob(documents + "docs/targets/*.md")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	return files
}

// make deps-e2e installs what the how-tos ask for.
func TestHowtosNameTheirPackages(t *testing.T) {
	makefile, err := os.ReadFile(documents + "Makefile")
	require.NoError(t, err)
	listed := regexp.MustCompile(`(?m)^E2E_PACKAGES := (.+)$`).FindSubmatch(makefile)
	require.NotNil(t, listed)
	var asked []string
	for _, file := range howtoFiles(t) {
		packages := loadHowto(t, file).packages()
		assert.NotEmpty(t, packages, file)
		asked = append(asked, packages...)
	}
	slices.Sort(asked)
	assert.Equal(t, slices.Compact(asked), strings.Fields(string(listed[1])))
}

// Their command lines are right, whether or not the software is there to run them with.
func TestHowtosCallCommandsThatExist(t *testing.T) {
	call := regexp.MustCompile(`(?m)^tokendrill [^>|&\n]+`)
	for _, file := range howtoFiles(t) {
		named := 0
		for _, b := range loadHowto(t, file).blocks {
			if b.language != "sh" {
				continue
			}
			for _, line := range call.FindAllString(b.body, -1) {
				named++
				accepted(t, rootCommand(), line)
			}
		}
		assert.Positive(t, named, file)
	}
}
