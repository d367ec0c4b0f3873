package harness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/chaos"
	"github.com/tokendrill/tokendrill/harness/measure"
)

// undoRun is a run on a toy whose faults are undone in some way.
type undoRun struct {
	name   string
	faults string // YAML, below the scenario; $WORK is the run's own folder
	stage  func(*toy, *Site)
	opts   func(*Options)
	when   string // the run is interrupted soon after this file was seen
	noDisk bool   // no undo journal is kept
	early  bool   // the run ends long before its plan, even on a busy machine

	want func(*testing.T, undone)
}

// undone is what is left of such a run.
type undone struct {
	outcome
	work, state string
}

func (u undoRun) run(t *testing.T) (d undone) {
	d.work = t.TempDir()
	d.state = filepath.Join(d.work, "state")
	y := &toy{tokens: map[string]*toyToken{}, answer: switches, delay: after(100 * time.Millisecond), lifetime: time.Hour}
	opts := Options{State: d.state, Stage: stageFunc(func(ctx context.Context, p *Plan) (*Site, error) {
		site, err := y.Start(ctx, p)
		if u.stage != nil {
			u.stage(y, site)
		}
		return site, err
	})}
	if u.noDisk {
		opts.State = ""
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if u.opts != nil {
		u.opts(&opts)
	}
	scenario := brittleScenario
	if u.early {
		scenario = strings.Replace(scenario, "growth: 10%", "growth: 10%, window: 30s", 1)
	}
	p := planOf(t, scenario+strings.ReplaceAll(u.faults, "$WORK", d.work), 1)
	if u.when != "" {
		opts.Progress = interrupt(filepath.Join(d.work, u.when), cancel)
	}
	d.Result, d.err = Run(ctx, p, opts)
	return d
}

// interrupt ends a run once, at the second look at a file that is there: whatever
// has made it has come to its end by then.
func interrupt(file string, end func()) func(Progress) {
	seen := 0
	return func(at Progress) {
		if _, err := os.Stat(file); err == nil && at.Elapsed > 0 {
			if seen++; seen == 2 {
				end()
			}
		}
	}
}

// execFault is an exec fault in YAML.
func execFault(at, length, inject, heal string) string {
	argv := func(script string) string {
		out, _ := json.Marshal([]string{"sh", "-c", script}) // JSON is YAML
		return string(out)
	}
	return fmt.Sprintf("  - {name: exec, at: %s, for: %s, inject: %s, heal: %s}\n", at, length, argv(inject), argv(heal))
}

func (d undone) read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(d.work, name))
	require.NoError(t, err)
	return string(data)
}

// requireClean says that no entry of the journal is left.
func (d undone) requireClean(t *testing.T) {
	t.Helper()
	left, err := chaos.Journals(d.state)
	require.NoError(t, err)
	require.Empty(t, left)
}

// scripted is a node that does what a test says.
type scripted func(chaos.Command) error

func (f scripted) Do(_ context.Context, c chaos.Command) error { return f(c) }

func (scripted) Count(chaos.Verb) (met, clear int64) { return 1, 1 }

// nodes gives the toy a gateway that can be steered.
func nodes(do scripted) func(*toy, *Site) {
	return func(_ *toy, site *Site) { site.Nodes = []chaos.Node{{Name: "cache/gw-1", Control: do}} }
}

const skew = "  - {name: clock.skew, node: gateway, at: 300ms, for: 300ms, offset: 1m}\n"

