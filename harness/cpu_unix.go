//go:build unix

package harness

import (
	"runtime"
	"syscall"
	"time"
)

// cpuUse is processor time used by this process, and the time that passed.
type cpuUse struct {
	used, passed time.Duration
	at           time.Time
}

// readCPU reads the processor time that this process has used so far.
func readCPU() cpuUse {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return cpuUse{}
	}
	return cpuUse{used: time.Duration(u.Utime.Nano() + u.Stime.Nano()), at: time.Now()}
}

// since is the use between two readings.
func (c cpuUse) since(before cpuUse) cpuUse {
	return cpuUse{used: c.used - before.used, passed: c.at.Sub(before.at)}
}

// share is the use as a share of all cores, 0 to 1; nil if it is not known.
func (c cpuUse) share() *float64 {
	if c.passed <= 0 {
		return nil
	}
	s := float64(c.used) / float64(c.passed) / float64(runtime.NumCPU())
	return &s
}
