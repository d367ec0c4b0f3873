package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/chaos"
	"github.com/tokendrill/tokendrill/scenarios"
)

// explained is what explain prints, which has at most 100 columns.
func explained(t *testing.T, kind, name string) string {
	t.Helper()
	code, stdout, stderr := tokendrill("explain", kind, name)
	require.Equal(t, exitPass, code, stderr)
	assertNarrow(t, stdout)
	return stdout
}

func assertNarrow(t *testing.T, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		assert.LessOrEqual(t, utf8.RuneCountInString(strings.TrimSuffix(line, "\n")), columns, line)
	}
}

// example is the YAML at the end of a sheet, as a file that needs nothing else.
func example(t *testing.T, sheet string) []byte {
	t.Helper()
	_, indented, found := strings.Cut(sheet, "In a scenario:\n\n")
	require.True(t, found, sheet)
	var b strings.Builder
	b.WriteString("name: example\nabout: An example.\n")
	for line := range strings.Lines(indented) {
		b.WriteString(strings.TrimPrefix(line, "  "))
	}
	return []byte(b.String())
}

// words are all words of a text, so that it can be found where it was wrapped.
func words(text string) string { return strings.Join(strings.Fields(text), " ") }

func TestEveryFaultIsExplainedWithAnExampleThatParses(t *testing.T) {
	for _, f := range chaos.Catalogue() {
		t.Run(f.Name, func(t *testing.T) {
			sheet := explained(t, "fault", f.Name)
			for _, said := range []string{f.Does, f.Models, f.Source, f.Met, f.Clear} {
				assert.NotEmpty(t, said)
				assert.Contains(t, words(sheet), words(said))
			}
			for _, p := range f.Params {
				assert.Contains(t, sheet, "\n"+p.Name+" ", "a parameter has a line of its own")
			}
			sc, err := scenarios.Parse(example(t, sheet), "example.yaml")
			require.NoError(t, err)
			require.Len(t, sc.Faults, 1)
			assert.Equal(t, f.Name, sc.Faults[0].Name)
			assert.True(t, f.Reversible(sc.Faults[0].Params()), "an example can be undone")
		})
	}
}

func TestEveryStimulusIsExplainedWithAnExampleThatParses(t *testing.T) {
	for _, st := range scenarios.StimulusSpecs() {
		t.Run(st.Name, func(t *testing.T) {
			sheet := explained(t, "stimulus", st.Name)
			for _, said := range []string{st.Does, st.Provokes, st.Source} {
				assert.Contains(t, words(sheet), words(said))
			}
			sc, err := scenarios.Parse(example(t, sheet), "example.yaml")
			require.NoError(t, err)
			require.Len(t, sc.Stimuli, 1)
			assert.Equal(t, st.Name, sc.Stimuli[0].Name)
		})
	}
}

func TestEveryScenarioIsExplainedByItsHeader(t *testing.T) {
	for _, sc := range scenarios.Catalogue() {
		t.Run(sc.Name, func(t *testing.T) {
			sheet := explained(t, "scenario", sc.Name)
			assert.Contains(t, words(sheet), words(sc.About))
			for _, head := range []string{"\nSource: ", "\nExpect: ", "run it    tokendrill run " + sc.Name} {
				assert.Contains(t, sheet, head)
			}
			assert.NotContains(t, sheet, "yaml-language-server")
			for _, f := range sc.Faults {
				assert.Contains(t, sheet, "fault     "+f.Name+" on ")
			}
			for _, gate := range sc.Gates {
				assert.Contains(t, sheet, gate)
			}
		})
	}
}

