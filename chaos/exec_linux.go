package chaos

import (
	"os/exec"
	"syscall"
)

// apart gives a command a session of its own, out of reach of a terminal's Ctrl-C,
// and ends it with this process: nobody would know how far it came.
func apart(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
}
