package remote

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/tokendrill/tokendrill/chaos"
)

// inject injects a fault into hops of the role.
func (s *server) inject(r *http.Request, body []byte) (any, error) {
	var p placing
	if err := decode(body, &p); err != nil {
		return nil, bad("the body is no fault: %w", err)
	}
	spec, target, err := s.aim(p)
	if err != nil {
		return nil, rejected{http.StatusBadRequest, err}
	}
	if _, err := s.fault(r); err == nil {
		return nil, rejected{http.StatusConflict, errors.New("it has been injected already")}
	}
	in, err := spec.New(p.Params).Inject(context.WithoutCancel(r.Context()), target)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[r.PathValue("id")] = &fault{Injected: in}
	return struct{}{}, nil
}

// fault is one that was injected, and perhaps healed.
type fault struct {
	*chaos.Injected
	healed bool // held by turn
}

// aim finds a fault and what it acts on. Only links are in reach: nothing that a
// client says makes this process run a command or call a host.
func (s *server) aim(p placing) (spec chaos.Spec, t chaos.Target, err error) {
	spec, ok := chaos.Find(p.Fault)
	if !ok || spec.Place != chaos.OnLink {
		return spec, t, fmt.Errorf("no fault of a link is called %q", p.Fault)
	}
	if err := spec.Check(p.Params); err != nil {
		return spec, t, fmt.Errorf("%s: %w", p.Fault, err)
	}
	t.Seed = p.Seed
	for _, l := range s.up.Links {
		if slices.Contains(p.Hops, l.Name) {
			t.Links = append(t.Links, l)
		}
	}
	if len(t.Links) == 0 || len(t.Links) != len(p.Hops) {
		return spec, t, fmt.Errorf("%s: %s has the hops %q, each of them once", p.Fault, s.role.Node, hops(s.up))
	}
	for _, l := range t.Links {
		if len(spec.Links) > 0 && !slices.Contains(spec.Links, l.Name) {
			return spec, t, fmt.Errorf("%s cannot act on %s", p.Fault, l.Name)
		}
	}
	return spec, t, nil
}

func (s *server) fault(r *http.Request) (*fault, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.faults[r.PathValue("id")]; f != nil {
		return f, nil
	}
	return nil, rejected{http.StatusNotFound, errors.New("there is no such fault")}
}

func (s *server) heal(r *http.Request, _ []byte) (any, error) {
	f, err := s.fault(r)
	if err == nil && !f.healed {
		err = f.Heal(context.WithoutCancel(r.Context()))
		f.healed = err == nil
	}
	if err != nil {
		return nil, err
	}
	return counts{f.Met(), f.Clear()}, nil
}

func (s *server) countFault(r *http.Request, _ []byte) (any, error) {
	f, err := s.fault(r)
	if err != nil {
		return nil, err
	}
	return counts{f.Met(), f.Clear()}, nil
}
