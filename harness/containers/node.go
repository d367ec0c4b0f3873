package containers

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/containerd/errdefs"

	"github.com/tokendrill/tokendrill/chaos"
	"github.com/tokendrill/tokendrill/harness/remote"
)

const (
	// callLimit bounds one call of the engine, and restartLimit a whole restart.
	callLimit    = 10 * time.Second
	restartLimit = 20 * time.Second
)

// node steers one container and the role in it. It implements chaos.Control: verbs of
// containers go to the engine, all others to the role.
//
// Each command says what shall be in force, and the container is then made so from
// whatever it is. So verbs compose in any order, one may be told twice or ended
// without a beginning, and the end of one mends what a command before it left half
// done. Commands to one container are carried out one by one.
type node struct {
	box  *box
	role *remote.Client // nil for other people's software
	turn chan struct{}  // full while somebody commands the container, or looks at it

	// The holder of the turn has these.
	force  map[chaos.Verb]float64 // the amounts in force, by verb of containers
	landed map[chaos.Verb]bool    // what is in force has been seen to be
	down   bool                   // it was killed here, and has to be started again
	empty  bool                   // the role in it has to be served again

	mu   sync.Mutex
	seen map[chaos.Verb]evidence
}

// newNode steers a container that runs. The role is nil for other people's software,
// which knows the verbs of containers and VerbRestart.
func newNode(b *box, role *remote.Client) *node {
	return &node{
		box: b, role: role, turn: make(chan struct{}, 1),
		force: map[chaos.Verb]float64{}, landed: map[chaos.Verb]bool{}, seen: map[chaos.Verb]evidence{},
	}
}

// Do implements chaos.Control. It returns when the engine has done it, and after a
// restart or the end of a kill when the role is up again. When ctx ends it stops
// between two calls of the engine.
func (n *node) Do(ctx context.Context, c chaos.Command) error {
	switch {
	case c.Verb == chaos.VerbRestart:
		return n.alone(ctx, func() error { return n.restart(ctx, c.Amount != 0) })
	case ofContainer(c.Verb):
		return n.alone(ctx, func() error { return n.put(ctx, c) })
	case n.role == nil:
		return fmt.Errorf("%s is other people's software, which does not know the verb %q", n.box.node, c.Verb)
	}
	return n.role.Do(ctx, c)
}

// ofContainer says whether a verb is about the container, and lasts.
func ofContainer(v chaos.Verb) bool {
	switch v {
	case chaos.VerbPause, chaos.VerbKill, chaos.VerbDisconnect, chaos.VerbCPU, chaos.VerbMemory:
		return true
	}
	return false
}

// alone does something while nobody else has the turn.
func (n *node) alone(ctx context.Context, do func() error) error {
	select {
	case n.turn <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("%s: waiting for another command: %w", n.box.node, context.Cause(ctx))
	}
	defer func() { <-n.turn }()
	return do()
}

// put puts a verb in force, or ends it. One that fails to begin is not in force, and
// what is left of it is mended with the next command.
func (n *node) put(ctx context.Context, c chaos.Command) error {
	before := n.force[c.Verb]
	n.force[c.Verb] = exactly(c)
	n.landed[c.Verb] = false
	err := n.settle(ctx)
	switch {
	case err != nil && c.Amount != 0:
		n.force[c.Verb] = before
		return err
	case errdefs.IsNotFound(err): // the watchdog has taken the stage away, and what was in force with it
		return nil
	case err != nil:
		return err
	}
	if c.Amount != 0 {
		n.look(ctx, c.Verb)
	}
	return nil
}

// exactly is an amount as the engine keeps it.
func exactly(c chaos.Command) float64 {
	switch c.Verb {
	case chaos.VerbCPU:
		return cpus(quota(c.Amount))
	case chaos.VerbMemory:
		return math.Round(c.Amount)
	}
	return c.Amount
}

// restart kills the container and starts it again, with all that is in force. Nobody
// ends a restart, so it goes on when ctx ends: half of one would stay.
func (n *node) restart(ctx context.Context, begins bool) error {
	if !begins {
		return n.settle(ctx)
	}
	if n.force[chaos.VerbKill] != 0 {
		return fmt.Errorf("restart %s: it is killed", n.box.node)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), restartLimit)
	defer cancel()
	is, err := n.box.inspect(ctx)
	if err == nil && is.State.Running {
		err = n.kill(ctx)
	}
	n.down = true
	if err == nil {
		err = n.settle(ctx)
	}
	if err == nil {
		n.count(chaos.VerbRestart, evidence{met: 1})
	}
	return err
}
