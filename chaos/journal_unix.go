//go:build unix

package chaos

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// tryLock locks an open file or folder for as long as it is open, in this process
// or any other. False means that somebody else has it.
func tryLock(f *os.File) (bool, error) {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("lock %s: %w", f.Name(), err)
	}
	return true, nil
}

// openPlain opens a file for reading and appending; a link is refused, and a pipe
// does not hold it up.
func openPlain(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDWR|os.O_APPEND|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
}

// mine refuses what somebody else owns, or may write or read beyond mode.
func mine(f *os.File, mode fs.FileMode) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if st, ok := info.Sys().(*syscall.Stat_t); !ok || int(st.Uid) != os.Geteuid() {
		return fmt.Errorf("%s belongs to another user; it may hold commands and is not trusted", f.Name())
	}
	if extra := info.Mode().Perm() &^ mode; extra != 0 {
		return fmt.Errorf("%s has mode %v, expected %v: others could have written commands into it", f.Name(), info.Mode().Perm(), mode)
	}
	return nil
}
