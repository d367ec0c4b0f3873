package chaos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// watchEvery is how often a watchdog looks, and how often a lock is tried again.
const watchEvery = 50 * time.Millisecond

// Watch is the watchdog: it waits until the process that owns the journals of pid
// in dir dies, or has not renewed a lease for as long as it lasts, and then undoes
// what they say, once. It returns when there is nothing left to watch, at once if
// there is no such journal. Each fault is told as by Leftover.Undo; the error
// joins what could not be undone.
func Watch(ctx context.Context, dir string, pid int, tell func(Entry, error)) error {
	paths, err := Journals(dir)
	if err != nil {
		return err
	}
	var watched []*vigil
	for _, path := range paths {
		if strings.HasPrefix(filepath.Base(path), fmt.Sprintf("%d-", pid)) {
			watched = append(watched, &vigil{path: path})
		}
	}
	var failed []error
	for {
		watched = slices.DeleteFunc(watched, func(v *vigil) bool {
			over, err := v.look(ctx, tell)
			failed = append(failed, err)
			return over
		})
		if len(watched) == 0 {
			return errors.Join(failed...)
		}
		if err := pause(ctx, watchEvery); err != nil {
			return errors.Join(append(failed, err)...)
		}
	}
}

// vigil is the watch over one journal.
type vigil struct {
	path    string
	renewed time.Time // as the file says; only that it changes counts
	seen    time.Time // when it was seen to change, by our clock
}

// look says whether there is nothing more to watch, after it was undone if need be.
func (v *vigil) look(ctx context.Context, tell func(Entry, error)) (over bool, err error) {
	info, err := os.Stat(v.path)
	if errors.Is(err, os.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return true, fmt.Errorf("undo journal %s: %w", v.path, err)
	}
	if !info.ModTime().Equal(v.renewed) {
		v.renewed, v.seen = info.ModTime(), time.Now()
	}
	l, err := openLeft(ctx, v.path)
	if errors.Is(err, os.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return true, err
	}
	defer l.Close()
	if l.alive && time.Since(v.seen) <= l.rec.Lease {
		return false, nil
	}
	return true, l.Undo(ctx, tell)
}
