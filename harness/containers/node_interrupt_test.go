package containers

import (
	"context"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/chaos"
	"github.com/tokendrill/tokendrill/fixtures/undisturbed"
	"github.com/tokendrill/tokendrill/harness"
	"github.com/tokendrill/tokendrill/harness/measure"
)

// closing is a stage that is looked at while it is broken, and before it is closed.
type closing struct {
	Stage
	site  *harness.Site
	close func()
}

func (s *closing) Start(ctx context.Context, p *harness.Plan) (*harness.Site, error) {
	site, err := s.Stage.Start(ctx, p)
	if err != nil {
		return nil, err
	}
	s.site = site
	down := site.Close
	site.Close = func() error { s.close(); return down() }
	return site, nil
}

// states are how the engine describes the containers of a stage, by node.
func states(t *testing.T, site *harness.Site) map[string]container.ContainerState {
	out := map[string]container.ContainerState{}
	for _, n := range site.Nodes {
		is, err := n.Control.(*node).box.inspect(context.WithoutCancel(t.Context()))
		require.NoError(t, err)
		out[n.Name] = is.State.Status
	}
	return out
}

func TestAnInterruptedRunLeavesNothingPausedAndNothingBehind(t *testing.T) {
	undisturbed.Long(t, "starts containers")
	t.Parallel()
	p := plan(t, `
name: interrupted
about: a run that somebody ends while a gateway is paused
patterns: [registry]
traffic: {recording: sample, rate: 50/s, rounds: 1, slice: 100ms}
revocations: {tokens: 3, every: 50ms, window: 60s, rate: 20/s}
settings: {registry: {staleness: 2s, heartbeat: 200ms}}
faults:
  - {name: container.pause, node: gateway, pattern: registry, gateway: gw-1, at: 100ms, for: 50s}
`)
	stage := &closing{Stage: Stage{Options: options(t)}}
	stage.close = func() {
		for name, state := range states(t, stage.site) {
			assert.Equal(t, container.StateRunning, state, "%s, when the stage is closed", name)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	paused := false
	result, err := harness.Run(ctx, p, harness.Options{Stage: stage, State: t.TempDir(), Progress: func(at harness.Progress) {
		if !paused && stage.site != nil && at.Elapsed >= p.Faults[0].From+time.Second {
			paused = states(t, stage.site)["registry/gw-1"] == container.StatePaused
			cancel()
		}
	}})
	require.NoError(t, err)
	assert.True(t, paused, "it was paused when the run was interrupted")
	assert.Equal(t, measure.Interrupted, result.Report.Verdict)
	require.Len(t, result.Report.Faults, 1)
	assert.True(t, result.Report.Faults[0].Landed)
	assert.True(t, result.Report.Faults[0].Healed)

	id := stage.site.Sweep[len(stage.site.Sweep)-1]
	all, err := List(t.Context())
	require.NoError(t, err)
	for _, s := range all {
		assert.NotEqual(t, id, s.ID, "the stage is still there")
	}
	require.ErrorContains(t, stage.site.Nodes[0].Control.Do(t.Context(), chaos.Command{Verb: chaos.VerbPause, Amount: 1}), "inspect")
}
