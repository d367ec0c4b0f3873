package containers

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/fixtures/undisturbed"
)

// ownerEnv is what a process is to keep a stage for, and binaryEnv its program.
const (
	ownerEnv  = "TOKENDRILL_TEST_OWNER"
	binaryEnv = "TOKENDRILL_TEST_BINARY"
)

// own keeps a stage until the process is killed. What it does is told line by line.
func own() {
	p, err := planOf(small)
	if err == nil {
		tell := func(line string) { fmt.Println(line) }
		_, err = Stage{Options: Options{Binary: os.Getenv(binaryEnv), For: os.Getenv(ownerEnv), Progress: tell}}.Start(context.Background(), p)
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("up")
	select {}
}

func TestWhatAKilledOwnerLeavesIsPruned(t *testing.T) {
	undisturbed.Long(t, "starts containers")
	t.Parallel()
	o := alone(t)
	warm(t, o)
	for _, row := range []struct {
		name, when string
		after      time.Duration
	}{
		{"killed while its containers are made", "starting 7 containers", time.Second},
		{"killed while its roles are told what to be", "starting the roles", 0},
		{"killed when it is up", "up", 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			kill := owner(t, o, row.when)
			time.Sleep(row.after)
			assert.True(t, only(t, o).Alive)
			kill()
			left := only(t, o)
			assert.False(t, left.Alive)
			var told []string
			require.NoError(t, Prune(t.Context(), PruneOptions{ID: left.ID, Tell: func(line string) { told = append(told, line) }}))
			require.NotEmpty(t, told)
			assert.Contains(t, told[len(told)-1], "removed stage "+left.ID)
			assert.Empty(t, stages(t, o))
			require.NoError(t, Prune(t.Context(), PruneOptions{ID: left.ID}), "once more")
		})
	}
}

// A container that was asked for before the owner died came after the engine was asked
// what there is, and stayed.
func TestWhatComesAfterItsOwnersEndIsPrunedToo(t *testing.T) {
	undisturbed.Long(t, "starts containers")
	t.Parallel()
	o := alone(t)
	warm(t, o)
	owner(t, o, "starting 7 containers")()
	left := only(t, o)
	e, err := connect(t.Context())
	require.NoError(t, err)
	defer e.close()
	image, err := e.image(t.Context(), o.Binary, o.Progress)
	require.NoError(t, err)
	waited := false
	require.NoError(t, Prune(t.Context(), PruneOptions{ID: left.ID, Tell: func(line string) {
		if !strings.Contains(line, " containers: waiting ") {
			return
		}
		waited = true
		_, err := e.ContainerCreate(t.Context(), client.ContainerCreateOptions{
			Config: &container.Config{Image: image, Labels: map[string]string{labelStage: left.ID, labelFor: left.For, labelOwner: left.Owner}},
		})
		assert.NoError(t, err)
	}}))
	assert.True(t, waited)
	assert.Empty(t, stages(t, o))
}

// owner has another process keep a stage, and returns when that has come to a point,
// with what kills it.
func owner(t *testing.T, o Options, when string) (kill func()) {
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), ownerEnv+"="+o.For, binaryEnv+"="+o.Binary)
	out, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	kill = func() {
		c.Process.Kill()
		c.Wait()
	}
	t.Cleanup(kill)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if lines.Text() == when {
			return kill
		}
		t.Log(lines.Text())
	}
	require.Fail(t, "it has ended before: "+when)
	return nil
}

func TestPruneChooses(t *testing.T) {
	kept, left := Info{ID: "kept", Alive: true}, Info{ID: "left"}
	for _, row := range []struct {
		name       string
		o          PruneOptions
		kept, left bool
	}{
		{"what has no owner, if nothing is said", PruneOptions{}, false, true},
		{"everything, if it shall", PruneOptions{All: true}, true, true},
		{"the one that is named, though somebody keeps it", PruneOptions{ID: "kept"}, true, false},
		{"no other than the one that is named", PruneOptions{ID: "other", All: true}, false, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			assert.Equal(t, row.kept, row.o.chooses(kept))
			assert.Equal(t, row.left, row.o.chooses(left))
		})
	}
}

// The stage of a run that was killed was in use for good where process 1 is no init.
func TestAProcessThatNobodyWaitsForIsDead(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("this system does not tell")
	}
	c := exec.Command(os.Args[0], "-test.run=^$")
	require.NoError(t, c.Start())
	assert.True(t, lives(os.Getpid()))
	assert.Eventually(t, func() bool { return !lives(c.Process.Pid) }, 10*time.Second, 10*time.Millisecond)
	require.NoError(t, c.Wait(), "it was still there")
}

func TestAStageIsAliveWhileItsOwnerIs(t *testing.T) {
	now := time.Now()
	ours := []Box{{State: string(container.StateRunning), Image: repository + ":1"}}
	theirs := []Box{{State: string(container.StateRunning), Image: "nats:2"}, {State: string(container.StateExited), Image: repository + ":1"}}
	me := host() + "/" + strconv.Itoa(os.Getpid())
	gone := exec.Command(os.Args[0], "-test.run=^$")
	require.NoError(t, gone.Run())
	for _, row := range []struct {
		name string
		s    Info
		want bool
	}{
		{"this process", Info{Owner: me}, true},
		{"a process of somebody else", Info{Owner: host() + "/1"}, true},
		{"a process that has ended", Info{Owner: host() + "/" + strconv.Itoa(gone.Process.Pid), Boxes: ours, Started: now}, false},
		{"elsewhere, and its roles run", Info{Owner: "elsewhere/1", Boxes: ours}, true},
		{"elsewhere, and its roles have ended with it", Info{Owner: "elsewhere/1", Boxes: theirs}, false},
		{"elsewhere, and it has just begun", Info{Owner: "elsewhere/1", Started: now}, true},
		{"nobody", Info{}, false},
	} {
		t.Run(row.name, func(t *testing.T) { assert.Equal(t, row.want, row.s.alive(now)) })
	}
}
