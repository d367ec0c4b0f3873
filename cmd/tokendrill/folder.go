package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// outRoot is where report folders go that nobody named.
const outRoot = "tokendrill-out"

// auditName is where the gateways of a run audit what they let in beside the rule.
const auditName = "audit.ndjson"

// folder is the report folder of a run.
type folder struct {
	path string
	made []string // files and folders made by this run, those further in first
}

// openFolder makes the folder that the user named, or one after name below
// outRoot. A named folder that holds files is refused without force; below
// outRoot a number is added until the name is free. With force, an earlier report
// is removed.
func openFolder(named, name string, force bool) (*folder, error) {
	f := &folder{path: cmp.Or(named, filepath.Join(outRoot, name))}
	for n := 2; named == "" && !force && holdsFiles(f.path); n++ {
		f.path = filepath.Join(outRoot, fmt.Sprintf("%s-%d", name, n))
	}
	if !force && holdsFiles(f.path) {
		return nil, badInput(fmt.Errorf("report folder %s holds files: name another one with --out, or replace them with --force", f.path))
	}
	f.made = missing(f.path)
	err := os.MkdirAll(f.path, 0o755)
	if err == nil && force {
		err = f.removeReport()
	}
	if err != nil {
		return nil, fmt.Errorf("report folder: %w; name another one with --out", err)
	}
	return f, nil
}

// holdsFiles says whether path is a folder with something in it.
func holdsFiles(path string) bool {
	entries, _ := os.ReadDir(path) // what cannot be read fails when it is written to
	return len(entries) > 0
}

// missing lists the folders that making path makes, those further in first.
func missing(path string) (out []string) {
	for p := filepath.Clean(path); ; p = filepath.Dir(p) {
		if _, err := os.Lstat(p); !errors.Is(err, fs.ErrNotExist) {
			return out
		}
		out = append(out, p)
	}
}

// removeReport removes the files of an earlier report.
func (f *folder) removeReport() error {
	old, err := filepath.Glob(filepath.Join(f.path, "*.hlog"))
	for _, name := range append(old, f.join("history.ndjson"), f.join(auditName), f.join("report.json"), f.join("report.html")) {
		if gone := os.Remove(name); !errors.Is(gone, fs.ErrNotExist) {
			err = errors.Join(err, gone)
		}
	}
	return err
}

func (f *folder) join(name string) string { return filepath.Join(f.path, name) }

// create makes a file that the folder does not have yet.
func (f *folder) create(name string) (*os.File, error) {
	w, err := os.OpenFile(f.join(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, fmt.Errorf("report folder: %w; name another one with --out", err)
	}
	f.made = append([]string{w.Name()}, f.made...)
	return w, nil
}

// lateFile is a file of a folder that comes to be when something is written to it.
// It is not safe for concurrent use.
type lateFile struct {
	dir  *folder
	name string
	file *os.File
}

func (l *lateFile) Write(p []byte) (n int, err error) {
	if l.file == nil {
		if l.file, err = l.dir.create(l.name); err != nil {
			return 0, err
		}
	}
	return l.file.Write(p)
}

func (l *lateFile) Close() error {
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}

// write makes a file in the folder and fills it.
func (f *folder) write(name string, fill func(io.Writer) error) error {
	w, err := f.create(name)
	if err != nil {
		return err
	}
	return errors.Join(fill(w), w.Close())
}

// abandon removes what a run that measured nothing has made. A folder that
// somebody else has put something into stays.
func (f *folder) abandon() error {
	for _, name := range f.made {
		if err := os.Remove(name); err != nil && !holdsFiles(name) {
			return fmt.Errorf("report folder: %w", err)
		}
	}
	return nil
}
