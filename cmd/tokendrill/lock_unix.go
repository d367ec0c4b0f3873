//go:build unix

package main

import (
	"errors"
	"os"
	"syscall"
)

// lock locks an open file for as long as this process has it open.
func lock(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_EX) }

// locked says whether another process has locked an open file.
func locked(f *os.File) (bool, error) {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return true, nil
	}
	if err == nil {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_UN)
	}
	return false, err
}
