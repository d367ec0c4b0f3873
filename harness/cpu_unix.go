//go:build unix

package harness

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"
)

// cpuUse is processor time used by this process, and the time that passed; and what
// all processes of the machine used, and could have, in ticks.
type cpuUse struct {
	used, passed time.Duration
	at           time.Time
	busy, ticks  float64
}

// readCPU reads the processor time that was used so far.
func readCPU() cpuUse {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return cpuUse{}
	}
	c := cpuUse{used: time.Duration(u.Utime.Nano() + u.Stime.Nano()), at: time.Now()}
	if stat, err := os.ReadFile("/proc/stat"); err == nil { // of Linux only
		c.busy, c.ticks = ticksOf(string(stat))
	}
	return c
}

// ticksOf reads the first line of /proc/stat, of all cores together. What is idle or
// waits for a disk is not busy. It is zero if it cannot be read.
func ticksOf(stat string) (busy, all float64) {
	var user, nice, system, idle, iowait, irq, softirq, steal float64
	if _, err := fmt.Sscanf(stat, "cpu %g %g %g %g %g %g %g %g", &user, &nice, &system, &idle, &iowait, &irq, &softirq, &steal); err != nil {
		return 0, 0
	}
	busy = user + nice + system + irq + softirq + steal
	return busy, busy + idle + iowait
}

// since is the use between two readings.
func (c cpuUse) since(before cpuUse) cpuUse {
	return cpuUse{used: c.used - before.used, passed: c.at.Sub(before.at), busy: c.busy - before.busy, ticks: c.ticks - before.ticks}
}

// share is the use as a share of all cores, 0 to 1; nil if it is not known.
func (c cpuUse) share() *float64 {
	if c.passed <= 0 {
		return nil
	}
	s := float64(c.used) / float64(c.passed) / float64(runtime.NumCPU())
	return &s
}

// machine is the share of all cores that anybody used; nil if it is not known.
func (c cpuUse) machine() *float64 {
	if c.ticks <= 0 {
		return nil
	}
	s := c.busy / c.ticks
	return &s
}
