package chaos

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// watchSelf starts a watchdog over the journals of this process; what it has done
// comes when it ends.
func watchSelf(t *testing.T, dir string) <-chan error {
	ended := make(chan error, 1)
	go func() { ended <- Watch(t.Context(), dir, os.Getpid(), func(Entry, error) {}) }()
	return ended
}

func TestAWatchdogOverNothingEndsAtOnce(t *testing.T) {
	require.NoError(t, Watch(t.Context(), filepath.Join(t.TempDir(), "none"), 1, nil))
	j, dir := openJournal(t)
	defer j.Close()
	require.NoError(t, Watch(t.Context(), dir, os.Getpid()+1, nil), "the journal is another process'")
}

func TestAWatchdogEndsQuietlyWithItsRun(t *testing.T) {
	j, dir := openJournal(t)
	ran := filepath.Join(t.TempDir(), "ran")
	ended := watchSelf(t, dir)
	id, err := j.Begin(byCommand(t, "touch", ran))
	require.NoError(t, err)
	require.NoError(t, j.Healed(id))
	require.NoError(t, j.Close())
	require.NoError(t, <-ended)
	assert.NoFileExists(t, ran)
}

func TestAWatchdogHealsWhenItsOwnerDies(t *testing.T) {
	j, dir := openJournal(t)
	ran := filepath.Join(t.TempDir(), "ran")
	ended := watchSelf(t, dir)
	_, err := j.Begin(byCommand(t, "touch", ran))
	require.NoError(t, err)
	died := time.Now()
	j.die()
	require.NoError(t, <-ended)
	assert.Less(t, time.Since(died), DefaultLease)
	assert.FileExists(t, ran)
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, left)
}

// A run that hangs holds its lock, and its faults are healed all the same.
func TestAWatchdogHealsWhenTheLeaseRunsOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, dir := openJournal(t)
		ran := filepath.Join(t.TempDir(), "ran")
		id, err := j.Begin(byCommand(t, "touch", ran))
		require.NoError(t, err)
		ended := watchSelf(t, dir)
		time.Sleep(10 * DefaultLease)
		select {
		case err := <-ended:
			t.Fatal("the lease was renewed all the time", err)
		default:
		}
		assert.NoFileExists(t, ran)

		close(j.stop) // it hangs: nothing is renewed any more
		j.ended.Wait()
		hung := time.Now()
		require.NoError(t, <-ended)
		assert.FileExists(t, ran)
		assert.InDelta(t, DefaultLease.Seconds(), time.Since(hung).Seconds(), 1.2, "the last renewal was up to a fifth of the lease before")

		_, err = j.Begin(byCommand(t, "true"))
		require.ErrorIs(t, err, ErrLeaseLost, "back from where it hung, it must not go on breaking")
		require.NoError(t, j.Healed(id))
		j.stop = make(chan struct{})
		require.NoError(t, j.Close())
		left, err := os.ReadDir(dir)
		require.NoError(t, err)
		assert.Empty(t, left)
	})
}

func TestAnOwnerIsToldThatItsJournalIsGone(t *testing.T) {
	for _, row := range []struct {
		name string
		lose func(j *Journal) error
		want string
	}{
		{"somebody else wrote to it", func(j *Journal) error { return os.WriteFile(j.path, []byte("x"), 0o600) }, ErrLeaseLost.Error()},
		{"it was removed", func(j *Journal) error { return os.Remove(j.path) }, "was removed"},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j, _ := openJournal(t)
				require.NoError(t, row.lose(j))
				require.ErrorContains(t, <-j.Lost(), row.want)
				_, err := j.Begin(byCommand(t, "true"))
				require.ErrorContains(t, err, row.want)
				if err := j.Close(); !errors.Is(err, os.ErrNotExist) {
					require.NoError(t, err)
				}
			})
		})
	}
}

func TestAWatchdogSaysWhatItCouldNotUndo(t *testing.T) {
	j, dir := openJournal(t)
	_, err := j.Begin(byCommand(t, "false"))
	require.NoError(t, err)
	j.die()
	require.ErrorContains(t, Watch(t.Context(), dir, os.Getpid(), func(_ Entry, err error) { assert.Error(t, err) }), "1 fault is left in place")
	assert.FileExists(t, j.path)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	k, err := OpenJournal(filepath.Join(t.TempDir(), "state"), DefaultLease, time.Now)
	require.NoError(t, err)
	defer k.Close()
	require.ErrorIs(t, Watch(ctx, filepath.Dir(k.path), os.Getpid(), nil), context.Canceled)
}
