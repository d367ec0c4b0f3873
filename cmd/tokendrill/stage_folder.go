package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// stageFolder is where a stage that is up says how to reach it.
type stageFolder struct {
	path string
	made []string // files and folders, those further in first
	pid  *os.File // locked for as long as this process lives
}

// openStageFolder makes the folder, or takes an empty one, and writes the pid: of
// two processes that want the same folder one gets it.
func openStageFolder(path string) (*stageFolder, error) {
	f := &stageFolder{path: path, made: missing(path)}
	err := fs.ErrExist
	if !holdsFiles(path) {
		if err = os.MkdirAll(path, 0o755); err == nil {
			err = f.claim()
		}
	}
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil, badInput(taken(path))
	case err != nil:
		return nil, errors.Join(fmt.Errorf("stage folder: %w; name another one with --dir", err), f.remove())
	}
	return f, nil
}

// taken says why a folder cannot be had, and what to do.
func taken(path string) error {
	o, err := findOwner(path)
	if o != nil {
		o.close()
	}
	down := stageFlags{dir: path}.downLine()
	switch {
	case err == nil && o.alive:
		return fmt.Errorf("a stage is up in %s, process %d: %s ends it, --dir names another folder", path, o.pid, down)
	case err == nil:
		return fmt.Errorf("the stage in %s was killed: %s cleans up, --dir names another folder", path, down)
	}
	return fmt.Errorf("stage folder %s holds files: name another one with --dir", path)
}

// claim makes the pid file. It is locked before it says anything.
func (f *stageFolder) claim() (err error) {
	if f.pid, err = f.create("pid"); err != nil {
		return err
	}
	if err := lock(f.pid); err != nil {
		return err
	}
	_, err = fmt.Fprintln(f.pid, os.Getpid())
	return err
}

// name is a file of the folder as a shell finds it: never a word without a "/".
func (f *stageFolder) name(file string) string {
	name := filepath.Join(f.path, file)
	if !strings.ContainsRune(name, filepath.Separator) {
		name = "." + string(filepath.Separator) + name
	}
	return name
}

// create makes an empty file for the user alone.
func (f *stageFolder) create(file string) (*os.File, error) {
	w, err := os.OpenFile(f.name(file), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		f.made = append([]string{w.Name()}, f.made...)
	}
	return w, err
}

// write makes a file for the user alone.
func (f *stageFolder) write(file, text string) error {
	w, err := f.create(file)
	if err != nil {
		return err
	}
	_, err = w.WriteString(text)
	return errors.Join(err, w.Close())
}

// publish makes a file that is complete from the moment in which it appears.
func (f *stageFolder) publish(file, text string) error {
	if err := f.write("."+file, text); err != nil {
		return err
	}
	f.made = append([]string{f.name(file)}, f.made...)
	return os.Rename(f.name("."+file), f.name(file))
}

// remove removes what was made. What the user has removed is no mistake, and a
// folder into which the user has put something stays.
func (f *stageFolder) remove() error {
	var err error
	if f.pid != nil {
		defer f.pid.Close()
	}
	for _, name := range f.made {
		if gone := os.Remove(name); gone != nil && !errors.Is(gone, fs.ErrNotExist) && !holdsFiles(name) {
			err = errors.Join(err, fmt.Errorf("stage folder: %w", gone))
		}
	}
	return err
}
