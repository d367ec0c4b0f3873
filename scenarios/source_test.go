package scenarios

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSourceIsWhatTheCatalogueParses(t *testing.T) {
	for _, sc := range Catalogue() {
		text, err := Source(sc.Name)
		require.NoError(t, err)
		parsed, err := Parse(text, sc.Name+".yaml")
		require.NoError(t, err)
		assert.Equal(t, sc.Name, parsed.Name)
	}
}

func TestSourceOfAnUnknownNameTellsTheNearest(t *testing.T) {
	for _, name := range []string{"quik", "../quick", ""} {
		_, err := Source(name)
		assert.ErrorContains(t, err, "nearest: quick", name)
	}
}

func TestLinksCannotBeChangedFromOutside(t *testing.T) {
	Links()[0] = "changed"
	assert.Equal(t, "client-gateway", Links()[0])
}
