//go:build !unix

package chaos

import (
	"errors"
	"io/fs"
	"os"
)

var errNoJournal = errors.New("an undo journal takes a Unix system")

func tryLock(*os.File) (bool, error)     { return false, errNoJournal }
func openPlain(string) (*os.File, error) { return nil, errNoJournal }
func mine(*os.File, fs.FileMode) error   { return errNoJournal }
