//go:build !unix

package harness

// cpuUse is not known on this system.
type cpuUse struct{}

func readCPU() cpuUse              { return cpuUse{} }
func (cpuUse) since(cpuUse) cpuUse { return cpuUse{} }
func (cpuUse) share() *float64     { return nil }
func (cpuUse) machine() *float64   { return nil }
