package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/tokendrill/tokendrill/fixtures/pattern"
	"github.com/tokendrill/tokendrill/harness"
	"github.com/tokendrill/tokendrill/harness/remote"
)

// serveFlags are what a command line says about the process of a role.
type serveFlags struct {
	listen  string
	control string
	keyHash string
}

func serveCommand() *cobra.Command {
	f := serveFlags{control: "127.0.0.1:0"}
	c := &cobra.Command{
		Use:   "serve ROLE",
		Short: "Serve one role of a stage, as its container does",
		Long: `serve is what runs in a container of a stage: it waits on its control address until
a stage tells it which role to be, serves that, and ends when the stage goes away or
nobody comes for a minute. It prints the control address. By hand it is of no use.

The roles are registry, authority, cdn, upstream, origin and gateway. What the role
needs, its keys and secrets among it, comes over the control address, from whoever has
the control key; the command line has only the SHA-256 of that key, which is no secret.

Both addresses are on loopback if nothing else is said. An address such as :9000, which
is every interface, is made for containers, whose networks say who can reach it. No
address is without the key.

Ctrl-C, SIGTERM and the end of the stage close the role. That is exit code 0.`,
		Example:           "  tokendrill serve gateway --listen :8080 --control :9000 --control-key-hash HEX",
		Args:              args(1, 1),
		ValidArgsFunction: completeRoles,
		RunE:              func(c *cobra.Command, a []string) error { return f.serve(c, a[0]) },
	}
	flags := c.Flags()
	flags.StringVar(&f.listen, "listen", "", "address of the role (default any free port on loopback)")
	flags.StringVar(&f.control, "control", f.control, "address at which it is told what to be")
	flags.StringVar(&f.keyHash, "control-key-hash", "", "SHA-256 of the control key, as hex")
	for _, name := range []string{"listen", "control", "control-key-hash"} {
		_ = c.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions) // it is there
	}
	return c
}

func completeRoles(_ *cobra.Command, a []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(a) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return harness.Roles(), cobra.ShellCompDirectiveNoFileComp
}

// serve serves a role until its lease or the process is told to end.
func (f serveFlags) serve(c *cobra.Command, kind string) error {
	o := remote.Options{Kind: kind, KeyHash: f.keyHash, Start: func(ctx context.Context, r harness.Role, audit pattern.Auditor) (*harness.Served, error) {
		r.Listen = f.listen
		return harness.Serve(ctx, r, harness.ServeOptions{Audit: audit})
	}}
	if err := f.check(o); err != nil {
		return badInput(err)
	}
	ctx, _, stop := interruptible(c.Context())
	defer stop()
	var lc net.ListenConfig
	control, err := lc.Listen(ctx, "tcp", f.control)
	if err != nil {
		return fmt.Errorf("control address: %w", err)
	}
	fmt.Fprintf(c.OutOrStdout(), "control  http://%s\n", control.Addr())
	return remote.Serve(ctx, control, o)
}

// check says what is wrong with the command line.
func (f serveFlags) check(o remote.Options) error {
	err := o.Check()
	if f.keyHash == "" && slices.Contains(harness.Roles(), o.Kind) {
		err = errors.New("--control-key-hash is missing: nobody could tell the role what to be")
	}
	return cmp.Or(err, checkAddress("--listen", cmp.Or(f.listen, ":0")), checkAddress("--control", f.control))
}

// checkAddress says what is wrong with the address that a flag gives.
func checkAddress(flag, address string) error {
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return fmt.Errorf("%s is %q; expected HOST:PORT or :PORT", flag, address)
	}
	return nil
}
