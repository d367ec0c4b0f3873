package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tokendrill/tokendrill/fixtures/traffic"
	"github.com/tokendrill/tokendrill/harness"
	"github.com/tokendrill/tokendrill/scenarios"
)

// stageFlags are what a command line says about a stage.
type stageFlags struct {
	stageChoice

	scenario string
	dir      string
	patterns []string
}

// stageDir is where a stage writes its files if nobody says another folder.
const stageDir = "stage"

func stageCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "stage",
		Short:   "Keep a stage running, to try things by hand",
		Example: "  tokendrill stage up\n  tokendrill stage status\n  tokendrill stage down",
		RunE:    needsKind("stage what?"),
	}
	c.AddCommand(stageUpCommand(), stageDownCommand(), stageStatusCommand(), stagePruneCommand())
	return c
}

func stageUpCommand() *cobra.Command {
	f := stageFlags{scenario: "quick"}
	c := &cobra.Command{
		Use:   "up [SCENARIO|FILE]",
		Short: "Start the gateways and the authority of a scenario, and keep them up until Ctrl-C",
		Long: `up starts the stage of a scenario on loopback ports and leaves it to you: the gateways
of its patterns with its settings, routes and network delays, and an authority for
their tokens. It prints where they are, a live token, and curl lines that get a token,
use it, revoke it and see it refused. Nothing is sent to the stage or broken by itself,
and the delays of client-gateway are left out: you are the client. All of it runs in
this process, or with --stage containers each role in a container of its own.

DIR gets these files, readable by you alone, and must be empty if it is there:

  env           addresses and credentials as TOKENDRILL_STAGE_... variables, to be
                sourced; it appears when everything is up
  PATTERN.yaml  a target file for the gateways of each pattern
  secret        the client secret that the target files name
  addresses     where everything is, for stage status
  pid           the process, for stage down

Tokens live for as long as the scenario says, and for an hour at least. The client
"demo" gets opaque ones, "demo-jwt" signed ones; each may revoke its own (RFC 7009).
"gateway" may introspect (RFC 7662, on request RFC 9701), for a gateway of your own.

Ctrl-C, SIGTERM or stage down takes everything down and removes the files, since they
name what is no longer there; DIR goes too if up has made it. That is exit code 0.`,
		Example: `  tokendrill stage up
  tokendrill stage up field-review --patterns cache,remote
  tokendrill stage up my-scenario.yaml --dir /tmp/stage
  tokendrill stage up --stage containers`,
		Args:              args(0, 1),
		ValidArgsFunction: completeScenarios,
		RunE: func(c *cobra.Command, a []string) error {
			if len(a) == 1 {
				f.scenario = a[0]
			}
			return f.up(c)
		},
	}
	f.flags(c)
	f.dirFlag(c)
	c.Flags().StringSliceVar(&f.patterns, "patterns", nil, "patterns to start, in the place of the scenario's")
	_ = c.RegisterFlagCompletionFunc("patterns", completePatterns)
	return c
}

// dirFlag adds --dir.
func (f *stageFlags) dirFlag(c *cobra.Command) {
	c.Flags().StringVar(&f.dir, "dir", stageDir, "folder of the files")
	_ = c.MarkFlagDirname("dir") // it is there
}

// whichFlags add the flags that say which stage is meant.
func (f *stageFlags) whichFlags(c *cobra.Command) {
	f.dirFlag(c)
	f.kindFlag(c, "containers speaks of those on this engine, in the place of a folder")
}

// either carries out what is asked of the stages of the engine, or of that of a folder.
func (f stageFlags) either(c *cobra.Command, ofEngine, ofFolder func(context.Context, io.Writer) error) error {
	if err := f.known(); err != nil {
		return err
	}
	if f.kind != stageContainers {
		return ofFolder(c.Context(), c.OutOrStdout())
	}
	if c.Flags().Changed("dir") {
		return badInput(errors.New("--dir and --stage containers contradict each other; expected one of them"))
	}
	return ofEngine(c.Context(), c.OutOrStdout())
}

// up keeps a stage up until the user ends it.
func (f stageFlags) up(c *cobra.Command) error {
	plan, err := f.plan()
	if err != nil {
		return badInput(err)
	}
	if err := f.check(plan); err != nil {
		return err
	}
	ctx, _, stop := interruptible(c.Context())
	defer stop()
	if err := f.reachable(ctx); err != nil {
		return unlessEnded(ctx, err)
	}
	dir, err := openStageFolder(f.dir)
	if err != nil {
		return err
	}
	return errors.Join(f.stand(ctx, c, plan, dir), dir.remove())
}

// stand keeps a stage up, and tells the user about it, until ctx ends. That ctx ends
// on the way there is no error.
func (f stageFlags) stand(ctx context.Context, c *cobra.Command, plan *harness.Plan, dir *stageFolder) error {
	w, show := c.OutOrStdout(), newProgress(c.ErrOrStderr())
	s, err := f.start(ctx, plan, show)
	show.done()
	if err != nil {
		return unlessEnded(ctx, err)
	}
	raw, err := s.token(ctx, clientOf(plan.Systems[0]))
	if err == nil {
		err = s.describe(dir)
	}
	if err == nil {
		_, err = io.WriteString(w, s.sheet(dir, raw))
	}
	if err == nil {
		<-ctx.Done()
	}
	return errors.Join(unlessEnded(ctx, err), s.site.Close())
}

// unlessEnded is err, or nil if the end of ctx explains it.
func unlessEnded(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// plan is the scenario as somebody finds it who sends the requests by hand.
func (f stageFlags) plan() (*harness.Plan, error) {
	sc, err := scenarios.Load(f.scenario)
	if err != nil {
		return nil, err
	}
	if len(f.patterns) > 0 {
		sc.Patterns = f.patterns
	}
	sc.Faults, sc.Stimuli, sc.AbortWhen, sc.References, sc.Gates = nil, nil, nil, nil, nil
	sc.Traffic = scenarios.Traffic{Recording: traffic.ProbeName, Rate: 1, Slice: time.Second}
	sc.Revoke = scenarios.Revoke{Tokens: 1, Every: time.Second, FirstGap: time.Second}
	sc.Tokens.Lifetime = max(sc.Tokens.Lifetime, leastByHand)
	if err := sc.Validate(); err != nil {
		return nil, fmt.Errorf("with these flags: %w", err)
	}
	rec, err := traffic.Probe()
	if err != nil {
		return nil, err
	}
	return harness.NewPlan(sc, rec, 1)
}

// leastByHand is how long a token should live for somebody who types.
const leastByHand = time.Hour

// completePatterns completes the last of a list of patterns.
func completePatterns(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	before := typed[:strings.LastIndex(typed, ",")+1]
	var out []string
	for _, p := range []string{scenarios.Cache, scenarios.Remote, scenarios.Registry, scenarios.Hybrid} {
		out = append(out, before+p)
	}
	return out, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}
