package chaos

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const goodHead = `{"head":{"schema":"tokendrill.undo/v1","pid":7,"started":"2026-01-02T03:04:05Z","lease":5000000000}}` + "\n"

func TestJournalsThatAreNotOursAreRefused(t *testing.T) {
	for _, row := range []struct{ name, text, says string }{
		{"nothing", "", "line 1: no head"},
		{"a head that is cut off", goodHead[:40], "line 1: no head"},
		{"a head of another schema", strings.Replace(goodHead, "/v1", "/v2", 1), "line 1: out of place"},
		{"two heads", goodHead + goodHead, "line 2: out of place"},
		{"no JSON", goodHead + "rm -rf /\n", "line 2: not of an undo journal"},
		{"an unknown key", goodHead + `{"id":1,"inject":{"fault":"exec","undo":"process","sh":"x"}}` + "\n", "line 2: not of an undo journal"},
		{"more after the object", goodHead + `{"id":1,"healed":true} {}` + "\n", "line 2: goes on"},
		{"an id out of turn", goodHead + `{"id":2,"inject":{"fault":"exec","undo":"process"}}` + "\n", "line 2: out of place"},
		{"a fault healed that was not injected", goodHead + `{"id":1,"healed":true}` + "\n", "line 2: out of place"},
		{"an undo that is not known", goodHead + `{"id":1,"inject":{"fault":"exec","undo":"magic"}}` + "\n", `line 2: undo "magic"`},
		{"a command beside another undo", goodHead + `{"id":1,"inject":{"fault":"exec","undo":"process","heal":["/bin/rm"]}}` + "\n", `line 2: undo "process" with a command`},
		{"a program without its path", goodHead + `{"id":1,"inject":{"fault":"exec","undo":"command","heal":["rm"],"dir":"/"}}` + "\n", "line 2: a heal command without"},
		{"a folder without its path", goodHead + `{"id":1,"inject":{"fault":"exec","undo":"command","heal":["/bin/rm"],"dir":"x"}}` + "\n", "line 2: a heal command without"},
		{"a command that may take for ever", goodHead + `{"id":1,"inject":{"fault":"exec","undo":"command","heal":["/bin/rm"],"dir":"/","within":3600000000000}}` + "\n", "line 2: a heal command that may take 1h0m0s"},
		{"a time for no command", goodHead + `{"id":1,"inject":{"fault":"exec","undo":"process","within":5}}` + "\n", `line 2: undo "process" with a command`},
		{"a command without words", goodHead + `{"id":1,"inject":{"fault":"exec","undo":"command","heal":[],"dir":"/"}}` + "\n", "line 2: a heal command without"},
		{"no call", goodHead + `{"id":1,"inject":{"fault":"call","undo":"call"}}` + "\n", "line 2: no heal call"},
		{"a call that is none", goodHead + `{"id":1,"inject":{"fault":"call","undo":"call","call":{"url":"x"}}}` + "\n", "line 2: heal call: url is not the URL of an HTTP request"},
		{"a call with a secret", goodHead + `{"id":1,"inject":{"fault":"call","undo":"call","call":{"url":"http://localhost","headers":{"Cookie":"x"}}}}` + "\n", "line 2: heal call: headers.Cookie is a literal secret"},
		{"an unknown key in a call", goodHead + `{"id":1,"inject":{"fault":"call","undo":"call","call":{"url":"http://localhost","proxy":"x"}}}` + "\n", "line 2: not of an undo journal"},
		{"a call beside a command", goodHead + `{"id":1,"inject":{"fault":"exec","undo":"command","heal":["/bin/rm"],"dir":"/","call":{"url":"http://localhost"}}}` + "\n", `line 2: undo "command" with`},
		{"hosts without a call", goodHead + `{"id":1,"inject":{"fault":"exec","undo":"process","hosts":[]}}` + "\n", `line 2: undo "process" with`},
		{"more than a journal can hold", goodHead + strings.Repeat("\n", maxJournal), "over 1048576 bytes"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := parseJournal([]byte(row.text))
			require.ErrorContains(t, err, row.says)
		})
	}
}

// What undoes a fault of containers only its stage knows.
func TestAFaultOfContainersIsUndoneByTheSweepOfItsStage(t *testing.T) {
	spec, _ := Find("container.pause")
	require.True(t, spec.Outlives())
	require.True(t, spec.Reversible(Params{}))
	e, err := NewEntry(spec, Params{}, "authority", time.Now())
	require.NoError(t, err)
	require.Equal(t, UndoNone, e.Undo, "nothing is known yet")
	require.NoError(t, e.check())

	_, err = e.SweptBy([]string{"no-such-program"})
	require.ErrorContains(t, err, "sweep command: ")

	swept := filepath.Join(t.TempDir(), "swept")
	e, err = e.SweptBy([]string{"touch", swept})
	require.NoError(t, err)
	require.NoError(t, e.check(), "a journal that holds it can be read")
	require.True(t, e.outlives())
	require.NoError(t, e.undo(t.Context()))
	require.FileExists(t, swept)

	e, err = e.SweptBy(sh("sleep 60"))
	require.NoError(t, err)
	require.Greater(t, e.Within, commandTimeout, "a stage has two dozen containers")
	e.Within = 50 * time.Millisecond
	require.ErrorContains(t, e.undo(t.Context()), "took too long and was ended")
}

// FuzzParseJournal: whatever a file holds, what is taken from it could have been
// written by a run, and is the same when it is written again.
func FuzzParseJournal(f *testing.F) {
	f.Add([]byte(goodHead))
	f.Add([]byte(goodHead + `{"id":1,"inject":{"fault":"exec","where":"","at":"2026-01-02T03:04:05Z","undo":"command","heal":["/bin/rm","x"],"dir":"/"}}` + "\n" + `{"id":1,"healed":true}` + "\n"))
	f.Add([]byte(goodHead + `{"id":1,"inject":{"fault":"container.kill","where":"registry","at":"2026-01-02T03:04:05Z","undo":"command","heal":["/bin/td"],"dir":"/","within":60000000000}}` + "\n"))
	f.Add([]byte(goodHead + `{"id":1,"inject":{"fault":"call","undo":"call","call":{"method":"PUT","url":"http://localhost/${A}","headers":{"A":"b"},"body":"c","status":[204]},"hosts":["d"]}}` + "\n"))
	f.Add([]byte(goodHead + `{"id":1,"inject":{"fault":"link.cut","undo":"process"}}` + "\n{\"id\":2,"))
	f.Fuzz(func(t *testing.T, data []byte) {
		rec, err := parseJournal(data)
		if err != nil {
			return
		}
		var again bytes.Buffer
		write := func(l line) {
			text, err := l.encode()
			require.NoError(t, err)
			again.Write(text)
		}
		write(line{Head: &rec.journalHead})
		for i, e := range rec.entries {
			require.NoError(t, e.check())
			if e.Undo == UndoCommand {
				require.True(t, filepath.IsAbs(e.Heal[0]))
			}
			write(line{ID: i + 1, Inject: &e})
		}
		for id := range rec.healed {
			require.LessOrEqual(t, id, len(rec.entries))
			write(line{ID: id, Healed: true})
		}
		same, err := parseJournal(again.Bytes())
		require.NoError(t, err)
		require.Equal(t, rec, same)
	})
}
