package harness

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/chaos"
	"github.com/tokendrill/tokendrill/scenarios"
)

// farLink is a hop in another process, as this one sees it.
type farLink struct {
	link    *chaos.Link
	refuses error
	stuck   error // of healing
	healed  atomic.Int64
}

func (f *farLink) Hops() []string { return []string{f.link.Name} }

func (f *farLink) Inject(ctx context.Context, fault string, p chaos.Params, hops []string, seed uint64) (*chaos.Injected, error) {
	if f.refuses != nil {
		return nil, f.refuses
	}
	spec, _ := chaos.Find(fault)
	i, err := spec.New(p).Inject(ctx, chaos.Target{Links: []*chaos.Link{f.link}, Seed: seed})
	if err == nil {
		heal := i.Heal
		i.Heal = func(ctx context.Context) error {
			f.healed.Add(1)
			return errors.Join(heal(ctx), f.stuck)
		}
	}
	return i, err
}

// through sends one request over a link.
func through(t *testing.T, l *chaos.Link) error {
	t.Helper()
	res, err := l.Transport(answersOK).RoundTrip(httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://as/", nil))
	if err == nil {
		res.Body.Close()
	}
	return err
}

// apart is a site with one hop here, and two in other processes.
func apart() (near *chaos.Link, far [2]*farLink, s *Site) {
	const name = "gateway-authority"
	near = chaos.NewLink(name, "cache/gw-1", chaos.Delay{}, 1)
	s = &Site{Links: []*chaos.Link{near}}
	for i, node := range []string{"cache/gw-2", "remote/gw-1"} {
		far[i] = &farLink{link: chaos.NewLink(name, node, chaos.Delay{}, 1)}
		s.Far = append(s.Far, FarNode{node, far[i]})
	}
	return near, far, s
}

var cutEverywhere = FaultWindow{Fault: scenarios.Fault{Name: "link.cut", Link: "gateway-authority"}}

func TestAFaultActsHereAndInOtherProcesses(t *testing.T) {
	near, far, s := apart()
	require.NoError(t, s.reaches(cutEverywhere))
	i, err := s.inject(t.Context(), cutEverywhere)
	require.NoError(t, err)
	all := []*chaos.Link{near, far[0].link, far[1].link}
	for _, l := range all {
		assert.Error(t, through(t, l), l)
	}
	assert.EqualValues(t, 3, i.Met(), "what it met is the sum")
	require.NoError(t, i.Heal(t.Context()))
	for _, l := range all {
		assert.NoError(t, through(t, l), l)
	}
	assert.EqualValues(t, 3, i.Clear())
}

func TestAFaultReachesOnlyTheProcessesThatItNames(t *testing.T) {
	near, far, s := apart()
	at := cutEverywhere
	at.Pattern = "remote"
	i, err := s.inject(t.Context(), at)
	require.NoError(t, err)
	assert.NoError(t, through(t, near))
	assert.NoError(t, through(t, far[0].link))
	assert.Error(t, through(t, far[1].link))
	require.NoError(t, i.Heal(t.Context()))

	at.Pattern = "hybrid"
	assert.ErrorContains(t, s.reaches(at), "fault link.cut: the stage has no link gateway-authority at hybrid")
}

func TestAFaultThatOneProcessRefusesIsTakenBackInAllOthers(t *testing.T) {
	near, far, s := apart()
	far[1].refuses = errors.New("no such hop")
	_, err := s.inject(t.Context(), cutEverywhere)
	require.ErrorIs(t, err, far[1].refuses)
	require.NotErrorIs(t, err, chaos.ErrLeft)
	assert.NoError(t, through(t, near))
	assert.NoError(t, through(t, far[0].link))
	assert.EqualValues(t, 1, far[0].healed.Load())

	far[0].stuck = errors.New("it hangs")
	_, err = s.inject(t.Context(), cutEverywhere)
	assert.ErrorIs(t, err, chaos.ErrLeft, "nobody knows whether that one is mended")
}
