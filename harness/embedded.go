package harness

import (
	"context"
	"errors"
	"net/http"
	"sync"

	"github.com/tokendrill/tokendrill/fixtures/authority"
	"github.com/tokendrill/tokendrill/fixtures/pattern"
)

// Embedded is the default stage: every role in this process, each on a loopback
// socket of its own, real HTTP and real NATS between them.
type Embedded struct {
	// Verifier replaces the verifier of each enforcement point; nil keeps the sound one.
	// While the stage starts its calls do not overlap.
	Verifier func(pattern.Parts) pattern.Verifier
	// Audit hears of every fallback, limited operation and step-up; nil throws them away.
	Audit pattern.Auditor
	// Authority stands before the authority's handler; nil lets nothing stand there.
	Authority func(http.Handler) http.Handler
	// Clients are more clients of the authority; see References.Clients.
	Clients []authority.Client
}

// Start puts the roles in place.
func (s Embedded) Start(ctx context.Context, p *Plan) (*Site, error) {
	if why := p.NeedsContainers(); why != "" {
		return nil, errors.New(why)
	}
	transport := NewTransport(DefaultAttackWorkers) // of every hop between roles
	opts := ServeOptions{Verifier: s.Verifier, Audit: s.Audit, Authority: s.Authority, Transport: transport}
	var turn sync.Mutex
	refs := References{Stage: "embedded (loopback)", Transport: transport, Clients: s.Clients, Serve: func(ctx context.Context, r Role) (*Standing, error) {
		turn.Lock()
		defer turn.Unlock()
		up, err := Serve(ctx, r, opts)
		if err != nil {
			return nil, err
		}
		return &Standing{Served: *up, Within: up.URL}, nil
	}}
	site, err := refs.Start(ctx, p)
	if err != nil {
		transport.CloseIdleConnections()
		return nil, err
	}
	down := site.Close
	site.Close = func() error {
		defer transport.CloseIdleConnections()
		return down()
	}
	return site, nil
}

var _ Stage = Embedded{}
