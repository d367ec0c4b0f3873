package containers

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tokendrill/tokendrill/chaos"
	"github.com/tokendrill/tokendrill/fixtures/authority"
	"github.com/tokendrill/tokendrill/fixtures/pattern"
	"github.com/tokendrill/tokendrill/harness"
)

// Options say what a stage is made of. The zero value will do for a static tokendrill.
type Options struct {
	// Binary is a static tokendrill for Linux, the program of the image; empty is
	// this executable.
	Binary string
	// For says in a word or two what the stage is kept for, such as "run"; empty is "run".
	For string
	// Progress hears what is being done; nil throws it away.
	Progress func(string)
}

// Stage runs the reference patterns of a plan with each role in a container of its
// own. A plan with targets takes it as external.Stage.Beside.
type Stage struct {
	Options
	// Audit hears of every fallback, limited operation and step-up; nil throws them away.
	Audit pattern.Auditor
	// Clients are more clients of the authority; see harness.References.Clients.
	Clients []authority.Client
}

var _ harness.Stage = Stage{}

const (
	// sideBySide is how many containers are made or removed at a time.
	sideBySide = 4
	// boxLimit bounds what the engine takes for one container, and upLimit what its
	// role takes to answer.
	boxLimit = time.Minute
	upLimit  = 30 * time.Second
)

// Start puts the roles in place. If it fails, or ctx ends before it is done, nothing is
// left but the image. The error is a *NoEngine without a Docker engine.
func (s Stage) Start(ctx context.Context, p *harness.Plan) (*harness.Site, error) {
	e, err := connect(ctx)
	if err != nil {
		return nil, err
	}
	g := newGround(e, s.Options)
	g.audit = s.Audit
	site, err := s.start(ctx, g, p)
	if err != nil {
		return nil, errors.Join(err, g.close())
	}
	return site, nil
}

func (s Stage) start(ctx context.Context, g *ground, p *harness.Plan) (*harness.Site, error) {
	sweep, err := g.sweepBy(s.Binary)
	if err == nil {
		err = g.prepare(ctx, p, s.Binary)
	}
	if err != nil {
		return nil, err
	}
	g.tell("starting the roles")
	refs := harness.References{
		Stage: fmt.Sprintf("containers (Docker %s)", g.engine.version), Serve: g.serve, Transport: g.transport, Clients: s.Clients,
	}
	site, err := refs.Start(ctx, p)
	if err != nil {
		return nil, err
	}
	site.Sweep, site.Close = sweep, g.close
	return site, nil
}

// ground is what a stage stands on: its containers and networks.
type ground struct {
	engine    *engine
	id        string
	use       string // what it is for
	size      int    // how many containers it is to have
	audit     pattern.Auditor
	tell      func(string)
	data      string // ids of networks
	control   string
	boxes     map[string]*served // by node; complete before roles are served
	transport *http.Transport
}

func newGround(e *engine, o Options) *ground {
	g := &ground{engine: e, id: strings.ToLower(rand.Text()[:8]), use: o.For, tell: o.Progress, boxes: map[string]*served{}}
	if g.use == "" {
		g.use = "run"
	}
	if g.tell == nil {
		g.tell = func(string) {}
	}
	g.transport = harness.NewTransport(harness.DefaultAttackWorkers)
	return g
}

// prepare makes image, networks and containers, and starts these.
func (g *ground) prepare(ctx context.Context, p *harness.Plan, binary string) error {
	image, err := g.engine.image(ctx, binary, g.tell)
	if err != nil {
		return err
	}
	if err := g.fetch(ctx, p.Scenario.Roles); err != nil {
		return err
	}
	for _, kind := range harness.Roles() {
		g.size += len(p.Nodes(kind))
	}
	if err := g.network(ctx); err != nil {
		return err
	}
	ours, theirs := g.requests(p, image)
	g.tell(fmt.Sprintf("starting %d containers", g.size))
	if err := g.make(ctx, ours); err != nil {
		return err
	}
	// Other people's software may ask for the address of ours as soon as it starts.
	if err := g.make(ctx, theirs); err != nil {
		return err
	}
	g.transport.DialContext = g.dialer()
	return nil
}

