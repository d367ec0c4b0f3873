package scenarios

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/tokendrill/tokendrill/harness/measure"
)

// Source returns the YAML of a shipped scenario as it was written, its header
// comment included. For a name that the catalogue does not have the error tells
// the nearest ones.
func Source(name string) ([]byte, error) {
	if !slices.Contains(names(), name) {
		return nil, fmt.Errorf("no scenario %s in the catalogue; nearest: %s", quote(name), strings.Join(measure.Nearest(name, names()), ", "))
	}
	return catalogue.ReadFile(path.Join("catalogue", name+".yaml"))
}

// Links are the names of the hops between roles, in the order in which a request
// meets them.
func Links() []string { return slices.Clone(links) }
