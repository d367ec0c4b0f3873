package chaos

import (
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// wanted are the faults that scenarios, docs and reports know by name.
var wanted = []string{
	"link.cut", "link.hang", "link.reset", "link.delay", "http.error", "http.limit",
	"answer.forge", "answer.replay", "answer.unsign", "answer.max-age", "keys.missing", "keys.stale", "bundle.rollback",
	"push.drop", "push.delay", "push.duplicate", "push.reorder",
	"clock.skew", "ttl.skew", "cache.flush", "node.restart", "credentials.wrong", "authority.lie", "key.retire", "key.rotate",
	"container.pause", "container.kill", "container.disconnect", "container.cpu", "container.memory",
	"exec", "call",
}

func TestTheCatalogueHasEveryFaultOnce(t *testing.T) {
	var names []string
	for _, s := range Catalogue() {
		names = append(names, s.Name)
	}
	assert.Equal(t, wanted, names)
	_, found := Find("link.cut")
	assert.True(t, found)
	_, found = Find("link")
	assert.False(t, found)
}

// A person decides by these texts whether to inject something, and where.
func TestEveryEntryOfTheCatalogueIsComplete(t *testing.T) {
	sentence := regexp.MustCompile(`^[A-Z].*\.$`)
	for _, s := range Catalogue() {
		t.Run(s.Name, func(t *testing.T) {
			assert.Regexp(t, `^[a-z]+(\.[a-z-]+)?$`, s.Name)
			assert.Regexp(t, sentence, s.Does)
			assert.Regexp(t, sentence, s.Models)
			for what, text := range map[string]string{"source": s.Source, "met": s.Met, "clear": s.Clear} {
				assert.Greater(t, len(text), 7, what)
			}
			require.NotNil(t, s.New)
			assert.NotNil(t, s.New(Params{}))
			switch s.Place {
			case OnLink:
				assert.Empty(t, s.Roles)
			case OnNode:
				assert.NotEmpty(t, s.Roles)
				assert.Empty(t, s.Links)
				assert.Zero(t, s.Least)
			case OnContainer:
				assert.NotEmpty(t, s.Roles)
				assert.Empty(t, s.Links)
				assert.GreaterOrEqual(t, s.Least, time.Second, "an engine takes its time")
				assert.False(t, s.Once)
			default:
				assert.Equal(t, OnHost, s.Place)
			}
			testParams(t, s)
		})
	}
}

func testParams(t *testing.T, s Spec) {
	seen := map[string]bool{}
	for _, p := range s.Params {
		assert.False(t, seen[p.Name], "%s comes twice", p.Name)
		seen[p.Name] = true
		assert.NotEmpty(t, p.Doc, p.Name)
		assert.Equal(t, p.Required, p.Default == "", "%s: either required or with a default", p.Name)
		switch p.Unit {
		case UnitDuration, UnitDelay, UnitNumber, UnitSize:
			assert.Less(t, p.Min, p.Max, p.Name)
		case UnitShare:
			assert.Greater(t, p.Min, 0.0)
			assert.Equal(t, 1.0, p.Max)
		default:
			assert.Contains(t, []string{UnitText, UnitCommand, UnitCall}, p.Unit)
			assert.Zero(t, p.Min, p.Name)
			assert.Zero(t, p.Max, p.Name)
		}
	}
}