// make makes and starts containers, some at a time. What it has begun when ctx ends
// it finishes, as the engine would do so anyway.
func (g *ground) make(ctx context.Context, all []*served) error {
	some, ctx := errgroup.WithContext(ctx)
	some.SetLimit(sideBySide)
	for _, s := range all {
		g.boxes[s.box.node] = s
		some.Go(func() error {
			if err := context.Cause(ctx); err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), boxLimit)
			defer cancel()
			return g.run(ctx, s)
		})
	}
	return some.Wait()
}

// run makes and starts one container.
func (g *ground) run(ctx context.Context, s *served) error {
	made, err := g.engine.provider.CreateContainer(ctx, s.request)
	if err != nil {
		return fmt.Errorf("%s: %w", s.box.node, err)
	}
	s.box.id = made.GetContainerID()
	return s.box.start(ctx)
}

// serve has a container serve a role, or waits for the one that does so by itself.
func (g *ground) serve(ctx context.Context, r harness.Role) (*harness.Standing, error) {
	ctx, cancel := context.WithTimeout(ctx, upLimit)
	defer cancel()
	s := g.boxes[r.Node]
	at, err := s.box.published(s.box.port)
	if err != nil {
		return nil, err
	}
	up := &harness.Standing{Served: harness.Served{URL: s.scheme() + at, Close: closed}, Within: s.within()}
	if s.far == nil {
		up.Control = newNode(s.box, nil)
		return up, s.box.await(ctx)
	}
	r.Listen, r.Dir = ":"+s.box.port, store
	if r.Kind == chaos.RoleAuthority {
		r.Issuer, up.Calls = up.URL, s.far.Calls
	}
	if err := s.box.until(ctx, s.far.Ping); err != nil {
		return nil, err
	}
	if _, err := s.far.Start(ctx, r); err != nil {
		if ended := s.box.ended(context.WithoutCancel(ctx)); ended != nil {
			err = fmt.Errorf("%w; %w", err, ended)
		}
		return nil, err
	}
	up.Control, up.Far = newNode(s.box, s.far), s.far
	return up, nil
}

// store is where the registry keeps its files, in a container that is started again too.
const store = "/tmp/registry"

// closed closes a role: its container is removed with all the others.
func closed() error { return nil }

// dialer reaches each role at the address at which it was published first: after a
// restart the engine publishes it at another one.
func (g *ground) dialer() func(context.Context, string, string) (net.Conn, error) {
	at := map[string]*box{}
	for _, s := range g.boxes {
		if first, err := s.box.published(s.box.port); err == nil {
			at[first] = s.box
		}
	}
	dial := g.transport.DialContext
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if b := at[address]; b != nil {
			now, err := b.published(b.port)
			if err != nil {
				return nil, err
			}
			address = now
		}
		return dial(ctx, network, address)
	}
}

// close takes everything down but the image.
func (g *ground) close() error {
	_, err := g.engine.remove(context.Background(), g.id)
	for _, s := range g.boxes {
		if s.far != nil {
			_ = s.far.Close() // its process has been killed
		}
	}
	g.transport.CloseIdleConnections()
	return errors.Join(err, g.engine.close())
}

// sweepBy is the command that takes the stage away when this process is gone, or hangs:
// then too, whoever keeps it. A binary that was named is a tokendrill; this executable
// may be somebody's tests.
func (g *ground) sweepBy(binary string) ([]string, error) {
	if binary == "" || runtime.GOOS != "linux" {
		own, err := os.Executable()
		if err != nil {
			return nil, err
		}
		binary = own
	}
	program, err := filepath.Abs(binary)
	return []string{program, "stage", "prune", "--all", "--id", g.id}, err
}
