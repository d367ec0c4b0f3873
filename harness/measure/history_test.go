package measure

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// written is a small history as a recorder writes it.
func written(t testing.TB, gates ...string) string {
	var file bytes.Buffer
	r, err := NewRecorder(testMeta(gates...), &file)
	require.NoError(t, err)
	events, _ := toys[0].play("k", 3, 5*time.Millisecond, time.Millisecond)
	feed(r, events)
	_, err = r.Report(Run{})
	require.NoError(t, err)
	return file.String()
}

func TestReadHistoryIsStrict(t *testing.T) {
	good := written(t)
	first, _, _ := strings.Cut(good, "\n")
	first += "\n"
	for says, file := range map[string]string{
		"h:1: no complete first line":                                     "",
		"h:1: no complete":                                                `{"kind":"run"`,
		`h:1: first event is "request", want "run" with meta`:             `{"kind":"request","planned":0,"start":0,"end":0}` + "\n",
		`h:1: first event is "run", want "run" with meta`:                 `{"kind":"run","planned":0,"start":0,"end":0}` + "\n",
		`h:1: schema is "x"`:                                              `{"kind":"run","planned":0,"start":0,"end":0,"meta":{"schema":"x"}}` + "\n",
		"h:1: the run has no pattern":                                     `{"kind":"run","planned":0,"start":0,"end":0,"meta":{"schema":"tokendrill.history/v1"}}` + "\n",
		`h:2: parse event: json: unknown field "oops"`:                    first + `{"kind":"request","oops":1}` + "\n",
		"h:2: parse event: more than one value":                           first + `{"kind":"fault"}{}` + "\n",
		"h:2: parse event: invalid character":                             first + "\x00\x01\n",
		"h:2: parse event: EOF":                                           first + "\n",
		`h:2: unknown kind "run"`:                                         first + first,
		`h:2: pattern "nobody" is not one of the run`:                     first + `{"kind":"request","pattern":"nobody"}` + "\n",
		"h:2: ends at 1, before its start 2":                              first + `{"kind":"request","pattern":"cache","start":2,"end":1}` + "\n",
		`h:2: request is listed as "false_accept", but is "false_reject"`: first + `{"kind":"violation","violation":"false_accept","pattern":"cache","verdict":"reject","expect":{"verdict":"accept"}}` + "\n",
		`h:2: a run cannot have ended as "pass"`:                          first + `{"kind":"end","detail":"pass"}` + "\n",
		"h:2: line is over":                                               first + strings.Repeat("x", mostLine+1) + "\n",
	} {
		_, err := ReadHistory(strings.NewReader(file), "h")
		assert.ErrorContains(t, err, says)
	}
}

func TestATruncatedHistoryIsOfAnInterruptedRun(t *testing.T) {
	good := written(t)
	whole, err := ReadHistory(strings.NewReader(good), "h")
	require.NoError(t, err)
	assert.Empty(t, whole.Warnings)
	assert.Empty(t, whole.Ended)

	cut, err := ReadHistory(strings.NewReader(good[:len(good)-20]), "h")
	require.NoError(t, err)
	require.Len(t, cut.Warnings, 1)
	assert.Contains(t, cut.Warnings[0], "the last line is cut off and left out")
	assert.Equal(t, len(whole.Events), len(cut.Events), "what was cut is how it ended")
	report, err := cut.Check()
	require.NoError(t, err)
	assert.Contains(t, report.Warnings, cut.Warnings[0])
	assert.Equal(t, Interrupted, report.Verdict, "a part of a run never passes")
}

func TestCheckRefusesABadGate(t *testing.T) {
	h, err := ReadHistory(strings.NewReader(written(t)), "h")
	require.NoError(t, err)
	h.Meta.Gates = []string{"nonsense <= 1"}
	_, err = h.Check()
	assert.ErrorContains(t, err, "unknown metric nonsense")
}

func TestLoadReportRefusesWhatIsNoReport(t *testing.T) {
	for says, content := range map[string]string{
		"unexpected end of JSON input": "{",
		`schema is "x"`:                `{"schema":"x"}`,
	} {
		path := filepath.Join(t.TempDir(), "report.json")
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		_, err := LoadReport(path)
		assert.ErrorContains(t, err, says)
		assert.ErrorContains(t, err, path)
	}
}

func TestSaveReportLeavesNothingBehindWhenItFails(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "report.json"), 0o700))
	assert.Error(t, SaveReport(filepath.Join(dir, "report.json"), &Report{}))
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, left, 1)
}

func FuzzReadHistory(f *testing.F) {
	good := written(f)
	lines := strings.SplitAfter(good, "\n")
	f.Add([]byte(strings.Join(lines[:12], "")))
	f.Add([]byte(lines[0] + lines[1][:10]))
	f.Add([]byte(lines[0] + `{"kind":"revoke","pattern":"cache","token":"k","status":503,"start":-9,"end":9223372036854775807}` + "\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := ReadHistory(bytes.NewReader(data), "h")
		if err != nil {
			assert.True(t, strings.HasPrefix(err.Error(), "h:"))
			return
		}
		report, err := h.Check()
		if err != nil {
			return
		}
		_, err = json.Marshal(report)
		require.NoError(t, err, "every figure is a number or null")
	})
}
