package chaos

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// openJournal opens a journal in a folder of its own.
func openJournal(t *testing.T) (*Journal, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "state")
	j, err := OpenJournal(dir, DefaultLease, time.Now)
	require.NoError(t, err)
	return j, dir
}

// byCommand is an entry that a command undoes.
func byCommand(t *testing.T, argv ...string) Entry {
	t.Helper()
	spec, _ := Find("exec")
	e, err := NewEntry(spec, Params{Inject: []string{"true"}, Heal: argv}, "", time.Now())
	require.NoError(t, err)
	return e
}

// die leaves the journal as the death of its owner would.
func (j *Journal) die() {
	close(j.stop)
	j.ended.Wait()
	j.f.Close()
}

// recoverAll plays all journals of a folder and returns what was undone, in order.
func recoverAll(t *testing.T, dir string) (undone []string, err error) {
	t.Helper()
	paths, err := Journals(dir)
	require.NoError(t, err)
	for _, path := range paths {
		l, failed := Recover(t.Context(), path)
		if failed == nil {
			failed = l.Undo(t.Context(), func(e Entry, err error) {
				word := e.Fault + " " + e.Where
				if err != nil {
					word += " failed"
				}
				undone = append(undone, word)
			})
			l.Close()
		}
		err = errors.Join(err, failed)
	}
	return undone, err
}

func TestAJournalIsOnTheDiskBeforeTheFault(t *testing.T) {
	j, dir := openJournal(t)
	defer j.Close()
	id, err := j.Begin(byCommand(t, "true", "a\nb"))
	require.NoError(t, err)
	paths, err := Journals(dir)
	require.NoError(t, err)
	require.Len(t, paths, 1)
	data, err := os.ReadFile(paths[0])
	require.NoError(t, err)
	rec, err := parseJournal(data)
	require.NoError(t, err)
	assert.Equal(t, os.Getpid(), rec.PID)
	require.Len(t, rec.entries, 1)
	assert.Equal(t, []string{which(t, "true"), "a\nb"}, rec.entries[0].Heal)
	assert.Empty(t, rec.healed)
	info, err := os.Stat(paths[0])
	require.NoError(t, err)
	assert.Equal(t, fs.FileMode(0o600), info.Mode())
	require.NoError(t, j.Healed(id))
}

func TestAJournalGoesWhenAllIsHealed(t *testing.T) {
	j, dir := openJournal(t)
	for range 2 {
		id, err := j.Begin(byCommand(t, "true"))
		require.NoError(t, err)
		require.NoError(t, j.Healed(id))
	}
	require.NoError(t, j.Close())
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, left)
}

func TestADeadOwnersFaultsAreUndoneTheLatestFirst(t *testing.T) {
	j, dir := openJournal(t)
	order := filepath.Join(t.TempDir(), "order")
	for _, name := range []string{"a", "b", "c", "d"} {
		e := byCommand(t, sh(`echo "$1" >> "$2"`, name, order)...)
		if e.Where = name; name == "d" {
			e.Undo, e.Heal, e.Dir = UndoProcess, nil, ""
		}
		id, err := j.Begin(e)
		require.NoError(t, err)
		if name == "b" {
			require.NoError(t, j.Healed(id))
		}
	}
	_, err := recoverAll(t, dir)
	require.ErrorIs(t, err, ErrAlive, "its owner undoes by itself")
	assert.NoFileExists(t, order)

	j.die()
	undone, err := recoverAll(t, dir)
	require.NoError(t, err)
	assert.Equal(t, []string{"exec d", "exec c", "exec a"}, undone)
	ran, err := os.ReadFile(order)
	require.NoError(t, err)
	assert.Equal(t, "c\na\n", string(ran))

	undone, err = recoverAll(t, dir)
	require.NoError(t, err)
	assert.Empty(t, undone, "healing again does nothing")
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, left)
}

func TestWhatCannotBeUndoneStaysAndTheRestIsNotUndoneTwice(t *testing.T) {
	j, dir := openJournal(t)
	work := t.TempDir()
	first := byCommand(t, sh(`echo x >> "$1/first"`, work)...)
	first.Where = "first"
	second := byCommand(t, sh(`test -e "$1/key"`, work)...)
	second.Where = "second"
	for _, e := range []Entry{first, second} {
		_, err := j.Begin(e)
		require.NoError(t, err)
	}
	require.NoError(t, j.Close(), "a journal with faults in place stays")

	undone, err := recoverAll(t, dir)
	require.ErrorContains(t, err, "1 fault is left in place")
	assert.Equal(t, []string{"exec second failed", "exec first"}, undone, "one that fails does not keep the others")

	require.NoError(t, os.WriteFile(filepath.Join(work, "key"), nil, 0o600))
	undone, err = recoverAll(t, dir)
	require.NoError(t, err)
	assert.Equal(t, []string{"exec second"}, undone)
	ran, err := os.ReadFile(filepath.Join(work, "first"))
	require.NoError(t, err)
	assert.Equal(t, "x\n", string(ran))
}

