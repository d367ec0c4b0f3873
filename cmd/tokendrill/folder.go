package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// outRoot is where report folders go that nobody named.
const outRoot = "tokendrill-out"

// folder is the report folder of a run.
type folder struct {
	path    string
	created []string // files made by this run
}

// openFolder makes the folder that the user named, or one after name below
// outRoot. A named folder that holds files is refused without force; below
// outRoot a number is added until the name is free.
func openFolder(named, name string, force bool) (*folder, error) {
	f := &folder{path: named}
	if named == "" {
		f.path = filepath.Join(outRoot, name)
		for n := 2; !force && !empty(f.path); n++ {
			f.path = filepath.Join(outRoot, fmt.Sprintf("%s-%d", name, n))
		}
	} else if !force && !empty(named) {
		return nil, badInput(fmt.Errorf("report folder %s holds files: name another one with --out, or replace them with --force", named))
	}
	if err := os.MkdirAll(f.path, 0o755); err != nil {
		return nil, fmt.Errorf("report folder: %w; name another one with --out", err)
	}
	return f, nil
}

// empty says whether nothing would be overwritten at path.
func empty(path string) bool {
	entries, err := os.ReadDir(path)
	return errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0
}

func (f *folder) join(name string) string { return filepath.Join(f.path, name) }

// create makes a file in the folder.
func (f *folder) create(name string) (*os.File, error) {
	w, err := os.Create(f.join(name))
	if err != nil {
		return nil, fmt.Errorf("report folder: %w; name another one with --out", err)
	}
	f.created = append(f.created, w.Name())
	return w, nil
}

// write makes a file in the folder and fills it.
func (f *folder) write(name string, fill func(io.Writer) error) error {
	w, err := f.create(name)
	if err != nil {
		return err
	}
	return errors.Join(fill(w), w.Close())
}

// abandon removes what a run that measured nothing has made.
func (f *folder) abandon() error {
	var err error
	for _, name := range f.created {
		err = errors.Join(err, os.Remove(name))
	}
	if empty(f.path) {
		err = errors.Join(err, os.Remove(f.path))
	}
	return err
}
