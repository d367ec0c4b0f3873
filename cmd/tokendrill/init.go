package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/tokendrill/tokendrill/scenarios"
)

// initFlags say which target file to write, and where.
type initFlags struct {
	file   string
	preset string
	force  bool
}

func initCommand() *cobra.Command {
	f := initFlags{file: "target.yaml"}
	c := &cobra.Command{
		Use:   "init [FILE]",
		Short: "Write a target file to start from, for a system of your own",
		Long: `init writes a commented target file: which gateways to measure, and how tokens come
from the authorization server before them and are revoked. Presets fill in what is
known of common servers; tokendrill list presets names them. FILE is target.yaml
unless you name another one; "-" is standard output.`,
		Example: `  tokendrill init
  tokendrill init staging.yaml --preset keycloak
  tokendrill init - --preset entra | less`,
		Args: args(0, 1),
		RunE: func(c *cobra.Command, a []string) error {
			if len(a) == 1 {
				f.file = a[0]
			}
			return f.run(c)
		},
	}
	flags := c.Flags()
	flags.StringVar(&f.preset, "preset", scenarios.GenericPreset, "which authorization server; see tokendrill list presets")
	flags.BoolVar(&f.force, "force", false, "replace the file if it exists")
	_ = c.RegisterFlagCompletionFunc("preset", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return scenarios.Presets(), cobra.ShellCompDirectiveNoFileComp
	})
	return c
}

func (f initFlags) run(c *cobra.Command) error {
	text, err := scenarios.Preset(f.preset)
	if err != nil {
		return badInput(fmt.Errorf("init: %w", err))
	}
	if f.file == "-" {
		_, err := c.OutOrStdout().Write(text)
		return err
	}
	err = writeNew(f.file, text, f.force)
	switch {
	case errors.Is(err, fs.ErrExist):
		return badInput(fmt.Errorf("init: %s exists: name another file, or replace it with --force", f.file))
	case err != nil:
		return badInput(fmt.Errorf("init: %w", err))
	}
	_, err = fmt.Fprintf(c.OutOrStdout(), "%s is written from the preset %s: put your names in the place of those with example\n\nnext      tokendrill target check %s\n",
		f.file, f.preset, quoted(f.file))
	return err
}

// writeNew writes a file that is not there yet, or replaces it if force says so.
func writeNew(file string, text []byte, force bool) error {
	mode := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if force {
		mode = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	w, err := os.OpenFile(file, mode, 0o644)
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	return errors.Join(err, w.Close())
}
