package containers

import (
	"context"
	"math"
	"time"

	"github.com/moby/moby/api/types/container"

	"github.com/tokendrill/tokendrill/chaos"
)

// settle makes the container what is in force, whatever it is. It stops at the first
// call that fails.
func (n *node) settle(ctx context.Context) error {
	is, err := n.box.inspect(ctx)
	if err != nil {
		return err
	}
	now := n.states(is)
	steps := []struct {
		due bool
		do  func(context.Context) error
	}{
		{n.force[chaos.VerbKill] != 0 && is.State.Running, n.kill},
		{now[chaos.VerbCPU] != n.force[chaos.VerbCPU], n.limitCPU},
		{now[chaos.VerbMemory] != n.force[chaos.VerbMemory], n.limitMemory},
		{now[chaos.VerbDisconnect] != n.force[chaos.VerbDisconnect], n.connect},
		{n.force[chaos.VerbPause] == 0 && n.force[chaos.VerbKill] == 0 && is.State.Paused, n.unpause},
		{n.force[chaos.VerbKill] == 0, n.revive},
		{n.force[chaos.VerbPause] != 0, n.pause},
	}
	for _, s := range steps {
		if !s.due {
			continue
		}
		if err := s.do(ctx); err != nil {
			return err
		}
	}
	return nil
}

// states are the amounts of verbs that the engine tells of the container.
func (n *node) states(is container.InspectResponse) map[chaos.Verb]float64 {
	states := map[chaos.Verb]float64{
		chaos.VerbPause: truth(is.State.Paused), chaos.VerbKill: truth(!is.State.Running), chaos.VerbDisconnect: 1,
		chaos.VerbCPU: cpus(is.HostConfig.CPUQuota), chaos.VerbMemory: float64(is.HostConfig.Memory),
	}
	for _, on := range is.NetworkSettings.Networks {
		if on.NetworkID == n.box.data || on.NetworkID == "" { // it gets the id of one that was joined while down when it starts
			states[chaos.VerbDisconnect] = 0
		}
	}
	if is.HostConfig.Memory >= allMemory {
		states[chaos.VerbMemory] = 0
	}
	return states
}

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

const (
	// period is that of a CPU quota, in microseconds.
	period = 100_000
	// allMemory is more than any machine has, in bytes: an engine knows no word for a
	// limit that is taken away.
	allMemory = 1 << 50
)

// quota is how long a number of CPUs may run in a period, in microseconds; -1 is as
// long as they like.
func quota(cpus float64) int64 {
	if cpus == 0 {
		return -1
	}
	return int64(math.Round(cpus * period))
}

// cpus is the reverse of quota.
func cpus(quota int64) float64 { return float64(max(quota, 0)) / period }

// revive has a container run and its role be up. If that fails it is tried again until
// ctx ends, as what the role needs may be on its way back too.
func (n *node) revive(ctx context.Context) error {
	for {
		err := n.raise(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(reviveEvery):
		}
	}
}

const (
	// reviveEvery is how long to wait before a role that did not come up is raised
	// again, and serveLimit how long it may take to.
	reviveEvery = 100 * time.Millisecond
	serveLimit  = 10 * time.Second
)

// raise starts a container that does not run, and has its role served again. One that
// a limit of memory has killed stays down for as long as the limit holds.
func (n *node) raise(ctx context.Context) error {
	is, err := n.box.inspect(ctx)
	switch {
	case err != nil:
		return err
	case is.State.Running && (!n.empty || is.State.Paused):
		return nil
	case is.State.Running: // a start that took too long has come to its end
		err = n.box.publish(is)
	case !n.down && n.force[chaos.VerbMemory] != 0:
		return nil
	default:
		n.empty = true
		err = n.call(ctx, "start", n.box.start)
	}
	if err != nil {
		return err
	}
	n.down = false
	return n.serve(ctx)
}

// serve has the role served again. Off its network it may be unable to come up: then
// it is tried, and left until the container is connected.
func (n *node) serve(ctx context.Context) error {
	off, limit := n.force[chaos.VerbDisconnect] != 0, serveLimit
	if off {
		limit = lookLimit
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	resume := n.box.await
	if n.role != nil {
		resume = n.role.Resume
	}
	switch err := resume(ctx); {
	case err == nil:
		n.empty = false
	case !off:
		return err
	}
	return nil
}
