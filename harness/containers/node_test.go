package containers

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/chaos"
	"github.com/tokendrill/tokendrill/fixtures/traffic"
	"github.com/tokendrill/tokendrill/fixtures/undisturbed"
	"github.com/tokendrill/tokendrill/harness"
	"github.com/tokendrill/tokendrill/scenarios"
)

// The tests of nodes share a stage: to start one takes longer than most of them.
func TestNodes(t *testing.T) {
	undisturbed.Long(t, "starts containers")
	t.Parallel()
	w := newWorld(t, drilled)
	for _, part := range []struct {
		name string
		test func(*testing.T, *world)
	}{
		{"what peers and clients experience", testExperience},
		{"every fault of containers lands and heals", testFaults},
		{"verbs compose", testCompose},
		{"the end of a verb mends what was cancelled halfway", testHalfway},
		{"commands at the same time", testConcurrent},
		{"limits", testLimits},
	} {
		t.Run(part.name, func(t *testing.T) { part.test(t, w) })
	}
}

func testExperience(t *testing.T, w *world) {
	for _, row := range []struct {
		name string
		test func(*world)
	}{
		{"a paused gateway answers afterwards what it was asked meanwhile", pausedGateway},
		{"a killed gateway refuses connections, and comes back with an empty memory", killedGateway},
		{"a disconnected gateway answers its clients out of its cache, and reaches nobody", disconnectedGateway},
		{"without the registry its gateways answer until their staleness limit", disconnectedRegistry},
		{"without the authority cached tokens live on", disconnectedAuthority},
		{"a registry that was killed has its revocations again", killedRegistry},
		{"a clock that is off is off after a kill", skewedThroughKill},
		{"a restart empties the memory", restartedGateway},
		{"a start that was not waited for is not missed", lateStart},
	} {
		t.Run(row.name, func(t *testing.T) { row.test(w.with(t)) })
	}
}

func testFaults(t *testing.T, w *world) {
	targets := map[string]string{chaos.RoleGateway: "registry/gw-1", chaos.RoleRegistry: "registry", chaos.RoleAuthority: "authority", chaos.RoleCDN: "cdn"}
	for _, spec := range chaos.Catalogue() {
		for _, role := range spec.Roles {
			name, there := targets[role]
			if spec.Place != chaos.OnContainer || !there {
				continue
			}
			t.Run(spec.Name+" of "+role, func(t *testing.T) { landsAndHeals(w.with(t), spec, name) })
		}
	}
}

// landsAndHeals looks as a run does, until it sees: one look takes a second at most, in
// which a busy machine may not get round to it.
func landsAndHeals(w *world, spec chaos.Spec, name string) {
	const soon, often = 10 * time.Second, 50 * time.Millisecond
	before := w.said(name)
	f := spec.New(chaos.Params{CPUs: 0.5, Memory: 512 << 20})
	in, err := f.Inject(w.Context(), chaos.Target{Nodes: []chaos.Node{{Name: name, Control: w.nodes[name]}}})
	require.NoError(w, err)
	assert.NotEqual(w, before, w.said(name))
	assert.Eventually(w, func() bool { return in.Met() == 1 }, soon, often, "landed")
	clear := in.Clear()
	require.NoError(w, in.Heal(w.Context()))
	assert.Equal(w, before, w.said(name))
	assert.Eventually(w, func() bool { return in.Clear() > clear }, soon, often, "healed")
}

// A real nats-server and a real NGINX, about which only the engine and their ports tell.
func TestFaultsOfOtherPeoplesSoftwareLandAndHeal(t *testing.T) {
	undisturbed.Long(t, "starts containers")
	t.Parallel()
	options(t)
	sc, err := scenarios.Parse([]byte(drilled), "drilled.yaml")
	require.NoError(t, err)
	sc.Roles = rolesOf(t, natsExample, nginxExample)
	rec, err := traffic.Open(sc.Traffic.Recording)
	require.NoError(t, err)
	p, err := harness.NewPlan(sc, rec, 1)
	require.NoError(t, err)
	w := newWorldOf(t, p)
	for _, name := range []string{chaos.RoleRegistry, chaos.RoleCDN} {
		for _, spec := range chaos.Catalogue() {
			if spec.Place == chaos.OnContainer {
				t.Run(spec.Name+" of "+name, func(t *testing.T) { landsAndHeals(w.with(t), spec, name) })
			}
		}
		t.Run("restart of "+name, func(t *testing.T) {
			w := w.with(t)
			w.do(name, chaos.VerbRestart, 1)
			met, clear := w.nodes[name].Count(chaos.VerbRestart)
			assert.Equal(t, []int64{1, 1}, []int64{met, clear})
		})
	}
	w.until(http.StatusOK, "registry", w.jwt(), "its gateways hear the registry")
}

