package main

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tokendrill/tokendrill/harness/external"
	"github.com/tokendrill/tokendrill/scenarios"
)

func targetCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "target",
		Short:   "Look at a system of your own that is to be measured",
		Example: "  tokendrill target check staging.yaml",
		RunE:    needsKind("target what?"),
	}
	c.AddCommand(targetCheckCommand())
	return c
}

// targetCheck is what a command line says about a check of a target.
type targetCheck struct {
	file      string
	allowHost []string
	insecure  bool
}

func targetCheckCommand() *cobra.Command {
	var t targetCheck
	c := &cobra.Command{
		Use:   "check FILE",
		Short: "Say what works at a target, what does not and what to change",
		Long: `check looks at the system that a target file describes, from end to end: it dials
every gateway, compares their clocks with ours, issues two tokens and sees them
accepted, revokes one and sees it refused within the bound while the other is not.
Requests without a token, and with one that was never issued, must be refused.

It sends some dozens of requests, no faster than the limits of the file allow, and
takes about as long as the bound. Nothing but loopback is reached unless --allow-host
names it. The exit code is 0 if the target can be measured and 4 if it cannot.`,
		Example: `  tokendrill target check staging.yaml
  tokendrill target check staging.yaml --allow-host api-eu.example.com,idp.example.com`,
		Args: args(1, 1),
		RunE: func(c *cobra.Command, a []string) error {
			t.file = a[0]
			return t.run(c)
		},
	}
	flags := c.Flags()
	flags.StringSliceVar(&t.allowHost, "allow-host", nil, "hosts beyond loopback that may be reached")
	flags.BoolVar(&t.insecure, "insecure", false, "let a target file that says so go without verifying certificates")
	return c
}

// unfit ends a check whose findings were printed: only the exit code is left.
type unfit struct{ error }

func (u unfit) Unwrap() error { return u.error }

// run does what the command line says.
func (t targetCheck) run(c *cobra.Command) error {
	target, err := scenarios.LoadTarget(t.file)
	if err != nil {
		return badInput(err)
	}
	ctx, _, stop := interruptible(c.Context())
	defer stop()
	page := newCheckPage(c.OutOrStdout(), target)
	err = page.follow(c.ErrOrStderr(), func(tell func(external.Finding)) error { return t.look(ctx, target, tell) })
	unfitted := errors.As(err, new(*external.Unfit))
	switch {
	case ctx.Err() != nil:
		return errInterrupted
	case err != nil && !unfitted:
		return err
	}
	page.sum(!unfitted, t)
	if unfitted && page.err == nil {
		return unfit{err}
	}
	return page.err
}

// look opens the target and checks it.
func (t targetCheck) look(ctx context.Context, target *scenarios.Target, tell func(external.Finding)) error {
	system, err := external.Open(ctx, target, external.Options{Allow: t.allowHost, Insecure: t.insecure})
	if u, ok := errors.AsType[*external.Unfit](err); ok {
		tell(u.Finding)
	}
	if err != nil {
		return err
	}
	return errors.Join(external.Check(ctx, system, tell), system.Close())
}

// words are the options of the command line, for a further command.
func (t targetCheck) words() string {
	out := ""
	if len(t.allowHost) > 0 {
		out += " --allow-host " + quoted(strings.Join(t.allowHost, ","))
	}
	if t.insecure {
		out += " --insecure"
	}
	return out
}
