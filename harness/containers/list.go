package containers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
)

// Info is a stage that the engine has something of.
type Info struct {
	ID string
	// For is what it is kept for, such as "run".
	For string
	// Owner is the process that keeps it, as HOSTNAME/PID. Alive says that it lives;
	// of one on a machine of another name, that the roles do, which end with it.
	Owner   string
	Alive   bool
	Started time.Time
	// Boxes are its containers, by node.
	Boxes []Box

	size   int       // how many containers it is to have
	latest time.Time // when the last of them was made, or of its networks
}

// Box is one container of a stage.
type Box struct {
	// Node is that of the plan, such as "cache/gw-1"; Name is that of the container.
	Node, Name string
	// State is "running", "paused", "exited" or another word of the engine's.
	State string
	Image string
	// URL is the base URL at which this machine reaches the role; empty while it does not run.
	URL string
}

// List lists the stages on this engine, the oldest first. The error is a *NoEngine
// without a Docker engine.
func List(ctx context.Context) ([]Info, error) {
	e, err := connect(ctx)
	if err != nil {
		return nil, err
	}
	stages, err := e.stages(ctx)
	return stages, errors.Join(err, e.close())
}

// stages are all stages: a stage that has just begun, or is almost gone, is but a network.
func (e *engine) stages(ctx context.Context) ([]Info, error) {
	boxes, err := e.containers(ctx, "")
	if err != nil {
		return nil, err
	}
	networks, err := e.networks(ctx, "")
	if err != nil {
		return nil, err
	}
	found := map[string]*Info{}
	for _, n := range networks {
		note(found, n.Labels, n.Created)
	}
	for _, c := range boxes {
		s := note(found, c.Labels, time.Unix(c.Created, 0))
		s.Boxes = append(s.Boxes, boxOf(c))
	}
	var out []Info
	for _, s := range found {
		slices.SortFunc(s.Boxes, func(a, b Box) int { return strings.Compare(a.Node, b.Node) })
		s.Alive = s.alive(time.Now())
		out = append(out, *s)
	}
	slices.SortFunc(out, func(a, b Info) int { return a.Started.Compare(b.Started) })
	return out, nil
}

// note notes something of a stage by its labels.
func note(found map[string]*Info, labels map[string]string, created time.Time) *Info {
	s := found[labels[labelStage]]
	if s == nil {
		s = &Info{ID: labels[labelStage], For: labels[labelFor], Owner: labels[labelOwner], Started: created}
		s.size, _ = strconv.Atoi(labels[labelSize]) // 0 if somebody has made it up
		found[s.ID] = s
	}
	if created.Before(s.Started) {
		s.Started = created
	}
	if created.After(s.latest) {
		s.latest = created
	}
	return s
}

func boxOf(c container.Summary) Box {
	b := Box{Node: c.Labels[labelNode], Name: nameOf(c), State: string(c.State), Image: c.Image}
	for _, p := range c.Ports {
		if p.PublicPort != 0 && strconv.Itoa(int(p.PrivatePort)) == c.Labels[labelPort] {
			scheme := "http"
			if c.Labels[labelPort] == portNATS {
				scheme = "nats"
			}
			b.URL = fmt.Sprintf("%s://%s:%d", scheme, p.IP, p.PublicPort)
		}
	}
	return b
}

// newborn is how long a stage of another machine may have no role that runs.
const newborn = 2 * time.Minute

// alive says whether somebody keeps the stage.
func (s *Info) alive(now time.Time) bool {
	name, pid, _ := strings.Cut(s.Owner, "/")
	if n, err := strconv.Atoi(pid); err == nil && name == host() {
		return lives(n)
	}
	if now.Sub(s.Started) < newborn {
		return true
	}
	return slices.ContainsFunc(s.Boxes, func(b Box) bool {
		return b.State == string(container.StateRunning) && strings.HasPrefix(b.Image, repository+":")
	})
}

// lives says whether a process of this machine lives, whoever's it is.
func lives(pid int) bool {
	p, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	defer p.Release() //nolint:errcheck // it is not ours
	if runtime.GOOS == "windows" {
		return true // else it would not have been found
	}
	err = p.Signal(syscall.Signal(0))
	return (err == nil || errors.Is(err, os.ErrPermission)) && !defunct(pid)
}

// defunct says whether a process has ended, though nobody has waited for it yet: where
// process 1 is no init, as in many a container, nobody ever does. Only Linux tells.
func defunct(pid int) bool {
	stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)) // else it is gone, or this is no Linux
	state := bytes.TrimSpace(stat[bytes.LastIndexByte(stat, ')')+1:])
	return bytes.HasPrefix(state, []byte("Z"))
}

// containers are those of a stage; empty is of any.
func (e *engine) containers(ctx context.Context, id string) ([]container.Summary, error) {
	all, err := e.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: of(id)})
	if err != nil {
		return nil, fmt.Errorf("list containers: %w", err)
	}
	return all.Items, nil
}

// networks are those of a stage; empty is of any.
func (e *engine) networks(ctx context.Context, id string) ([]network.Summary, error) {
	all, err := e.NetworkList(ctx, client.NetworkListOptions{Filters: of(id)})
	if err != nil {
		return nil, fmt.Errorf("list networks: %w", err)
	}
	return all.Items, nil
}

// of chooses what belongs to a stage; empty is to any.
func of(id string) client.Filters {
	label := labelStage
	if id != "" {
		label += "=" + id
	}
	return make(client.Filters).Add("label", label)
}
