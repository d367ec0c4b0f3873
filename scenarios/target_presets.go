package scenarios

import (
	"embed"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/tokendrill/tokendrill/harness/measure"
)

//go:embed presets/*.yaml
var presets embed.FS

//go:embed target.schema.json
var targetSchema []byte

// TargetSchema returns the JSON Schema (draft 2020-12) of a target file, for editors.
// ParseTarget knows more: what contradicts what is not in the schema.
func TargetSchema() []byte { return slices.Clone(targetSchema) }

// GenericPreset is the preset that has every key.
const GenericPreset = "generic"

// Presets are the names of the target files to start from, generic first.
func Presets() []string {
	entries, _ := presets.ReadDir("presets") // embedded: it is there
	out := []string{GenericPreset}
	for _, e := range entries {
		if name := strings.TrimSuffix(e.Name(), ".yaml"); name != GenericPreset {
			out = append(out, name)
		}
	}
	return out
}

// Preset returns the YAML of a target file to start from, as it was written, with the
// comment that says what it is for. For a name that is none the error tells the
// nearest ones.
func Preset(name string) ([]byte, error) {
	if all := Presets(); !slices.Contains(all, name) {
		return nil, fmt.Errorf("no preset %s; nearest: %s", quote(name), strings.Join(measure.Nearest(name, all), ", "))
	}
	return presets.ReadFile(path.Join("presets", name+".yaml"))
}
