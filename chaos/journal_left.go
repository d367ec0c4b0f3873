package chaos

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// ErrAlive is the error of recovering the journal of a run that is going on.
var ErrAlive = errors.New("its run is going on")

// Journals lists the journals in a folder, of runs that are going on too. A
// folder that is not there has none; one that others may write to is an error.
func Journals(dir string) ([]string, error) {
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err := trusted(dir); err != nil {
		return nil, fmt.Errorf("undo journals: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("undo journals: %w", err)
	}
	var out []string
	for _, e := range entries {
		if filepath.Ext(e.Name()) == journalExt {
			out = append(out, filepath.Join(dir, e.Name()))
		}
	}
	return out, nil
}

// Leftover is the journal of a run that has died, locked against others who would
// undo it. It is not safe for concurrent use.
type Leftover struct {
	f     *os.File
	lock  *os.File // of the folder: one at a time undoes
	rec   *record
	alive bool // the owner lives, and holds the lock of the file
}

// Recover opens the journal of a run that has died, and waits while somebody else
// undoes what is in the folder. The error is ErrAlive if its owner lives, and
// os.ErrNotExist if it is gone. A journal that belongs to another user, that
// others may write to, or that is malformed is refused.
func Recover(ctx context.Context, path string) (*Leftover, error) {
	l, err := openLeft(ctx, path)
	if err == nil && l.alive {
		l.Close()
		l, err = nil, fmt.Errorf("undo journal %s: %w", path, ErrAlive)
	}
	return l, err
}

// openLeft opens a journal, whether its owner lives or not.
func openLeft(ctx context.Context, path string) (*Leftover, error) {
	l := &Leftover{}
	if err := l.open(ctx, path); err != nil {
		l.Close()
		return nil, fmt.Errorf("undo journal %s: %w", path, err)
	}
	return l, nil
}

func (l *Leftover) open(ctx context.Context, path string) (err error) {
	if l.lock, err = lockFolder(ctx, filepath.Dir(path)); err != nil {
		return err
	}
	if l.f, err = openPlain(path); err != nil {
		return err
	}
	if err := mine(l.f, 0o600); err != nil {
		return err
	}
	dead, err := tryLock(l.f)
	if err != nil {
		return err
	}
	l.alive = !dead
	// Its owner may have removed it between the opening and the lock.
	if _, err := os.Stat(path); err != nil {
		return err
	}
	return l.read()
}

// read takes in the journal, and cuts off a line that its dead owner has not
// finished: what is written next must not go on there.
func (l *Leftover) read() error {
	info, err := l.f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return errors.New("not a file")
	}
	data, err := io.ReadAll(io.NewSectionReader(l.f, 0, maxJournal+1))
	if err != nil {
		return err
	}
	if l.rec, err = parseJournal(data); err != nil {
		return err
	}
	if whole := bytes.LastIndexByte(data, '\n') + 1; whole < len(data) && !l.alive {
		return l.f.Truncate(int64(whole))
	}
	return nil
}

// Pending are the faults that were injected and not healed, in the order in which
// they are to be undone: the latest first.
func (l *Leftover) Pending() []Entry {
	var out []Entry
	for i, e := range slices.Backward(l.rec.entries) {
		if !l.rec.healed[i+1] {
			out = append(out, e)
		}
	}
	return out
}

// LeftError says that faults of a journal are still in place.
type LeftError struct {
	// Path is the journal, and Faults how many they are, 1 or more.
	Path   string
	Faults int
}

func (e *LeftError) Error() string {
	what, them := "1 fault is", "it"
	if e.Faults > 1 {
		what, them = fmt.Sprintf("%d faults are", e.Faults), "them"
	}
	return fmt.Sprintf("undo journal %s: %s left in place; heal again, or mend %s by hand and delete the journal", e.Path, what, them)
}

// Undo undoes what is pending, tells each with its error, and removes the journal
// if nothing is left in place; if something is, the error is a *[LeftError]. It may
// be tried again.
func (l *Leftover) Undo(ctx context.Context, tell func(Entry, error)) error {
	left := 0
	for i, e := range slices.Backward(l.rec.entries) {
		if l.rec.healed[i+1] || l.alive && !e.outlives() {
			continue
		}
		err := e.undo(ctx)
		if err == nil {
			err = l.done(i + 1)
		}
		if err != nil {
			left++
		}
		tell(e, err)
	}
	if left > 0 {
		return &LeftError{l.f.Name(), left}
	}
	if l.alive {
		return nil // the file is its owner's
	}
	return os.Remove(l.f.Name())
}

// undo takes one fault of a dead run away.
func (e Entry) undo(ctx context.Context) error {
	var err error
	switch e.Undo {
	case UndoCommand:
		_, err = runCommand(ctx, e.Dir, e.Heal, cmp.Or(e.Within, commandTimeout))
	case UndoCall:
		_, err = e.Call.send(ctx, e.Hosts)
	}
	return err
}

// done writes down that a fault is healed.
func (l *Leftover) done(id int) error {
	l.rec.healed[id] = true
	data, err := healedLine(id)
	if err == nil {
		_, err = l.f.Write(data)
	}
	return err
}

// Close unlocks the journal.
func (l *Leftover) Close() {
	for _, f := range []*os.File{l.f, l.lock} {
		if f != nil {
			f.Close()
		}
	}
}

// trusted refuses a folder that others may write to.
func trusted(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return mine(f, os.ModePerm&^0o022)
}

// lockFolder makes sure that one at a time undoes what is in a folder.
func lockFolder(ctx context.Context, dir string) (*os.File, error) {
	if err := trusted(dir); err != nil {
		return nil, err
	}
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	for {
		locked, err := tryLock(f)
		if locked {
			return f, nil
		}
		if err == nil {
			err = pause(ctx, watchEvery)
		}
		if err != nil {
			f.Close()
			return nil, err
		}
	}
}

// pause waits, or says that ctx ended.
func pause(ctx context.Context, d time.Duration) error {
	return hold{until: time.Now().Add(d)}.wait(ctx)
}
