package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"
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

	stage harness.Stage // nil is the embedded one
}

func runCommand() *cobra.Command {
	f := runFlags{scenario: "quick"}
	c := &cobra.Command{
		Use:   "run [SCENARIO|FILE]",
		Short: "Replay, break, measure, compare; write a report folder",
		Long: `run replays a recording against the patterns of a scenario, revokes tokens under
their traffic and prints which pattern is fast, which revokes quickly and which is
ever wrong. SCENARIO is a name of the catalogue (tokendrill list scenarios) or a
YAML file; without one it is "quick".

Ctrl-C ends the run early, with a report on what was measured until then; pressed
again it changes nothing: the report is a matter of a second.`,
		Example: `  tokendrill run
  tokendrill run field-review --seed 3
  tokendrill run quick --traffic rec.ndjson.gz --rate 400/s --out report
  tokendrill run quick --dry-run`,
		Args:              args(0, 1),
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
	ctx, stop := signal.NotifyContext(c.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	dir, err := openFolder(f.out, fmt.Sprintf("%s-%d", plan.Scenario.Name, f.seed), f.force)
	if err != nil {
		return err
	}
	history, err := dir.create("history.ndjson")
	if err != nil {
		return errors.Join(err, dir.abandon())
	}
	show := newProgress(c.ErrOrStderr())
	result, err := harness.Run(ctx, plan, harness.Options{
		Stage: f.stage, History: history, Progress: show.update, Version: version, Reproduce: f.command(c),
	})
	show.done()
	err = errors.Join(err, history.Close())
	if result == nil {
		if ctx.Err() != nil {
			err = errInterrupted
		}
		return errors.Join(err, dir.abandon())
	}
	if err := errors.Join(err, result.WriteHLog(dir.path), f.report(c, dir, result.Report)); err != nil {
		return err
	}
	return verdict(result.Report)
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
	if err := f.pace(c, sc); err != nil {
		return err
	}
	if set("duration") {
		round := sc.Traffic.Slice * time.Duration(len(sc.Patterns))
		if sc.Traffic.Rounds = int((f.duration + round/2) / round); sc.Traffic.Rounds < 1 {
			return fmt.Errorf("--duration %v is too short; expected %v or more, the length of one round", f.duration, round)
		}
	}
	if set("tokens") {
		sc.Revoke.Tokens = f.tokens
	}
	if err := sc.Validate(); err != nil {
		return fmt.Errorf("with these flags: %w", err)
	}
	return nil
}

// pace sets a rate or a speed, of which a scenario has one.
func (f runFlags) pace(c *cobra.Command, sc *scenarios.Scenario) error {
	byRate, bySpeed := c.Flags().Changed("rate"), c.Flags().Changed("speed")
	switch {
	case byRate && bySpeed:
		return errors.New("--rate and --speed contradict each other; expected one of them")
	case byRate:
		rate, err := scenarios.ParseRate(f.rate)
		if err != nil {
			return fmt.Errorf("--rate: %w", err)
		}
		if rate == 0 {
			return errors.New("--rate: nothing would be sent; expected more than 0/s, or --speed 1 for the recorded pace")
		}
		sc.Traffic.Rate, sc.Traffic.Speed = rate, 0
	case bySpeed:
		if f.speed == 0 {
			return errors.New("--speed: nothing would be sent; expected more than 0, such as 1 for the recorded pace")
		}
		sc.Traffic.Rate, sc.Traffic.Speed = 0, f.speed
	}
	return nil
}

// command is the command line that runs the same again.
func (f runFlags) command(c *cobra.Command) string {
	words := []string{"tokendrill run", quoted(f.scenario), fmt.Sprintf("--seed %d", f.seed)}
	for _, name := range []string{"traffic", "rate", "speed", "duration", "tokens"} {
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
