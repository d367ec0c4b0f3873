package containers

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWithoutAnEngineOneLineSaysWhatIsMissing(t *testing.T) {
	for _, row := range []struct{ name, host, want string }{
		{"nobody listens at the socket", "unix:///nowhere/docker.sock", "unix:///nowhere/docker.sock"},
		{"nobody listens at the address", "tcp://127.0.0.1:1", "127.0.0.1:1"},
		{"that is no address", "over there", "over there"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Setenv("DOCKER_HOST", row.host)
			for what, ask := range map[string]func() error{
				"reachable": func() error { return Reachable(t.Context()) },
				"list":      func() error { _, err := List(t.Context()); return err },
				"prune":     func() error { return Prune(t.Context(), PruneOptions{ID: "none"}) },
				"start":     func() error { _, err := Stage{}.Start(t.Context(), plan(t, small)); return err },
			} {
				err := ask()
				require.ErrorAs(t, err, new(*NoEngine), what)
				assert.Contains(t, err.Error(), row.want)
				assert.Contains(t, err.Error(), "containers need a Docker engine on this machine: ")
				assert.NotContains(t, err.Error(), "\n")
			}
		})
	}
}

func TestOnlyAnEngineOfThisMachineWillDo(t *testing.T) {
	for _, row := range []struct {
		host string
		here bool
	}{
		{"unix:///var/run/docker.sock", true},
		{"npipe:////./pipe/docker_engine", true},
		{"tcp://127.0.0.1:2375", true},
		{"tcp://localhost:2375", true},
		{"tcp://192.0.2.1:2375", false},
		{"ssh://docker.example", false},
	} {
		t.Run(row.host, func(t *testing.T) {
			err := here(row.host)
			if row.here {
				assert.NoError(t, err)
			} else {
				assert.ErrorContains(t, err, "is on another machine")
			}
		})
	}
}