var undoRuns = []undoRun{
	{name: "a fault is written down before it is injected, and not any more once it is healed",
		faults: "faults:\n" + execFault("100ms", "300ms", "cat $WORK/state/*.ndjson > $WORK/before", "cat $WORK/state/*.ndjson > $WORK/heal"),
		want: func(t *testing.T, d undone) {
			require.NoError(t, d.err)
			assert.Contains(t, d.read(t, "before"), `"undo":"command"`)
			assert.NotContains(t, d.read(t, "heal"), `"healed":true`)
			d.requireClean(t)
			assert.Equal(t, measure.Undo{Injected: 1, Healed: 1}, d.Report.Undo)
			require.Len(t, d.Report.Faults, 1)
			assert.Equal(t, "exec", d.Report.Faults[0].Name)
			assert.True(t, d.Report.Faults[0].Landed)
			assert.True(t, d.Report.Faults[0].Healed)
		}},
	{name: "what is in place when a run is interrupted is undone, the latest first", when: "healed", early: true,
		faults: "faults:\n" + execFault("100ms", "30s", "true", "echo a >> $WORK/healed") + execFault("1100ms", "29s", "true", "echo b >> $WORK/healed") +
			execFault("2100ms", "1ms", "true", "echo c >> $WORK/healed") + execFault("25s", "100ms", "touch $WORK/late", "true"),
		want: func(t *testing.T, d undone) {
			require.NoError(t, d.err)
			assert.Equal(t, measure.Interrupted, d.Report.Verdict)
			assert.Equal(t, "c\nb\na\n", d.read(t, "healed"))
			assert.NoFileExists(t, filepath.Join(d.work, "late"), "nothing is injected any more")
			assert.Equal(t, measure.Undo{Injected: 3, Healed: 3}, d.Report.Undo)
			d.requireClean(t)
		}},
	{name: "a run is interrupted while a fault is being injected", when: "broken", early: true,
		faults: "faults:\n" + execFault("100ms", "500ms", "touch $WORK/broken; sleep 60", "rm $WORK/broken"),
		want: func(t *testing.T, d undone) {
			require.NoError(t, d.err)
			assert.Equal(t, measure.Interrupted, d.Report.Verdict)
			assert.NoFileExists(t, filepath.Join(d.work, "broken"))
			d.requireClean(t)
		}},
	{name: "a fault that panics ends the run, and the others are undone",
		faults: "faults:\n" + execFault("100ms", "900ms", "touch $WORK/broken", "rm $WORK/broken") + skew,
		stage:  nodes(func(chaos.Command) error { panic("out of order") }),
		want: func(t *testing.T, d undone) {
			require.ErrorContains(t, d.err, "fault clock.skew gateway: panic: out of order")
			assert.Nil(t, d.Result)
			assert.NoFileExists(t, filepath.Join(d.work, "broken"))
			d.requireClean(t)
		}},
	{name: "a heal that panics is one that failed",
		faults: "faults:\n" + execFault("100ms", "900ms", "touch $WORK/broken", "rm $WORK/broken") + skew,
		stage: nodes(func(c chaos.Command) error {
			if c.Amount == 0 {
				panic("out of order")
			}
			return nil
		}),
		want: func(t *testing.T, d undone) {
			var undo *UndoError
			require.ErrorAs(t, d.err, &undo)
			assert.Equal(t, []string{"clock.skew gateway"}, undo.Left)
			assert.Equal(t, measure.Undo{Injected: 2, Healed: 1, Left: undo.Left}, d.Report.Undo)
			assert.NotEqual(t, measure.Pass, d.Report.Verdict)
			assert.NoFileExists(t, filepath.Join(d.work, "broken"))
		}},
	{name: "a fault that cannot be healed is told, and stays in the journal",
		faults: "faults:\n" + execFault("100ms", "200ms", "touch $WORK/broken", "test -e $WORK/key && rm $WORK/broken"),
		want: func(t *testing.T, d undone) {
			require.EqualError(t, d.err, "undo is incomplete, still in place: exec; mend: tokendrill heal")
			assert.Equal(t, measure.Undo{Injected: 1, Left: []string{"exec"}}, d.Report.Undo)
			assert.Contains(t, strings.Join(d.Report.Warnings, " "), "exec could not be healed: heal: sh: exit status 1")
			assert.NotEqual(t, measure.Pass, d.Report.Verdict)
			left, err := chaos.Journals(d.state)
			require.NoError(t, err)
			require.Len(t, left, 1)
			require.NoError(t, os.WriteFile(filepath.Join(d.work, "key"), nil, 0o600))
			l, err := chaos.Recover(t.Context(), left[0])
			require.NoError(t, err)
			defer l.Close()
			require.NoError(t, l.Undo(t.Context(), func(chaos.Entry, error) {}))
			assert.NoFileExists(t, filepath.Join(d.work, "broken"))
		}},
	{name: "a user in a hurry does not wait for a fault that takes long to heal", when: "in", early: true,
		faults: "faults:\n" + execFault("100ms", "30s", "touch $WORK/in", "sleep 60"),
		opts: func(o *Options) {
			hurry := make(chan struct{})
			close(hurry)
			o.Hurry = hurry
		},
		want: func(t *testing.T, d undone) {
			require.ErrorAs(t, d.err, new(*UndoError))
			assert.Equal(t, []string{"exec"}, d.Report.Undo.Left)
		}},
	{name: "a fault that is healed by nobody who listens is given up in time",
		faults: "faults:\n" + skew,
		stage: nodes(func(c chaos.Command) error {
			if c.Amount == 0 {
				time.Sleep(healTimeout + 2*lastWords)
			}
			return nil
		}),
		want: func(t *testing.T, d undone) {
			require.ErrorAs(t, d.err, new(*UndoError))
			assert.Contains(t, strings.Join(d.Report.Warnings, " "), "could not be healed: it did not end in time")
		}},
	{name: "a stop condition ends the run and undoes", early: true,
		faults: "abort_when: [requests.unavailable_rate > 90% for 300ms]\nfaults:\n" + execFault("100ms", "30s", "touch $WORK/broken", "rm $WORK/broken"),
		stage: func(_ *toy, site *Site) {
			site.Transport = roundTripper(func(*http.Request) (*http.Response, error) { return nil, errors.New("refused") })
		},
		want: func(t *testing.T, d undone) {
			require.NoError(t, d.err)
			assert.Equal(t, measure.Stopped, d.Report.Verdict)
			assert.Regexp(t, `^unavailable_rate 100 % > 90 % for 300 ms at 00:\d\d$`, d.Report.Stopped)
			assert.Less(t, d.Report.Sender.Sent, d.Report.Sender.Planned)
			assert.NoFileExists(t, filepath.Join(d.work, "broken"))
			d.requireClean(t)
		}},
	{name: "a stop condition that is not met changes nothing",
		faults: "abort_when: [requests.unavailable_rate > 90% for 300ms]\n",
		want: func(t *testing.T, d undone) {
			require.NoError(t, d.err)
			assert.Empty(t, d.Report.Stopped)
			assert.Equal(t, d.Report.Sender.Planned, d.Report.Sender.Sent)
		}},
	{name: "a fault that could not be injected proves nothing",
		faults: "faults:\n" + execFault("100ms", "300ms", "exit 1", "touch $WORK/healed"),
		want: func(t *testing.T, d undone) {
			require.NoError(t, d.err)
			assert.Contains(t, strings.Join(d.Report.Warnings, " "), "exec could not be injected: inject: sh: exit status 1")
			assert.NotEqual(t, measure.Pass, d.Report.Verdict)
			require.Len(t, d.Report.Faults, 1)
			assert.False(t, d.Report.Faults[0].Landed)
			assert.Zero(t, d.Report.Undo.Injected)
			d.requireClean(t)
		}},
	{name: "a run whose journal is gone breaks nothing more",
		faults: "faults:\n" + execFault("100ms", "300ms", "rm $WORK/state/*.ndjson", "true") + execFault("1500ms", "100ms", "touch $WORK/late", "true"),
		want: func(t *testing.T, d undone) {
			require.ErrorContains(t, d.err, "undo journal")
			assert.NoFileExists(t, filepath.Join(d.work, "late"))
		}},
	{name: "without a journal, what would outlive this process is refused", noDisk: true,
		faults: "faults:\n" + execFault("100ms", "300ms", "touch $WORK/broken", "true"),
		want: func(t *testing.T, d undone) {
			require.ErrorContains(t, d.err, "fault exec stays when this process dies")
			assert.Nil(t, d.Result)
			assert.NoFileExists(t, filepath.Join(d.work, "broken"))
		}},
	{name: "a heal command that is not there is refused before anything starts",
		faults: "faults: [{name: exec, at: 100ms, for: 300ms, inject: [touch, $WORK/broken], heal: [no-such-program]}]\n",
		want: func(t *testing.T, d undone) {
			require.ErrorContains(t, d.err, `fault exec: heal command: exec: "no-such-program"`)
			assert.NoFileExists(t, filepath.Join(d.work, "broken"))
		}},
	{name: "a run without its watchdog does not begin",
		faults: "faults:\n" + execFault("100ms", "300ms", "touch $WORK/broken", "true"),
		opts: func(o *Options) {
			o.Watchdog = func() (func(), error) { return nil, errors.New("no process for you") }
		},
		want: func(t *testing.T, d undone) {
			require.ErrorContains(t, d.err, "start the watchdog: no process for you")
			assert.NoFileExists(t, filepath.Join(d.work, "broken"))
			d.requireClean(t)
		}},
	{name: "faults that end with this process take no watchdog",
		faults: "faults:\n" + skew, stage: nodes(func(chaos.Command) error { return nil }),
		opts: func(o *Options) {
			o.Watchdog = func() (func(), error) { return nil, errors.New("nobody needs one") }
		},
		want: func(t *testing.T, d undone) {
			require.NoError(t, d.err)
			d.requireClean(t)
		}},
}

func TestFaultsAreUndoneOnEveryWayOut(t *testing.T) {
	ends := together(undoRuns, func(u undoRun) undone { return u.run(t) })
	for i, row := range undoRuns {
		t.Run(row.name, func(t *testing.T) { row.want(t, ends[i]) })
	}
}
