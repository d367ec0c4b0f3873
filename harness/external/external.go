// Package external runs plans on systems of the user's own: gateways and an
// authorization server that a target file describes. It is a harness.Stage.
package external

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"

	"github.com/tokendrill/tokendrill/harness"
	"github.com/tokendrill/tokendrill/scenarios"
)

// Options say what may be reached and how. The zero value reaches loopback only.
type Options struct {
	// Allow are the hosts that may be reached beyond loopback, by the name or address
	// that the target file, or what its issuer publishes, calls them.
	Allow []string
	// Insecure allows targets that say so to be reached without verifying their
	// certificates.
	Insecure bool
	// Getenv looks up secrets; nil is os.Getenv.
	Getenv func(string) string
}

// Stage runs the targets of a plan where they are, and its reference patterns, if
// it has any, on a stage of their own beside them.
type Stage struct {
	Options
	// Beside runs the reference patterns; nil is a harness.Embedded.
	Beside harness.Stage
}

// Start opens every target and has a look at it: one that is not fit to be measured
// is an error, an *Unfit, and one that is not written well a *Mistake. Nothing is
// revoked.
func (s Stage) Start(ctx context.Context, p *harness.Plan) (*harness.Site, error) {
	site, err := s.references(ctx, p)
	if err != nil {
		return nil, err
	}
	site.Own = make([]*harness.Own, len(p.Systems))
	rest := closers{site.Close}
	for i, sys := range p.Systems {
		if sys.Target == nil {
			continue
		}
		system, err := Open(ctx, sys.Target, s.Options)
		if err == nil {
			rest = append(rest, system.Close)
			if err = system.enough(p, i); err == nil {
				err = system.fit(ctx)
			}
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w", sys.Target.Name, err), rest.close())
		}
		site.Own[i], site.Gateways[i] = system.own(), system.gateways()
	}
	site.Close = rest.close
	return site, nil
}

// references is the site of the reference patterns, which may be none, with room for
// the targets.
func (s Stage) references(ctx context.Context, p *harness.Plan) (*harness.Site, error) {
	if len(p.References()) == 0 {
		n := len(p.Systems)
		return &harness.Site{
			Stage: "external", Gateways: make([][]string, n), Origins: make([][]string, n),
			Transport: nowhere{}, Calls: func(string) int64 { return -1 },
		}, nil
	}
	stage := s.Beside
	if stage == nil {
		stage = harness.Embedded{}
	}
	site, err := stage.Start(ctx, p)
	if err != nil {
		return nil, err
	}
	known := site.Calls
	site.Stage += " and external"
	site.Calls = func(pattern string) int64 {
		if slices.ContainsFunc(p.Systems, func(s harness.System) bool { return s.Target != nil && s.Pattern == pattern }) {
			return -1
		}
		return known(pattern)
	}
	return site, nil
}

// nowhere is the way to reference gateways where there are none.
type nowhere struct{}

func (nowhere) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("no reference pattern is up")
}

// closers are closed in reverse order; some may be nil.
type closers []func() error

func (c closers) close() error {
	var err error
	for i := len(c) - 1; i >= 0; i-- {
		if c[i] != nil {
			err = errors.Join(err, c[i]())
		}
	}
	return err
}

// System is a target within reach.
type System struct {
	Target *scenarios.Target

	doors     []http.RoundTripper // of each gateway
	authority harness.Authority
	rest      closers
}

// Mistake is an error of what the user wrote: the target file, what it names, or what
// the command line allows.
type Mistake struct{ Err error }

func (m *Mistake) Error() string { return m.Err.Error() }

func (m *Mistake) Unwrap() error { return m.Err }

// Open reads the secrets of a target, discovers its endpoints and makes ready to
// reach it. Hosts beyond loopback that are not allowed are an error. The error is an
// *Unfit if discovery fails, that of ctx, or else a *Mistake. Close it.
func Open(ctx context.Context, t *scenarios.Target, opts Options) (*System, error) {
	s, err := open(ctx, t, opts)
	switch {
	case err == nil, errors.As(err, new(*Unfit)):
		return s, err
	case ctx.Err() != nil:
		return nil, ctx.Err()
	}
	return nil, &Mistake{err}
}

func open(ctx context.Context, t *scenarios.Target, opts Options) (*System, error) {
	r, err := newReach(t, opts)
	if err != nil {
		return nil, err
	}
	if err := r.mayAll(t); err != nil {
		return nil, err
	}
	if opts.Getenv == nil {
		opts.Getenv = os.Getenv
	}
	s := &System{Target: t}
	client := newCaller(t, r, opts.Getenv)
	s.keep(client)
	if s.authority, err = newAuthority(ctx, t, client); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	for _, g := range t.Gateways {
		d := r.door(g.Connect)
		s.doors = append(s.doors, d)
		s.keep(d)
	}
	return s, nil
}

// keep closes the connections of a door with the system.
func (s *System) keep(d door) {
	s.rest = append(s.rest, func() error {
		d.CloseIdleConnections()
		return nil
	})
}

// Close ends its connections.
func (s *System) Close() error { return s.rest.close() }

// String names the target, and shows no secret of it.
func (s *System) String() string { return "target " + s.Target.Name }

// enough says whether the tokens of a target that has them in a file will do for a plan.
func (s *System) enough(p *harness.Plan, system int) error {
	a, ok := s.authority.(*authority)
	if !ok || a.file == nil {
		return nil
	}
	if err := a.file.enough(p, system); err != nil {
		return &Mistake{fmt.Errorf("authority.issue: %w", err)}
	}
	return nil
}

// authorityAnswer is the last answer of the authority, without its body; false if
// none has come.
func (s *System) authorityAnswer() (answer, bool) {
	a, ok := s.authority.(*authority)
	if !ok || a.client.last.Load() == nil {
		return answer{}, false
	}
	return *a.client.last.Load(), true
}

// own is what a run needs of it.
func (s *System) own() *harness.Own { return &harness.Own{Doors: s.doors, Authority: s.authority} }

// gateways are the base URLs, in order, without a trailing slash.
func (s *System) gateways() []string {
	out := make([]string, len(s.Target.Gateways))
	for i, g := range s.Target.Gateways {
		out[i] = g.URL
	}
	return out
}

var _ harness.Stage = Stage{}
