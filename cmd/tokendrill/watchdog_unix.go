//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// detach gives a process a session of its own: what a terminal sends to this one
// does not reach it.
func detach(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }
