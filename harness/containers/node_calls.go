package containers

import (
	"context"
	"fmt"
	"strings"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"

	"github.com/tokendrill/tokendrill/chaos"
)

// call has the engine do one thing. It waits for the end of it also when ctx ends: the
// engine would go on, and nobody would know what it has done.
func (n *node) call(ctx context.Context, what string, do func(context.Context) error) error {
	if err := context.Cause(ctx); err != nil {
		return fmt.Errorf("%s %s: %w", what, n.box.node, err)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callLimit)
	defer cancel()
	if err := do(ctx); err != nil {
		return fmt.Errorf("%s %s: %w", what, n.box.node, oneLine{err})
	}
	return nil
}

// oneLine is an error of the engine without the line ends of the programs below it.
type oneLine struct{ error }

func (e oneLine) Error() string { return strings.Join(strings.Fields(e.error.Error()), " ") }
func (e oneLine) Unwrap() error { return e.error }

// kill kills the container, a paused one too, and returns when it has ended.
func (n *node) kill(ctx context.Context) error {
	n.down, n.empty = true, true // also if it cannot be told whether it was killed
	return n.call(ctx, "kill", func(ctx context.Context) error {
		_, err := n.box.engine.ContainerKill(ctx, n.box.id, client.ContainerKillOptions{})
		return err
	})
}

// pause freezes the container if it runs.
func (n *node) pause(ctx context.Context) error {
	is, err := n.box.inspect(ctx)
	if err != nil || !is.State.Running || is.State.Paused {
		return err
	}
	return n.call(ctx, "pause", func(ctx context.Context) error {
		_, err := n.box.engine.ContainerPause(ctx, n.box.id, client.ContainerPauseOptions{})
		return err
	})
}

func (n *node) unpause(ctx context.Context) error {
	return n.call(ctx, "unpause", func(ctx context.Context) error {
		_, err := n.box.engine.ContainerUnpause(ctx, n.box.id, client.ContainerUnpauseOptions{})
		return err
	})
}

// connect takes the container off the data network if that is in force, and else
// connects it again: an engine forgets the names that it had there.
func (n *node) connect(ctx context.Context) error {
	if n.force[chaos.VerbDisconnect] != 0 {
		return n.call(ctx, "disconnect", func(ctx context.Context) error {
			_, err := n.box.engine.NetworkDisconnect(ctx, n.box.data, client.NetworkDisconnectOptions{Container: n.box.id})
			return err
		})
	}
	return n.call(ctx, "connect", func(ctx context.Context) error {
		_, err := n.box.engine.NetworkConnect(ctx, n.box.data, client.NetworkConnectOptions{
			Container: n.box.id, EndpointConfig: &network.EndpointSettings{Aliases: n.box.aliases},
		})
		return err
	})
}

func (n *node) limitCPU(ctx context.Context) error {
	return n.limit(ctx, container.Resources{CPUPeriod: period, CPUQuota: quota(n.force[chaos.VerbCPU])})
}

// limitMemory also keeps the container from swapping.
func (n *node) limitMemory(ctx context.Context) error {
	bytes := int64(n.force[chaos.VerbMemory])
	if bytes == 0 {
		bytes = allMemory
	}
	return n.limit(ctx, container.Resources{Memory: bytes, MemorySwap: bytes})
}

func (n *node) limit(ctx context.Context, r container.Resources) error {
	return n.call(ctx, "limit", func(ctx context.Context) error {
		_, err := n.box.engine.ContainerUpdate(ctx, n.box.id, client.ContainerUpdateOptions{Resources: &r})
		return err
	})
}
