package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/scenarios"
)

// What init writes is a target, of every preset.
func TestInitWritesTargets(t *testing.T) {
	for _, name := range scenarios.Presets() {
		file := filepath.Join(t.TempDir(), name+".yaml")
		code, stdout, stderr := tokendrill("init", file, "--preset", name)
		require.Equal(t, exitPass, code, stderr)
		assert.Contains(t, stdout, "tokendrill target check "+file)
		_, err := scenarios.LoadTarget(file)
		require.NoError(t, err)
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		want, err := scenarios.Preset(name)
		require.NoError(t, err)
		assert.Equal(t, string(want), string(text))
	}
}
