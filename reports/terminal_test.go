package reports

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/harness/measure"
)

var update = flag.Bool("update", false, "write the golden files anew")

var options = TerminalOptions{
	Path: "tokendrill-out/quick-7/report.html",
	Next: "tokendrill run authority-outage    what each pattern does when the authority dies",
}

func terminal(t *testing.T, r *measure.Report, opts TerminalOptions) string {
	t.Helper()
	var b strings.Builder
	require.NoError(t, Terminal(&b, r, opts))
	return b.String()
}

func TestTerminalSaysWhatTheReportHolds(t *testing.T) {
	for _, v := range variants() {
		t.Run(v.name, func(t *testing.T) {
			got := terminal(t, v.report, options)
			file := filepath.Join("testdata", v.name+".txt")
			if *update {
				require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			assert.Equal(t, string(want), got)
			assertFits(t, got)
		})
	}
}

func assertFits(t assert.TestingT, block string) {
	lines := strings.Split(strings.TrimSuffix(block, "\n"), "\n")
	assert.LessOrEqual(t, len(lines), Lines, block)
	for _, l := range lines {
		assert.LessOrEqual(t, utf8.RuneCountInString(l), Columns, l)
	}
}

var escapes = regexp.MustCompile("\x1b\\[[0-9;]*m")

func TestColourChangesNoWord(t *testing.T) {
	for _, v := range variants() {
		opts := options
		opts.Color = true
		coloured := terminal(t, v.report, opts)
		assert.NotEqual(t, terminal(t, v.report, options), coloured)
		assert.Equal(t, terminal(t, v.report, options), escapes.ReplaceAllString(coloured, ""))
	}
}