// A process may die in the middle of writing a line: then its fault was not
// injected, and what follows must not go on in that line.
func TestALineThatWasNotFinishedDoesNotCount(t *testing.T) {
	j, dir := openJournal(t)
	_, err := j.Begin(byCommand(t, "false"))
	require.NoError(t, err)
	_, err = j.f.WriteString(`{"inject":{"fault":"exec","he`)
	require.NoError(t, err)
	j.die()
	for range 2 {
		undone, err := recoverAll(t, dir)
		require.ErrorContains(t, err, "1 fault is left in place")
		assert.Equal(t, []string{"exec  failed"}, undone)
	}
}

func TestAJournalThatOthersCouldHaveWrittenIsRefused(t *testing.T) {
	ran := filepath.Join(t.TempDir(), "ran")
	for _, row := range []struct {
		name  string
		spoil func(t *testing.T, dir, path string)
		says  string
	}{
		{"the file is open to the group", func(t *testing.T, _, path string) { require.NoError(t, os.Chmod(path, 0o660)) }, "others could have written commands into it"},
		{"the file can be read by others", func(t *testing.T, _, path string) { require.NoError(t, os.Chmod(path, 0o604)) }, "has mode"},
		{"the folder is open to all", func(t *testing.T, dir, _ string) { require.NoError(t, os.Chmod(dir, 0o777)) }, "others could have written commands into it"},
		{"the file is a link", func(t *testing.T, dir, path string) {
			elsewhere := filepath.Join(t.TempDir(), "x")
			require.NoError(t, os.Rename(path, elsewhere))
			require.NoError(t, os.Symlink(elsewhere, path))
		}, "too many levels of symbolic links"},
		{"the file belongs to somebody else", func(t *testing.T, _, path string) {
			if os.Chown(path, 65534, 65534) != nil {
				t.Skip("only root can give files away")
			}
		}, "belongs to another user"},
		{"the file is a pipe", func(t *testing.T, _, path string) {
			require.NoError(t, os.Remove(path))
			_, err := runCommand(t.Context(), "", []string{"mkfifo", "-m", "600", path}, commandTimeout)
			require.NoError(t, err)
		}, "not a file"},
	} {
		t.Run(row.name, func(t *testing.T) {
			j, dir := openJournal(t)
			_, err := j.Begin(byCommand(t, "touch", ran))
			require.NoError(t, err)
			j.die()
			row.spoil(t, dir, j.path)
			l, err := Recover(t.Context(), j.path)
			require.ErrorContains(t, err, row.says)
			assert.Nil(t, l)
			assert.NoFileExists(t, ran)
		})
	}
}

func TestAFolderThatIsNotThereHasNoJournals(t *testing.T) {
	paths, err := Journals(filepath.Join(t.TempDir(), "none"))
	require.NoError(t, err)
	assert.Empty(t, paths)
	open := filepath.Join(t.TempDir(), "open")
	require.NoError(t, os.Mkdir(open, 0o777))
	require.NoError(t, os.Chmod(open, 0o777))
	_, err = Journals(open)
	require.ErrorContains(t, err, "others could have written")
	_, err = OpenJournal(open, DefaultLease, time.Now)
	require.ErrorContains(t, err, "others could have written")
}

func TestOneAtATimeUndoes(t *testing.T) {
	j, dir := openJournal(t)
	_, err := j.Begin(byCommand(t, "true"))
	require.NoError(t, err)
	j.die()
	l, err := Recover(t.Context(), j.path)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 3*watchEvery)
	defer cancel()
	_, err = Recover(ctx, j.path)
	require.ErrorIs(t, err, context.DeadlineExceeded, "the second waits")
	require.NoError(t, l.Undo(t.Context(), func(Entry, error) {}))
	l.Close()
	_, err = Recover(t.Context(), j.path)
	require.ErrorIs(t, err, os.ErrNotExist)
	assert.DirExists(t, dir)
}

func TestHowManyFaultsAreLeftIsSaidInGoodEnglish(t *testing.T) {
	for _, row := range []struct {
		faults int
		want   string
	}{
		{1, "undo journal j: 1 fault is left in place; heal again, or mend it by hand and delete the journal"},
		{2, "undo journal j: 2 faults are left in place; heal again, or mend them by hand and delete the journal"},
	} {
		assert.EqualError(t, &LeftError{Path: "j", Faults: row.faults}, row.want)
	}
}
