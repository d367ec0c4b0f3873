package containers

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"golang.org/x/sync/errgroup"
)

// PruneOptions say what to remove. The zero value removes every stage whose owner has
// gone.
type PruneOptions struct {
	// ID is that of one stage, which is removed whoever keeps it; one that is gone
	// already is no error.
	ID string
	// All removes stages that somebody keeps too.
	All bool
	// Images removes the images that were built here and that no container uses.
	Images bool
	// Tell hears of each thing that was removed, and what is waited for; nil throws it
	// away.
	Tell func(string)
}

// Prune removes what stages have left behind. The error is a *NoEngine without a
// Docker engine.
func Prune(ctx context.Context, o PruneOptions) error {
	e, err := connect(ctx)
	if err != nil {
		return err
	}
	if o.Tell == nil {
		o.Tell = func(string) {}
	}
	stages, err := e.stages(ctx)
	for _, s := range stages {
		if o.chooses(s) {
			err = errors.Join(err, e.pruneOne(ctx, s, o.Tell))
		}
	}
	if err == nil && o.Images {
		err = e.pruneImages(ctx, o.Tell)
	}
	return errors.Join(err, e.close())
}

func (o PruneOptions) chooses(s Info) bool {
	if o.ID != "" {
		return s.ID == o.ID
	}
	return o.All || !s.Alive
}

// belated is how long after its last one the engine may come out with a container that
// a process asked for before it was killed: seconds, on a busy machine.
const belated = 10 * time.Second

func (e *engine) pruneOne(ctx context.Context, s Info, tell func(string)) error {
	removed, err := e.remove(ctx, s.ID)
	wait := min(belated, belated-time.Since(s.latest))
	if err == nil && removed < s.size && wait > 0 {
		tell(fmt.Sprintf("stage %s has %d of its %d containers: waiting up to %.0f s for more that its owner has asked for", s.ID, removed, s.size, math.Ceil(wait.Seconds())))
	}
	for until := time.Now().Add(wait); err == nil && removed < s.size && ctx.Err() == nil && time.Now().Before(until); {
		pause(ctx)
		var more int
		more, err = e.remove(ctx, s.ID)
		removed += more
	}
	if err != nil {
		return err
	}
	tell(fmt.Sprintf("removed stage %s of %s (%s): %d containers and their networks", s.ID, s.Owner, s.For, removed))
	return nil
}

// pruneImages removes images that were built here.
func (e *engine) pruneImages(ctx context.Context, tell func(string)) error {
	images, err := e.ImageList(ctx, client.ImageListOptions{Filters: make(client.Filters).Add("label", labelImage)})
	if err != nil {
		return fmt.Errorf("images: %w", err)
	}
	for _, image := range images.Items {
		_, err := e.ImageRemove(ctx, image.ID, client.ImageRemoveOptions{PruneChildren: true})
		switch {
		case errdefs.IsConflict(err): // a container uses it
		case errdefs.IsNotFound(err): // it went with another one
		case err != nil:
			return fmt.Errorf("image %s: %w", image.ID, err)
		default:
			tell("removed image " + strings.Join(image.RepoTags, " "))
		}
	}
	return nil
}

// removeLimit bounds the removal of one stage.
const removeLimit = 2 * time.Minute

// remove removes the containers and networks of a stage, also when ctx ends, and says
// how many containers it had.
func (e *engine) remove(ctx context.Context, id string) (int, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeLimit)
	defer cancel()
	boxes, err := e.containers(ctx, id)
	if err != nil {
		return 0, err
	}
	some, within := errgroup.WithContext(ctx)
	some.SetLimit(sideBySide)
	for _, c := range boxes {
		some.Go(func() error { return e.removeBox(within, c) })
	}
	if err := some.Wait(); err != nil {
		return 0, err
	}
	return len(boxes), e.removeNetworks(ctx, id)
}

// removeBox kills and removes a container.
func (e *engine) removeBox(ctx context.Context, c container.Summary) error {
	if err := e.started(ctx, c); err != nil {
		return err
	}
	if c.State == container.StatePaused { // what is frozen dies when it is thawed
		_, _ = e.ContainerUnpause(ctx, c.ID, client.ContainerUnpauseOptions{}) // the removal will say what is wrong
	}
	for {
		_, err := e.ContainerRemove(ctx, c.ID, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
		switch {
		case err == nil, errdefs.IsNotFound(err):
			return nil
		case !errdefs.IsConflict(err) || ctx.Err() != nil: // a conflict: it is being removed
			return fmt.Errorf("remove container %s: %w", nameOf(c), err)
		}
		pause(ctx)
	}
}

// started waits for a container that may be on its way up. One that is removed then
// leaves the engine with an endpoint of a network that nobody can remove.
func (e *engine) started(ctx context.Context, c container.Summary) error {
	const young, wait = time.Minute, 2 * time.Second
	for began := time.Now(); c.State == container.StateCreated && time.Since(time.Unix(c.Created, 0)) < young && time.Since(began) < wait; {
		is, err := e.ContainerInspect(ctx, c.ID, client.ContainerInspectOptions{})
		switch {
		case errdefs.IsNotFound(err):
			return nil
		case err != nil:
			return fmt.Errorf("remove container %s: %w", nameOf(c), err)
		}
		c.State = is.Container.State.Status
		pause(ctx)
	}
	return nil
}

// networkTries is how often the removal of a network is tried that the engine still
// takes to be in use.
const networkTries = 50

func (e *engine) removeNetworks(ctx context.Context, id string) error {
	all, err := e.networks(ctx, id)
	if err != nil {
		return err
	}
	for _, n := range all {
		err = errors.Join(err, e.removeNetwork(ctx, n))
	}
	return err
}

func (e *engine) removeNetwork(ctx context.Context, n network.Summary) error {
	var err error
	for range networkTries {
		if _, err = e.NetworkRemove(ctx, n.ID, client.NetworkRemoveOptions{}); err == nil || errdefs.IsNotFound(err) {
			return nil
		}
		if ctx.Err() != nil {
			break
		}
		pause(ctx)
	}
	return fmt.Errorf("network %s cannot be removed before the engine is started again: %w", n.Name, err)
}

// pause is between two tries.
func pause(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(100 * time.Millisecond):
	}
}

// nameOf is the name of a container.
func nameOf(c container.Summary) string {
	if i := slices.IndexFunc(c.Names, func(n string) bool { return n != "" }); i >= 0 {
		return strings.TrimPrefix(c.Names[i], "/")
	}
	return c.ID
}
