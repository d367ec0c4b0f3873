package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tokendrill/tokendrill/fixtures/pattern"
	"github.com/tokendrill/tokendrill/harness"
	"github.com/tokendrill/tokendrill/harness/external"
	"github.com/tokendrill/tokendrill/harness/measure"
	"github.com/tokendrill/tokendrill/reports"
	"github.com/tokendrill/tokendrill/scenarios"
)

// runFlags are what a command line changes about a scenario.
type runFlags struct {
	stageChoice

	scenario string
	traffic  string
	rate     string
	speed    float64
	duration time.Duration
	tokens   int
	seed     uint64
	out      string
	force    bool
	dryRun   bool

	targets   []string // target files
	patterns  []string // reference patterns beside them
	faults    []string // of the targets, injected midway
	allowHost []string
	insecure  bool

	irreversible []string      // faults that may stay for good
	maxFault     time.Duration // cap on the time of one fault
	maxShare     string        // cap on the share that a fault acts on

	stage harness.Stage // nil is what the flags say
}

func runCommand() *cobra.Command {
	var f runFlags
	c := &cobra.Command{
		Use:   "run [SCENARIO|FILE]",
		Short: "Replay, break, measure, compare; write a report folder",
		Long: `run replays a recording against the patterns of a scenario, revokes tokens under
their traffic and prints which pattern is fast, which revokes quickly and which is
ever wrong. SCENARIO is a name of the catalogue (tokendrill list scenarios) or a
YAML file; without one it is "quick".

The patterns run in this process, each role on a loopback socket; with --stage
containers each role is a container of its own, on the Docker engine of this machine,
and can be paused, killed and cut off. The image is made of this program, which has to
be a static one for that; --binary names another.

With --target it measures systems of your own, each described by a target file
(tokendrill init writes one), under the scenario made for them or the one named. What
is sent keeps to the limits of the target file; --dry-run prints what that is. Nothing
but loopback is reached unless --allow-host names it.

Whatever way a run ends, the faults of its scenario are undone. Ctrl-C ends it
early, undoes them and reports what was measured until then; pressed again, what is
still to be undone gets a second each. A run that is killed is healed by its
watchdog; what even that cannot undo is left to tokendrill heal.`,
		Example: `  tokendrill run
  tokendrill run field-review --seed 3
  tokendrill run quick --traffic rec.ndjson.gz --rate 400/s --out report
  tokendrill run quick --dry-run
  tokendrill run quick --max-fault-time 5s --max-share 50%
  tokendrill run --target staging.yaml --allow-host api-eu.example.com,idp.example.com
  tokendrill run --target staging.yaml --patterns cache --fault authority.outage
  tokendrill run quick --stage containers`,
		Args:              args(0, 1),
		ValidArgsFunction: completeScenarios,
		RunE: func(c *cobra.Command, a []string) error {
			if len(a) == 1 {
				f.scenario = a[0]
			} else if len(f.targets) == 0 {
				f.scenario = "quick"
			}
			return f.run(c)
		},
	}
	f.flags(c)
	flags := c.Flags()
	flags.StringVar(&f.traffic, "traffic", "", `recording to replay: a file, "sample", or "probe", the probe request alone`)
	flags.StringVar(&f.rate, "rate", "", "requests per second of the latency phase, such as 400/s")
	flags.Float64Var(&f.speed, "speed", 0, "replay at this many times the recorded pace, in the place of a rate")
	flags.DurationVar(&f.duration, "duration", 0, "length of the latency phase; rounds are added or left out to fit")
	flags.IntVar(&f.tokens, "tokens", 0, "tokens to revoke for each pattern")
	flags.StringSliceVar(&f.targets, "target", nil, "target file of a system of your own; several stand side by side")
	flags.StringSliceVar(&f.patterns, "patterns", nil, "reference patterns to measure beside the targets, such as cache,remote")
	flags.StringSliceVar(&f.faults, "fault", nil, "fault of a target file to inject in the middle third of the revocations")
	flags.StringSliceVar(&f.allowHost, "allow-host", nil, "hosts beyond loopback that may be reached")
	flags.BoolVar(&f.insecure, "insecure", false, "let target files that say so go without verifying certificates")
	flags.Uint64Var(&f.seed, "seed", 7, "seed of everything that is drawn")
	flags.StringVar(&f.out, "out", "", "report folder (default tokendrill-out/SCENARIO-SEED)")
	flags.BoolVar(&f.force, "force", false, "replace the files of a report that is there")
	flags.BoolVar(&f.dryRun, "dry-run", false, "print what would be done, and do nothing")
	flags.StringSliceVar(&f.irreversible, "irreversible", nil, "faults that may be left in place for good, such as exec without a heal command")
	flags.DurationVar(&f.maxFault, "max-fault-time", 0, "refuse a scenario with a fault that lasts longer")
	flags.StringVar(&f.maxShare, "max-share", "", "refuse a scenario with a fault that acts on more of the traffic, such as 50%")
	return c
}

