package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// stateDir is the folder of undo journals: TOKENDRILL_STATE, or "tokendrill" in
// XDG_STATE_HOME, or in ~/.local/state. It is empty where none can be kept.
func stateDir() (string, error) {
	if runtime.GOOS == "windows" || runtime.GOOS == "plan9" || runtime.GOOS == "js" {
		return "", nil
	}
	if named := os.Getenv("TOKENDRILL_STATE"); named != "" {
		return filepath.Abs(named)
	}
	base := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(base) { // to be ignored then, says the XDG Base Directory Specification
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("folder of undo journals: %w; name one in TOKENDRILL_STATE", err)
		}
		base = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(base, "tokendrill"), nil
}
