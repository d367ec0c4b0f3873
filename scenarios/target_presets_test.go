package scenarios

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPresetsAreTargets(t *testing.T) {
	assert.Equal(t, []string{"generic", "auth0", "entra", "hydra", "keycloak", "okta", "tokendrill", "zitadel"}, Presets())
	for _, name := range Presets() {
		t.Run(name, func(t *testing.T) {
			text, err := Preset(name)
			require.NoError(t, err)
			target, err := ParseTarget(text, name+".yaml")
			require.NoError(t, err)
			require.NoError(t, targetEditor(t, text))
			_, err = Own(Given{Targets: []*Target{target}})
			require.NoError(t, err)
			head, _, _ := strings.Cut(string(text), "\nname:")
			assert.True(t, strings.HasPrefix(head, "# "+name+": "), "what it is")
			assert.Contains(t, head, "\n# Source: ")
			assert.Contains(t, head, "\n# Verified: not run here", "nobody has run it yet")
		})
	}
}

// switchedOff is a line that is commented out; words of the header have no indent and no key.
var switchedOff = regexp.MustCompile(`^(\s*)# (\s*(?:- |[a-z_0-9]+:).*)$`)

// What a preset offers in comments is right, too.
func TestWhatPresetsOfferCanBeUsed(t *testing.T) {
	for _, name := range Presets() {
		t.Run(name, func(t *testing.T) {
			text, err := Preset(name)
			require.NoError(t, err)
			_, body, _ := strings.Cut(string(text), "\nname:")
			lines := strings.Split("name:"+body, "\n")
			for i, line := range lines {
				if found := switchedOff.FindStringSubmatch(line); found != nil {
					lines[i] = found[1] + found[2]
				}
				assert.NotRegexp(t, `^\s*#`, lines[i], "words stand behind keys, or in the header")
			}
			_, err = ParseTarget([]byte(strings.Join(lines, "\n")), name+".yaml")
			require.NoError(t, err)
		})
	}
}

func TestAnUnknownPresetTellsTheNearest(t *testing.T) {
	for _, name := range []string{"keyclock", "../presets/keycloak", ""} {
		_, err := Preset(name)
		assert.ErrorContains(t, err, "no preset ")
		assert.ErrorContains(t, err, "nearest: ")
	}
	_, err := Preset("keyclock")
	assert.ErrorContains(t, err, "nearest: keycloak")
}