// All verbs of containers at once, ended in many orders.
func testCompose(t *testing.T, w *world) {
	const name = "registry/gw-1"
	amounts := map[chaos.Verb]float64{
		chaos.VerbPause: 1, chaos.VerbKill: 1, chaos.VerbDisconnect: 1, chaos.VerbCPU: 0.7, chaos.VerbMemory: 512 << 20,
	}
	good := w.said(name)
	for _, order := range []string{
		"+pause +disconnect -pause -disconnect",
		"+pause +disconnect -disconnect -pause",
		"+disconnect +kill -kill -disconnect",
		"+kill +disconnect +pause -disconnect -kill -pause",
		"+pause +kill -pause -kill",
		"+kill +pause +cpu +memory -kill -memory -pause -cpu",
		"+disconnect +disconnect +pause +pause +kill +kill -kill -kill -pause -pause -disconnect -disconnect",
		"+memory +kill -kill -memory",
		"+disconnect +kill +pause -kill -disconnect -pause",
		"-pause -kill -disconnect -cpu -memory",
	} {
		t.Run(order, func(t *testing.T) {
			w := w.with(t)
			inForce := map[chaos.Verb]float64{}
			for _, word := range strings.Fields(order) {
				v := chaos.Verb(word[1:])
				inForce[v] = 0
				if word[0] == '+' {
					inForce[v] = amounts[v]
				}
				w.do(name, v, inForce[v])
				said := w.said(name)
				if inForce[chaos.VerbKill] != 0 {
					delete(said, chaos.VerbPause) // what does not run cannot be paused
				}
				for v, amount := range said {
					assert.Equal(t, inForce[v], amount, "%s after %s", v, word)
				}
			}
			assert.Equal(t, good, w.said(name))
			w.until(http.StatusOK, "registry", w.jwt(), "it decides again")
		})
	}
}

func testHalfway(t *testing.T, w *world) {
	const name = "registry/gw-1"
	good := w.said(name)
	for _, v := range []chaos.Verb{chaos.VerbPause, chaos.VerbKill, chaos.VerbDisconnect, chaos.VerbCPU} {
		for _, after := range []time.Duration{0, time.Millisecond, 5 * time.Millisecond, 30 * time.Millisecond, 200 * time.Millisecond} {
			ctx, cancel := context.WithTimeout(t.Context(), after)
			err := w.nodes[name].Do(ctx, chaos.Command{Verb: v, Amount: 1})
			cancel()
			t.Log(v, after, err)
			ctx, cancel = context.WithTimeout(t.Context(), after)
			err = w.nodes[name].Do(ctx, chaos.Command{Verb: v})
			cancel()
			t.Log(v, after, err)
			w.do(name, v, 0)
			require.Equal(t, good, w.said(name), "%s cancelled after %v", v, after)
		}
	}
	w.until(http.StatusOK, "registry", w.jwt(), "it decides again")
}

func TestOtherPeoplesSoftwareKnowsTheVerbsOfContainersOnly(t *testing.T) {
	n := newNode(&box{node: "cdn"}, nil)
	err := n.Do(t.Context(), chaos.Command{Verb: chaos.VerbClock, Amount: 60})
	require.EqualError(t, err, `cdn is other people's software, which does not know the verb "clock"`)
	met, clear := n.Count(chaos.VerbClock)
	assert.Zero(t, met+clear)
	assert.False(t, slices.ContainsFunc([]chaos.Verb{chaos.VerbRestart, chaos.VerbClock}, ofContainer))
}

func testConcurrent(t *testing.T, w *world) {
	const name = "registry/gw-1"
	good := w.said(name)
	var all sync.WaitGroup
	for v, amount := range map[chaos.Verb]float64{chaos.VerbPause: 1, chaos.VerbDisconnect: 1, chaos.VerbCPU: 0.5, chaos.VerbKill: 1} {
		all.Go(func() {
			for _, a := range []float64{amount, 0, amount, 0} {
				assert.NoError(t, w.nodes[name].Do(t.Context(), chaos.Command{Verb: v, Amount: a}), "%s %v", v, a)
				w.nodes[name].Count(v)
			}
		})
	}
	all.Wait()
	assert.Equal(t, good, w.said(name))
	w.with(t).until(http.StatusOK, "registry", w.with(t).jwt(), "it decides again")
}
