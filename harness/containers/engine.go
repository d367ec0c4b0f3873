package containers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/log"
)

// NoEngine says that no Docker engine can be used, and why.
type NoEngine struct{ Err error }

// Error is one line: what is missing and how to get it.
func (n *NoEngine) Error() string {
	why := strings.Join(strings.Fields(n.Err.Error()), " ")
	return "containers need a Docker engine on this machine: " + why +
		"; install one (https://docs.docker.com/engine/install/) and start it, or name its socket in DOCKER_HOST"
}

func (n *NoEngine) Unwrap() error { return n.Err }

// Reachable returns a *NoEngine if there is no Docker engine that a stage could use.
func Reachable(ctx context.Context) error {
	e, err := connect(ctx)
	if err != nil {
		return err
	}
	return e.close()
}

// engine is a Docker engine on this machine.
type engine struct {
	client.APIClient
	provider *testcontainers.DockerProvider
	version  string
	arch     string // as Go calls it
}

// engineLimit bounds the first question to an engine.
const engineLimit = 10 * time.Second

// connect connects to the engine that DOCKER_HOST names, or else to the one that
// testcontainers finds. Its error is a *NoEngine, or that of ctx.
func connect(ctx context.Context) (*engine, error) {
	settle()
	ask, cancel := context.WithTimeout(ctx, engineLimit)
	defer cancel()
	e, err := open(ask)
	switch {
	case err == nil:
		return e, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	}
	return nil, &NoEngine{err}
}

// open asks the engine of DOCKER_HOST itself, since testcontainers would try others
// after it.
func open(ctx context.Context) (*engine, error) {
	if os.Getenv(client.EnvOverrideHost) != "" {
		if err := named(ctx); err != nil {
			return nil, err
		}
	}
	provider, err := testcontainers.NewDockerProvider(testcontainers.DockerProviderOptionFunc(
		func(o *testcontainers.DockerProviderOptions) { o.Logger = mute{} },
	))
	if err != nil {
		return nil, err
	}
	e := &engine{APIClient: provider.Client(), provider: provider}
	version, err := e.ServerVersion(ctx, client.ServerVersionOptions{})
	if err == nil {
		e.version, e.arch, err = version.Version, version.Arch, here(e.DaemonHost())
	}
	if err == nil && version.Os != "linux" {
		err = fmt.Errorf("the one at %s runs %s containers", e.DaemonHost(), version.Os)
	}
	if err != nil {
		return nil, errors.Join(err, e.close())
	}
	return e, nil
}

// named asks the engine that DOCKER_HOST names.
func named(ctx context.Context) error {
	c, err := client.New(client.FromEnv)
	if err != nil {
		return fmt.Errorf("%s: %w", client.EnvOverrideHost, err)
	}
	defer c.Close() //nolint:errcheck // idle connections
	_, err = c.Ping(ctx, client.PingOptions{})
	return err
}

// here refuses an engine on another machine: ports are published on loopback only.
func here(host string) error {
	u, err := url.Parse(host)
	if err != nil {
		return err
	}
	name := u.Hostname()
	if at, err := netip.ParseAddr(name); name == "" || name == "localhost" || err == nil && at.IsLoopback() {
		return nil
	}
	return fmt.Errorf("the one at %s is on another machine", host)
}

// close ends idle connections.
func (e *engine) close() error { return e.provider.Close() }

// settle settles what testcontainers reads for the whole process when it is first
// used: no reaper, whose image cannot be pulled everywhere and which takes away what
// an owner may want to look at, and nothing on standard error.
var settle = sync.OnceFunc(func() {
	_ = os.Setenv("TESTCONTAINERS_RYUK_DISABLED", "true") // fails for bad names only
	log.SetDefault(mute{})                                //nolint:forbidigo // so that nothing is logged
})

// mute is a log of testcontainers.
type mute struct{}

// Printf throws a line away.
func (mute) Printf(string, ...any) {}

// host is the name of this machine in labels.
func host() string {
	name, _ := os.Hostname()
	return cmp.Or(name, "unknown")
}
