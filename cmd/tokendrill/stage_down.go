package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

func stageDownCommand() *cobra.Command {
	var f stageFlags
	c := &cobra.Command{
		Use:   "down",
		Short: "End a stage that is up",
		Long: `down ends the "stage up" whose files are in DIR, as Ctrl-C does, and waits until
everything is down. Where it was killed, down removes the files that it has left, and
its containers. That nothing is up is no error.

With --stage containers it ends every "stage up" whose containers this engine runs,
and removes what killed ones have left there; the containers of a run stay.`,
		Example: `  tokendrill stage down
  tokendrill stage down --dir /tmp/stage
  tokendrill stage down --stage containers`,
		Args: args(0, 0),
		RunE: func(c *cobra.Command, _ []string) error { return f.either(c, downAll, f.down) },
	}
	f.whichFlags(c)
	return c
}

// down ends the stage of the folder.
func (f stageFlags) down(ctx context.Context, w io.Writer) error {
	o, err := findOwner(f.dir)
	if errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintln(w, nothingUp(f.dir))
		return nil
	}
	if err != nil {
		return err
	}
	defer o.close()
	if !o.alive {
		return f.cleanUp(ctx, w, o.pid)
	}
	fmt.Fprintf(w, "ending   process %d of %s\n", o.pid, f.dir)
	if err := o.end(ctx); err != nil {
		return err
	}
	fmt.Fprintf(w, "down     %s\n", f.dir)
	return nil
}

// nothingUp says that a folder has no stage.
func nothingUp(dir string) string { return "down     no stage is up in " + dir }

// cleanUp removes what a killed stage has left: its files, and the folder if nothing
// else is in it, and its containers.
func (f stageFlags) cleanUp(ctx context.Context, w io.Writer, pid int) error {
	ours, err := stageFiles(f.dir)
	if err != nil {
		return err
	}
	for _, name := range ours {
		if gone := os.Remove(filepath.Join(f.dir, name)); !errors.Is(gone, fs.ErrNotExist) {
			err = errors.Join(err, gone)
		}
	}
	if err != nil {
		return fmt.Errorf("stage folder: %w", err)
	}
	_ = os.Remove(f.dir) // it stays if the user has put something there
	fmt.Fprintf(w, "cleaned  %s: its process %d was killed; removed %s\n", f.dir, pid, strings.Join(ours, " "))
	return pruneOf(ctx, w, pid)
}

// stageFiles are the files of a folder that a stage has made, the pid last: until
// then it can be cleaned up again.
func stageFiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, e := range entries {
		name := e.Name()
		if slices.Contains([]string{"env", ".env", "secret", addressFile}, name) || isTarget(filepath.Join(dir, name)) {
			out = append(out, name)
		}
	}
	return append(out, "pid"), nil
}

// targetHead is the first line of a target file that a stage has made.
const targetHead = "# Written by tokendrill stage up, and gone with the stage."

// isTarget says whether a file is a target file of a stage, as the stage wrote it.
func isTarget(path string) bool {
	if filepath.Ext(path) != ".yaml" {
		return false
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	line, _ := bufio.NewReaderSize(f, len(targetHead)+1).ReadSlice('\n') // a longer line is another one
	return strings.TrimSuffix(string(line), "\n") == targetHead
}
