package chaos

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// DefaultLease is how long faults that outlive their process stay when it dies or
// hangs, if a watchdog is at work.
const DefaultLease = 5 * time.Second

// ErrLeaseLost is the error of a journal whose owner has not renewed its lease in
// time: its watchdog has healed the faults.
var ErrLeaseLost = errors.New("the lease ran out and the watchdog has healed the faults")

// Journal is the undo journal of one run, a file that says what to undo if the run
// cannot. Its owner holds a lock on it for its life, so that a dead owner is known
// without trusting process ids, and renews a lease, so that a hung one is. It is
// safe for concurrent use.
type Journal struct {
	f     *os.File
	path  string
	now   func() time.Time
	lost  chan error
	stop  chan struct{}
	ended sync.WaitGroup

	mu      sync.Mutex
	size    int64 // as written by us
	next    int
	pending map[int]bool
}

// OpenJournal starts the journal of this process in dir, which is made if need be
// and must be writable by nobody else. The lease, of a second or more, is renewed
// until Close. It is an error on systems without file locks.
func OpenJournal(dir string, lease time.Duration, now func() time.Time) (*Journal, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("undo journal: %w", err)
	}
	j := &Journal{now: now, lost: make(chan error, 1), stop: make(chan struct{}), pending: map[int]bool{}}
	if err := j.create(dir, lease); err != nil {
		return nil, fmt.Errorf("undo journal: %w", err)
	}
	j.ended.Go(func() { j.renew(lease / 5) })
	return j, nil
}

// create makes the file under a name that nobody looks for, and gives it its own
// once it is locked.
func (j *Journal) create(dir string, lease time.Duration) error {
	if err := trusted(dir); err != nil {
		return err
	}
	j.path = filepath.Join(dir, fmt.Sprintf("%d-%.8s%s", os.Getpid(), rand.Text(), journalExt))
	f, err := os.OpenFile(j.path+".new", os.O_RDWR|os.O_APPEND|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	j.f = f
	locked, err := tryLock(f)
	if err == nil && !locked {
		err = fmt.Errorf("%s is locked by another process", f.Name())
	}
	if err == nil {
		err = j.write(line{Head: &journalHead{Schema: journalSchema, PID: os.Getpid(), Started: j.now().Round(0), Lease: lease}})
	}
	if err == nil {
		err = os.Rename(f.Name(), j.path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()), f.Close())
	}
	return nil
}

// Begin writes down a fault that is about to be injected, and returns once that is
// on the disk. On an error it must not be injected.
func (j *Journal) Begin(e Entry) (id int, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.held(); err != nil {
		return 0, fmt.Errorf("undo journal: %w", err)
	}
	if err := j.write(line{Inject: &e, ID: j.next + 1}); err != nil {
		return 0, fmt.Errorf("undo journal: %w", err)
	}
	j.next++
	j.pending[j.next] = true
	return j.next, nil
}

// Healed writes down that a fault of Begin is not in place, or not any more.
func (j *Journal) Healed(id int) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.pending, id)
	if err := j.write(line{ID: id, Healed: true}); err != nil {
		return fmt.Errorf("undo journal: %w", err)
	}
	return nil
}

// Lost gives one error when the journal is not its owner's any more, such as
// ErrLeaseLost: nothing more can be injected.
func (j *Journal) Lost() <-chan error { return j.lost }

// Close ends the lease. The file is removed if everything is healed; if not, it
// stays for the watchdog and for Recover.
func (j *Journal) Close() error {
	close(j.stop)
	j.ended.Wait()
	j.mu.Lock()
	defer j.mu.Unlock()
	var err error
	if len(j.pending) == 0 {
		err = os.Remove(j.path) // while it is locked: nobody plays it meanwhile
	}
	return errors.Join(err, j.f.Close())
}

// write appends one line, whole or not at all, and waits until it is on the disk.
func (j *Journal) write(l line) error {
	data, err := l.encode()
	if err != nil {
		return err
	}
	if _, err := j.f.Write(data); err != nil {
		return errors.Join(err, j.f.Truncate(j.size))
	}
	j.size += int64(len(data))
	return j.f.Sync()
}

// held says whether nobody else has written to the journal: a watchdog does when
// the lease has run out.
func (j *Journal) held() error {
	info, err := os.Stat(j.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s was removed", j.path)
	case err != nil:
		return err
	case info.Size() != j.size:
		return ErrLeaseLost
	}
	return nil
}

// renew marks the file as alive until the journal is closed or lost.
func (j *Journal) renew(every time.Duration) {
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		select {
		case <-j.stop:
			return
		case <-t.C:
		}
		if err := j.touch(); err != nil {
			j.lost <- err
			return
		}
	}
}

func (j *Journal) touch() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.held(); err != nil {
		return err
	}
	return os.Chtimes(j.path, time.Time{}, j.now())
}
