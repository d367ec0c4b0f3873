package harness

import (
	"bufio"
	"cmp"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/tokendrill/tokendrill/harness/measure"
	"github.com/tokendrill/tokendrill/scenarios"
)

// environment says where a run takes place.
func environment(version string, sc *scenarios.Scenario) measure.Environment {
	return measure.Environment{
		Tokendrill: cmp.Or(version, "unknown"), Go: runtime.Version(), OS: runtime.GOOS + "/" + runtime.GOARCH,
		CPU: cpuModel(), Cores: runtime.NumCPU(), Network: network(sc),
	}
}

// network says what the scenario's links add.
func network(sc *scenarios.Scenario) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(sc.Links)) {
		d := sc.Links[name]
		part := fmt.Sprintf("%s %v", name, d.P50)
		if d.P95 > d.P50 {
			part += fmt.Sprintf(" (p95 %v)", d.P95)
		}
		parts = append(parts, part)
	}
	return cmp.Or(strings.Join(parts, ", "), "none added")
}

// cpuModel is the processor's name where the system tells it, or empty.
func cpuModel() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
