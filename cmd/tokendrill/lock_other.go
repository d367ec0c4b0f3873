//go:build !unix

package main

import (
	"errors"
	"os"
)

// lock locks nothing: no other process will ask.
func lock(*os.File) error { return nil }

// locked cannot tell.
func locked(*os.File) (bool, error) {
	return false, errors.New("whether its process lives cannot be told on this system")
}