// A fault with every kind of parameter, which no fault of the catalogue has.
func TestParametersAreToldWithUnitsBoundsAndDefaults(t *testing.T) {
	for _, row := range []struct {
		name   string
		param  chaos.Param
		want   string
		sample string
	}{
		{"a duration", chaos.Param{Unit: chaos.UnitDuration, Min: 1, Max: 5400, Required: true}, "a duration from 1s to 1h30m; required", "1m"},
		{"a duration that is short", chaos.Param{Unit: chaos.UnitDuration, Min: 0.001, Max: 2, Default: "1s"}, "a duration from 1ms to 2s; default 1s", "2s"},
		{"a duration of either sign", chaos.Param{Unit: chaos.UnitDuration, Min: -86400, Max: 86400, Required: true}, "a duration from -24h to 24h; required", "1m"},
		{"a delay", chaos.Param{Unit: chaos.UnitDelay, Min: 0.001, Max: 60, Required: true}, "a duration, or {p50: …, p95: …}, from 1ms to 1m; required", "{p50: 100ms, p95: 300ms}"},
		{"a share", chaos.Param{Unit: chaos.UnitShare, Max: 1, Default: "1"}, "a share of up to 100%, such as 50%; default 100%", "50%"},
		{"a number", chaos.Param{Unit: chaos.UnitNumber, Min: 500, Max: 599, Default: "503"}, "a number from 500 to 599; default 503", "500"},
		{"a number of CPUs", chaos.Param{Name: "cpus", Unit: chaos.UnitNumber, Min: 0.01, Max: 64, Required: true}, "a number from 0.01 to 64; required", "0.1"},
		{"a size", chaos.Param{Unit: chaos.UnitSize, Min: 6 << 20, Max: 64 << 30, Required: true}, "a size from 6MiB to 64GiB; required", "64MiB"},
		{"a text", chaos.Param{Unit: chaos.UnitText}, "a text; default none", "/introspect"},
		{"a call", chaos.Param{Unit: chaos.UnitCall, Default: "none"}, "keys: url and, if need be, method (else POST), headers, body, status; default none", `{url: "http://127.0.0.1:8474/proxies/idp", body: '{"enabled": false}'}`},
		{"a command", chaos.Param{Unit: chaos.UnitCommand, Required: true}, "a list: a program and its arguments; required", "[systemctl, stop, authority]"},
	} {
		t.Run(row.name, func(t *testing.T) {
			assert.Equal(t, row.want, accepts(row.param)+"; "+defaultOf(row.param))
			assert.Equal(t, row.sample, sampleOf(row.param))
		})
	}
}

func TestWhatIsExplainedLooksAsItShould(t *testing.T) {
	for _, row := range []struct{ kind, name string }{{"fault", "link.delay"}, {"fault", "exec"}, {"fault", "call"}, {"fault", "container.memory"}, {"stimulus", "just-expired"}} {
		t.Run(row.kind+" "+row.name, func(t *testing.T) {
			got := explained(t, row.kind, row.name)
			file := filepath.Join("testdata", "explain", row.kind+"-"+row.name+".txt")
			if *update {
				require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
				require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			assert.Equal(t, string(want), got)
		})
	}
}

func TestListsHaveOneNarrowLineForEach(t *testing.T) {
	for _, row := range []struct {
		what  string
		names []string
	}{{"scenarios", scenarioNames()}, {"faults", faultNames()}, {"stimuli", scenarios.StimulusNames()}} {
		code, stdout, stderr := tokendrill("list", row.what)
		require.Equal(t, exitPass, code, stderr)
		assertNarrow(t, stdout)
		var listed []string
		for line := range strings.Lines(stdout) {
			if fields := strings.Fields(line); len(fields) > 0 && fields[0] != "#" {
				listed = append(listed, fields[0])
				assert.Greater(t, len(fields), 1, "%q says nothing", line)
			}
		}
		assert.ElementsMatch(t, row.names, listed, row.what)
	}
}

func TestBriefKeepsWholeSentencesAndClauses(t *testing.T) {
	for _, row := range []struct {
		name, text string
		width      int
		want       string
	}{
		{"a text that fits is left alone", "Short enough. Really.", 21, "Short enough. Really."},
		{"a sentence that fits stands alone", "This is the first. This is the second.", 20, "This is the first"},
		{"a clause before a colon", "Lets nothing pass: requests and dials wait.", 25, "Lets nothing pass"},
		{"a comma, if nothing better fits", "One thing, another thing and many more", 20, "One thing"},
		{"words, if no clause fits", "Something that goes on and on without a stop", 20, "Something that …"},
		{"a clause that says too little is not enough", "So: something that goes on and on", 20, "So: something that …"},
		{"white space is one blank", "a\n  b", 10, "a b"},
		{"columns are not bytes", "ééééé ééééé", 11, "ééééé ééééé"},
	} {
		t.Run(row.name, func(t *testing.T) { assert.Equal(t, row.want, brief(row.text, row.width)) })
	}
}

func TestHeaderIsTheCommentBeforeTheFirstKey(t *testing.T) {
	for _, row := range []struct {
		name, source string
		want         []string
	}{
		{"paragraphs are joined, the line for editors is left out", "# yaml-language-server: $schema=x\n#\n# a\n# b\n#\n# c\nname: x\n# d\n", []string{"a b", "c"}},
		{"no comment is no header", "name: x\n", nil},
		{"an empty file has none", "", nil},
	} {
		t.Run(row.name, func(t *testing.T) { assert.Equal(t, row.want, header([]byte(row.source))) })
	}
}
