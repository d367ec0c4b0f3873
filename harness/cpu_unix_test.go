//go:build unix

package harness

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestWhatAllProcessesUsed(t *testing.T) {
	first, last := "cpu  100 0 50 800 40 0 10 0 0 0\ncpu0 1 2 3", "cpu  190 0 80 840 50 0 20 20 0 0\n"
	var a, b cpuUse
	a.busy, a.ticks = ticksOf(first)
	b.busy, b.ticks = ticksOf(last)
	assert.InDelta(t, 0.75, *b.since(a).machine(), 1e-9)
	assert.Nil(t, cpuUse{}.machine(), "where nobody tells")
	busy, all := ticksOf("no cores here")
	assert.Zero(t, busy+all)
}
