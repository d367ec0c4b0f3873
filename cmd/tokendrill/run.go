package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tokendrill/tokendrill/fixtures/traffic"
	"github.com/tokendrill/tokendrill/harness"
	"github.com/tokendrill/tokendrill/harness/measure"
	"github.com/tokendrill/tokendrill/reports"
	"github.com/tokendrill/tokendrill/scenarios"
)

// runFlags are what a command line changes about a scenario.
type runFlags struct {
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
}

func runCommand() *cobra.Command {
	f := runFlags{scenario: "quick"}
	c := &cobra.Command{
		Use:   "run [SCENARIO|FILE]",
		Short: "Replay, break, measure, compare; write a report folder",
		Long: `run replays a recording against the patterns of a scenario, revokes tokens under
their traffic and prints which pattern is fast, which revokes quickly and which is
ever wrong. SCENARIO is a name of the catalogue (tokendrill list scenarios) or a
YAML file; without one it is "quick".`,
		Example: `  tokendrill run
  tokendrill run field-review --seed 3
  tokendrill run quick --traffic rec.ndjson.gz --rate 400/s --out report
  tokendrill run quick --dry-run`,
		Args:              args(cobra.MaximumNArgs(1)),
		ValidArgsFunction: completeScenarios,
		RunE: func(c *cobra.Command, a []string) error {
			if len(a) == 1 {
				f.scenario = a[0]
			}
			return f.run(c)
		},
	}
	flags := c.Flags()
	flags.StringVar(&f.traffic, "traffic", "", `recording to replay: a file, or "sample"`)
	flags.StringVar(&f.rate, "rate", "", "requests per second of the latency phase, such as 400/s")
	flags.Float64Var(&f.speed, "speed", 0, "replay at this many times the recorded pace, in the place of a rate")
	flags.DurationVar(&f.duration, "duration", 0, "length of the latency phase; rounds are added or left out to fit")
	flags.IntVar(&f.tokens, "tokens", 0, "tokens to revoke for each pattern")
	flags.Uint64Var(&f.seed, "seed", 7, "seed of everything that is drawn")
	flags.StringVar(&f.out, "out", "", "report folder (default tokendrill-out/SCENARIO-SEED)")
	flags.BoolVar(&f.force, "force", false, "replace the files of a report that is there")
	flags.BoolVar(&f.dryRun, "dry-run", false, "print what would be done, and do nothing")
	c.MarkFlagsMutuallyExclusive("rate", "speed")
	return c
}

// run does what the command line says.
func (f runFlags) run(c *cobra.Command) error {
	plan, err := f.plan(c)
	if err != nil {
		return badInput(err)
	}
	if f.dryRun {
		return printPlan(c.OutOrStdout(), plan)
	}
	dir, err := openFolder(f.out, fmt.Sprintf("%s-%d", plan.Scenario.Name, f.seed), f.force)
	if err != nil {
		return err
	}
	history, err := dir.create("history.ndjson")
	if err != nil {
		return err
	}
	show := newProgress(c.ErrOrStderr())
	result, err := harness.Run(c.Context(), plan, harness.Options{
		History: history, Progress: show.update, Version: version, Reproduce: f.command(c),
	})
	show.done()
	err = errors.Join(err, history.Close())
	if result == nil {
		return errors.Join(err, dir.abandon())
	}
	return errors.Join(err, f.report(c, dir, result))
}

// plan loads the scenario and the recording, applies the flags and plans the run.
func (f runFlags) plan(c *cobra.Command) (*harness.Plan, error) {
	sc, err := scenarios.Load(f.scenario)
	if err != nil {
		return nil, err
	}
	if err := f.apply(c, sc); err != nil {
		return nil, err
	}
	rec, err := traffic.Open(sc.Traffic.Recording)
	if err != nil {
		return nil, err
	}
	return harness.NewPlan(sc, rec, f.seed)
}

// apply changes the scenario as the flags say, and checks it again.
func (f runFlags) apply(c *cobra.Command, sc *scenarios.Scenario) error {
	set := c.Flags().Changed
	if set("traffic") {
		sc.Traffic.Recording = f.traffic
	}
	if set("rate") {
		rate, err := scenarios.ParseRate(f.rate)
		if err != nil {
			return fmt.Errorf("--rate: %w", err)
		}
		sc.Traffic.Rate = rate
	}
	if set("speed") {
		sc.Traffic.Rate, sc.Traffic.Speed = 0, f.speed
	}
	if set("duration") {
		round := sc.Traffic.Slice * time.Duration(len(sc.Patterns))
		sc.Traffic.Rounds = int((f.duration + round/2) / round)
	}
	if set("tokens") {
		sc.Revoke.Tokens = f.tokens
	}
	if err := sc.Validate(); err != nil {
		return fmt.Errorf("with these flags: %w", err)
	}
	return nil
}

// command is the command line that runs the same again.
func (f runFlags) command(c *cobra.Command) string {
	words := []string{"tokendrill run", f.scenario, fmt.Sprintf("--seed %d", f.seed)}
	for _, name := range []string{"traffic", "rate", "speed", "duration", "tokens"} {
		if flag := c.Flags().Lookup(name); flag.Changed {
			words = append(words, fmt.Sprintf("--%s %s", name, flag.Value))
		}
	}
	return strings.Join(words, " ")
}

// report writes the report folder, prints the summary and returns the verdict.
func (f runFlags) report(c *cobra.Command, dir *folder, result *harness.Result) error {
	r := result.Report
	err := errors.Join(
		result.WriteHLog(dir.path),
		dir.write("report.html", func(w io.Writer) error { return reports.HTML(w, r) }),
		measure.SaveReport(dir.join("report.json"), r),
		reports.Terminal(c.OutOrStdout(), r, reports.TerminalOptions{
			Color: colorful(c.OutOrStdout()), Path: dir.join("report.html"), Next: nextCommand(f.scenario),
		}),
	)
	if err != nil || r.Verdict == measure.Pass {
		return err
	}
	return judged{r.Verdict}
}

// nextCommand is what to run after a scenario.
func nextCommand(scenario string) string {
	if scenario == "quick" {
		return "tokendrill run field-review    the same beside published figures"
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
