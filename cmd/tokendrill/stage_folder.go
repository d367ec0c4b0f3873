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
}

// openStageFolder makes the folder, or takes an empty one, and writes the pid: of
// two processes that want the same folder one gets it.
func openStageFolder(path string) (*stageFolder, error) {
	f := &stageFolder{path: path, made: missing(path)}
	err := fs.ErrExist
	if !holdsFiles(path) {
		if err = os.MkdirAll(path, 0o755); err == nil {
			err = f.write("pid", fmt.Sprintln(os.Getpid()))
		}
	}
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil, badInput(fmt.Errorf("stage folder %s holds files: a stage is up there, or one was killed; remove the folder, or name another one with --dir", path))
	case err != nil:
		return nil, errors.Join(fmt.Errorf("stage folder: %w; name another one with --dir", err), f.remove())
	}
	return f, nil
}

// name is a file of the folder as a shell finds it: never a word without a "/".
func (f *stageFolder) name(file string) string {
	name := filepath.Join(f.path, file)
	if !strings.ContainsRune(name, filepath.Separator) {
		name = "." + string(filepath.Separator) + name
	}
	return name
}

// write makes a file for the user alone.
func (f *stageFolder) write(file, text string) error {
	w, err := os.OpenFile(f.name(file), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	f.made = append([]string{w.Name()}, f.made...)
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
	for _, name := range f.made {
		if gone := os.Remove(name); gone != nil && !errors.Is(gone, fs.ErrNotExist) && !holdsFiles(name) {
			err = errors.Join(err, fmt.Errorf("stage folder: %w", gone))
		}
	}
	return err
}
