package scenarios

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestKnownGatewaysSayWhatKeepsADecision(t *testing.T) {
	var names []string
	for _, g := range KnownGateways() {
		t.Run(g.Name, func(t *testing.T) {
			names = append(names, g.Name)
			for _, said := range []string{g.Title, g.Keeps, g.Bound, g.Target, g.Source} {
				assert.NotEmpty(t, said)
			}
			assert.Regexp(t, `^20[0-9][0-9]-[01][0-9]$`, g.AsOf)
			assert.NotEmpty(t, g.Knobs)
			assert.NotEmpty(t, g.Traps)
			for _, k := range g.Knobs {
				assert.NotEmpty(t, k.Name)
				assert.NotEmpty(t, k.Default, k.Name)
				assert.NotEmpty(t, k.Says, k.Name)
			}
			found, ok := FindGateway(g.Name)
			assert.True(t, ok)
			assert.Equal(t, g, found)
			const rest = "name: x\nprobe: {path: /p}\ngateways: [{name: eu, url: 'http://127.0.0.1'}]\n" + someAuthority
			_, err := ParseTarget([]byte(rest+g.Target), "f")
			require.NoError(t, err, "what it says for a target file is right")
		})
	}
	assert.IsIncreasing(t, names)
	_, ok := FindGateway("haproxy")
	assert.False(t, ok)
}
