package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
)

func stageStatusCommand() *cobra.Command {
	var f stageFlags
	c := &cobra.Command{
		Use:   "status",
		Short: "Say what is up, since when, and where",
		Long: `status says whether the "stage up" whose files are in DIR is up, since when, and at
which addresses. The first word is "up", "starting", "killed" or "down".

With --stage containers it lists every stage of containers on this engine: what it is
for, the process that keeps it, whether that lives or has left it behind, and each
container with its node, state and address.`,
		Example: `  tokendrill stage status
  tokendrill stage status --dir /tmp/stage
  tokendrill stage status --stage containers`,
		Args: args(0, 0),
		RunE: func(c *cobra.Command, _ []string) error { return f.either(c, statusAll, f.status) },
	}
	f.whichFlags(c)
	return c
}

// addressFile is the file of a stage folder that says where things are.
const addressFile = "addresses"

// status says how the stage of the folder is.
func (f stageFlags) status(_ context.Context, w io.Writer) error {
	o, err := findOwner(f.dir)
	if errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintln(w, nothingUp(f.dir))
		return nil
	}
	if err != nil {
		return err
	}
	defer o.close()
	since := o.since.Local().Format(time.DateTime)
	if !o.alive {
		fmt.Fprintf(w, "killed   process %d of %s, started at %s\n", o.pid, f.dir, since)
		fmt.Fprintf(w, "next     %s    removes what it has left\n", f.downLine())
		return nil
	}
	where, err := os.ReadFile(filepath.Join(f.dir, addressFile))
	if errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintf(w, "starting since %s, process %d, files in %s\n", since, o.pid, f.dir)
		return nil
	}
	if err != nil {
		return fmt.Errorf("stage folder: %w", err)
	}
	_, err = fmt.Fprintf(w, "up       since %s, process %d, files in %s\n\n%s\n%-10s %s    ends it\n", since, o.pid, f.dir, where, "next", f.downLine())
	return err
}

// downLine is the command that ends the stage of the folder.
func (f stageFlags) downLine() string {
	words := []string{"tokendrill", "stage", "down"}
	if f.dir != stageDir {
		words = append(words, "--dir", f.dir)
	}
	return shown(words)
}