// run does what the command line says.
func (f runFlags) run(c *cobra.Command) error {
	plan, err := f.plan(c)
	if err != nil {
		return badInput(err)
	}
	if err := f.check(plan); err != nil {
		return err
	}
	if f.dryRun {
		return printPlan(c.OutOrStdout(), plan)
	}
	state, err := stateDir()
	if err != nil {
		return err
	}
	ctx, hurry, stop := interruptible(c.Context())
	defer stop()
	if err := f.reachable(ctx); err != nil {
		return unlessInterrupted(ctx, err)
	}
	dir, err := openFolder(f.out, fmt.Sprintf("%s-%d", plan.Scenario.Name, f.seed), f.force)
	if err != nil {
		return err
	}
	history, err := dir.create("history.ndjson")
	if err != nil {
		return errors.Join(err, dir.abandon())
	}
	audit := &lateFile{dir: dir, name: auditName}
	show := newProgress(c.ErrOrStderr())
	if len(plan.Scenario.Targets) > 0 {
		fmt.Fprintln(c.ErrOrStderr(), costText(plan))
	}
	result, err := harness.Run(ctx, plan, harness.Options{
		Stage: f.stageOf(plan, pattern.NewAuditLog(audit), show), History: history, Progress: show.update, Version: version, Reproduce: f.command(c),
		State: state, Watchdog: func() (func(), error) { return startWatchdog(state) }, Hurry: hurry,
	})
	show.done()
	err = errors.Join(err, history.Close(), audit.Close())
	if result == nil {
		return errors.Join(unlessInterrupted(ctx, err), dir.abandon())
	}
	if err := errors.Join(err, result.WriteHLog(dir.path), f.report(c, dir, result.Report)); err != nil {
		return err
	}
	return verdict(result.Report)
}

// unlessInterrupted is err, or errInterrupted if the end of ctx explains it.
func unlessInterrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil && !errors.As(err, new(*harness.UndoError)) {
		return errInterrupted
	}
	return err
}

// stageOf is where the plan is carried out.
func (f runFlags) stageOf(p *harness.Plan, audit pattern.Auditor, show *progress) harness.Stage {
	stage := f.stage
	switch {
	case stage != nil:
	case f.kind == stageContainers:
		boxes := f.containers(forRun, show)
		boxes.Audit = audit
		stage = boxes
	default:
		stage = harness.Embedded{Audit: audit}
	}
	if len(p.Scenario.Targets) > 0 {
		stage = external.Stage{Options: external.Options{Allow: f.allowHost, Insecure: f.insecure}, Beside: stage}
	}
	return stage
}

// command is the command line that runs the same again.
func (f runFlags) command(c *cobra.Command) string {
	words := []string{"tokendrill run"}
	if f.scenario != "" {
		words = append(words, quoted(f.scenario))
	}
	words = append(words, fmt.Sprintf("--seed %d", f.seed))
	for _, list := range []struct {
		flag   string
		values []string
	}{{"target", f.targets}, {"patterns", f.patterns}, {"fault", f.faults}, {"allow-host", f.allowHost}, {"irreversible", f.irreversible}} {
		if len(list.values) > 0 {
			words = append(words, "--"+list.flag, quoted(strings.Join(list.values, ",")))
		}
	}
	if f.insecure {
		words = append(words, "--insecure")
	}
	for _, name := range []string{"traffic", "rate", "speed", "duration", "tokens", "max-fault-time", "max-share", "stage", "binary"} {
		if flag := c.Flags().Lookup(name); flag.Changed {
			words = append(words, "--"+name, quoted(flag.Value.String()))
		}
	}
	return strings.Join(words, " ")
}

// quoted is a word as a POSIX shell reads it.
func quoted(word string) string {
	if plain := regexp.MustCompile(`^[\w@%+=:,./-]+$`); plain.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// report writes the report and prints the summary.
func (f runFlags) report(c *cobra.Command, dir *folder, r *measure.Report) error {
	return errors.Join(
		dir.write("report.html", func(w io.Writer) error { return reports.HTML(w, r) }),
		measure.SaveReport(dir.join("report.json"), r),
		reports.Terminal(c.OutOrStdout(), r, reports.TerminalOptions{
			Color: colorful(c.OutOrStdout()), Path: dir.join("report.html"), Next: nextCommand(f.scenario),
		}),
	)
}

// nextCommand is what to run after a scenario.
func nextCommand(scenario string) string {
	if scenario == "quick" {
		return "tokendrill run authority-outage    what each pattern does when the authority dies"
	}
	return "tokendrill list scenarios    what else can be shown"
}

// completeScenarios completes names of the catalogue, and files.
func completeScenarios(_ *cobra.Command, a []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(a) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, sc := range scenarios.Catalogue() {
		names = append(names, sc.Name)
	}
	return names, cobra.ShellCompDirectiveDefault
}
