package scenarios

import (
	"embed"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/tokendrill/tokendrill/harness/measure"
)

//go:embed catalogue/*.yaml
var catalogue embed.FS

//go:embed schema.json
var schema []byte

// Schema returns the JSON Schema (draft 2020-12) of a scenario file, for editors.
// Parse knows more: what contradicts what is not in the schema.
func Schema() []byte { return slices.Clone(schema) }

// Load returns a scenario of the catalogue by name, or reads a file: a name with
// a "/", or one that ends in ".yaml" or ".yml", is a path. For a name that the
// catalogue does not have the error tells the nearest ones. Faults that irreversible
// names may lack an undo.
func Load(nameOrPath string, irreversible ...string) (*Scenario, error) {
	return LoadFor(Given{Irreversible: irreversible}, nameOrPath)
}

// LoadFor is Load for a scenario that somebody brings targets to; see ParseFor.
func LoadFor(g Given, nameOrPath string) (*Scenario, error) {
	ext := path.Ext(nameOrPath)
	if strings.Contains(nameOrPath, "/") || ext == ".yaml" || ext == ".yml" {
		return read(nameOrPath, g)
	}
	if slices.Contains(names(), nameOrPath) {
		return shipped(nameOrPath, g)
	}
	return nil, fmt.Errorf("no scenario %s in the catalogue; nearest: %s; a file needs its .yaml",
		quote(nameOrPath), strings.Join(measure.Nearest(nameOrPath, names()), ", "))
}

// Catalogue returns the shipped scenarios, sorted by name. Each call parses them
// anew, so the caller may change what it gets.
func Catalogue() []*Scenario {
	var all []*Scenario
	for _, name := range names() {
		if s, err := shipped(name, Given{}); err == nil { // a test parses every one
			all = append(all, s)
		}
	}
	return all
}

// names are those of the shipped scenarios, sorted.
func names() []string {
	entries, _ := catalogue.ReadDir("catalogue") // embedded: it is there
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".yaml"))
	}
	return names
}

func shipped(name string, g Given) (*Scenario, error) {
	file := path.Join("catalogue", name+".yaml")
	data, err := catalogue.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read scenario: %w", err)
	}
	return ParseFor(g, data, file)
}

func read(file string, g Given) (*Scenario, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("read scenario: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("read scenario: %w", err)
	}
	return ParseFor(g, data, file)
}
