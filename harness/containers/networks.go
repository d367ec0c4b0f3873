package containers

import (
	"context"
	"fmt"
	"os"
	"strconv"

	"github.com/moby/moby/client"
)

// The networks of a stage. Roles talk to each other on the first, which leads nowhere
// else; the second is there for published ports, so that a role that is cut off from
// the others can still be asked about it.
const (
	networkData    = "data"
	networkControl = "control"
)

// Labels of everything that a stage makes.
const (
	labelStage = "tokendrill.stage" // its id
	labelFor   = "tokendrill.for"
	labelOwner = "tokendrill.owner" // HOSTNAME/PID of the process that keeps it
	labelSize  = "tokendrill.size"  // how many containers it is to have
	labelNode  = "tokendrill.node"
	labelRole  = "tokendrill.role"
	labelPort  = "tokendrill.port"  // of the role, within the container
	labelImage = "tokendrill.image" // of the images that are built here
)

func (g *ground) labels() map[string]string {
	return map[string]string{
		labelStage: g.id, labelFor: g.use, labelOwner: fmt.Sprintf("%s/%d", host(), os.Getpid()), labelSize: strconv.Itoa(g.size),
	}
}

// name is that of something that the stage makes.
func (g *ground) name(what string) string { return "tokendrill-" + g.id + "-" + what }

// network makes the networks.
func (g *ground) network(ctx context.Context) (err error) {
	if g.data, err = g.lay(ctx, networkData, true); err != nil {
		return err
	}
	g.control, err = g.lay(ctx, networkControl, false)
	return err
}

func (g *ground) lay(ctx context.Context, what string, internal bool) (id string, err error) {
	if err := context.Cause(ctx); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), boxLimit)
	defer cancel()
	made, err := g.engine.NetworkCreate(ctx, g.name(what), client.NetworkCreateOptions{Driver: "bridge", Internal: internal, Labels: g.labels()})
	if err != nil {
		return "", fmt.Errorf("network %s: %w", g.name(what), err)
	}
	return made.ID, nil
}
