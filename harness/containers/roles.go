package containers

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/testcontainers/testcontainers-go"

	"github.com/tokendrill/tokendrill/chaos"
	"github.com/tokendrill/tokendrill/harness"
	"github.com/tokendrill/tokendrill/harness/remote"
	"github.com/tokendrill/tokendrill/scenarios"
)

// served is the container of one role.
type served struct {
	box     *box
	far     *remote.Client // nil for other people's software
	request testcontainers.ContainerRequest
}

// requests are the containers of a plan: ours, and those of other people's software.
func (g *ground) requests(p *harness.Plan, image string) (ours, theirs []*served) {
	for _, kind := range harness.Roles() {
		for _, node := range p.Nodes(kind) {
			if role, replaced := p.Scenario.Roles[kind]; replaced {
				theirs = append(theirs, g.their(kind, node, role))
			} else {
				ours = append(ours, g.our(kind, node, image))
			}
		}
	}
	return ours, theirs
}

// our is the container of a role in our own image. What the role is told it hears on
// the control port: its command line has no secret.
func (g *ground) our(kind, node, image string) *served {
	key := rand.Text()
	s := g.served(kind, node, defaultPort(kind))
	s.far = remote.NewClient(func() string {
		at, err := s.box.published(portControl)
		if err != nil {
			return "" // nobody answers there
		}
		return "http://" + at
	}, key)
	s.far.Audit = g.audit
	// In full: what has no registry in its name may be looked for in that of the user.
	s.request.Image = "docker.io/library/" + image
	s.request.Cmd = []string{"serve", kind, "--listen", ":" + s.box.port, "--control", ":" + portControl, "--control-key-hash", remote.HashKey(key)}
	s.expose(s.box.port, portControl)
	s.request.ConfigModifier = func(c *container.Config) { c.Image = image }
	return s
}

// their is the container of other people's software.
func (g *ground) their(kind, node string, role scenarios.RoleImage) *served {
	port := defaultPort(kind)
	if role.Port != 0 {
		port = strconv.Itoa(role.Port)
	}
	s := g.served(kind, node, port)
	s.request.Image, s.request.Cmd, s.request.Env = role.Image, role.Command, role.Env
	for _, path := range slices.Sorted(maps.Keys(role.Config)) {
		text := strings.ReplaceAll(role.Config[path], "${AUTHORITY}", "http://"+chaos.RoleAuthority+":"+portHTTP)
		s.request.Files = append(s.request.Files, testcontainers.ContainerFile{
			Reader: strings.NewReader(text), ContainerFilePath: path, FileMode: 0o644,
		})
	}
	s.expose(port)
	return s
}

// served is what all containers have in common: labels, and both networks.
func (g *ground) served(kind, node, port string) *served {
	alias := strings.ReplaceAll(node, "/", "-")
	labels := g.labels()
	labels[labelNode], labels[labelRole], labels[labelPort] = node, kind, port
	data, control := g.name(networkData), g.name(networkControl)
	return &served{
		box: &box{
			engine: g.engine, node: node, port: port, nats: kind == chaos.RoleRegistry, data: g.data, aliases: []string{alias},
		},
		request: testcontainers.ContainerRequest{
			Name: g.name(alias), Labels: labels, Networks: []string{data, control}, NetworkAliases: map[string][]string{data: {alias}},
		},
	}
}

// expose publishes ports on loopback, wherever the engine has one free.
func (s *served) expose(ports ...string) {
	bindings := network.PortMap{}
	for _, p := range ports {
		port := p + "/tcp"
		s.request.ExposedPorts = append(s.request.ExposedPorts, port)
		bindings[network.MustParsePort(port)] = []network.PortBinding{{HostIP: loopback, HostPort: "0"}}
	}
	ours := s.far != nil
	s.request.HostConfigModifier = func(h *container.HostConfig) {
		h.PortBindings = bindings
		if ours {
			h.CapDrop, h.SecurityOpt = []string{"ALL"}, []string{"no-new-privileges"}
			// Only the engine knows the names of roles. One that it does not know is unknown
			// at once, and not when a resolver somewhere else has not answered for 5 s.
			h.DNS, h.DNSOptions = []netip.Addr{loopback}, []string{"timeout:1", "attempts:1"}
		}
	}
}

// scheme is that of the role's URLs.
func (s *served) scheme() string {
	if s.box.nats {
		return "nats://"
	}
	return "http://"
}

// within is the base URL at which other roles reach it.
func (s *served) within() string { return s.scheme() + s.box.aliases[0] + ":" + s.box.port }

func defaultPort(kind string) string {
	if kind == chaos.RoleRegistry {
		return portNATS
	}
	return portHTTP
}

// fetch sees to it that the engine has the images of other people's software.
func (g *ground) fetch(ctx context.Context, roles map[string]scenarios.RoleImage) error {
	for _, kind := range slices.Sorted(maps.Keys(roles)) {
		image := roles[kind].Image
		_, err := g.engine.ImageInspect(ctx, image)
		if errdefs.IsNotFound(err) {
			g.tell("pulling the image " + image)
			err = g.engine.provider.PullImage(ctx, image)
		}
		if err != nil {
			why := strings.Join(strings.Fields(err.Error()), " ")
			return fmt.Errorf("roles.%s: the engine does not have the image %s and cannot pull it: %s", kind, image, cmp.Or(why, "no reason given"))
		}
	}
	return nil
}
