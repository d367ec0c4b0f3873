package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/scenarios"
)

func TestEveryGatewayIsExplained(t *testing.T) {
	for _, g := range scenarios.KnownGateways() {
		t.Run(g.Name, func(t *testing.T) {
			sheet := explained(t, "gateway", g.Name)
			for _, said := range append([]string{g.Title, g.Keeps, g.Bound, g.Source, "as of " + g.AsOf}, g.Traps...) {
				assert.Contains(t, words(sheet), words(said))
			}
			for _, k := range g.Knobs {
				assert.Contains(t, words(sheet), words(k.Name+" = "+k.Default+" "+k.Says))
			}
			if g.Measured != "" {
				assert.FileExists(t, documents+g.Measured)
			}
			for line := range strings.Lines(g.Target) {
				assert.Contains(t, sheet, "\n  "+line, "to be copied")
			}
		})
	}
}

func TestPresetsAndGatewaysAreListedWithANarrowLineForEach(t *testing.T) {
	for what, names := range map[string][]string{"presets": scenarios.Presets(), "gateways": gatewayNames()} {
		code, stdout, stderr := tokendrill("list", what)
		require.Equal(t, exitPass, code, stderr)
		assertNarrow(t, stdout)
		var listed []string
		for line := range strings.Lines(stdout) {
			fields := strings.Fields(line)
			listed = append(listed, fields[0])
			assert.Greater(t, len(fields), 3, "%q says little", line)
		}
		assert.Equal(t, names, listed, what)
	}
}
