//go:build unix && !linux

package chaos

import (
	"os/exec"
	"syscall"
)

// apart gives a command a session of its own, out of reach of a terminal's Ctrl-C.
func apart(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
}
