package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tokendrill/tokendrill/harness/containers"
)

// What keeps a stage of containers.
const (
	forRun = "run"
	forUp  = "stage up"
)

// statusAll lists the stages of containers on the engine.
func statusAll(ctx context.Context, w io.Writer) error {
	all, err := containers.List(ctx)
	if err != nil {
		return err
	}
	left := false
	for _, s := range all {
		left = left || !s.Alive
		fmt.Fprintf(w, "%s  %s of %s, %s, since %s\n", s.ID, s.For, s.Owner, lifeOf(s), s.Started.Local().Format(time.DateTime))
		var rows [][]string
		for _, b := range s.Boxes {
			rows = append(rows, []string{"  " + b.Node, b.State, b.URL})
		}
		if err := printRows(w, rows); err != nil {
			return err
		}
	}
	switch {
	case len(all) == 0:
		fmt.Fprintln(w, "no stage of containers is on this engine")
	case left:
		fmt.Fprintln(w, "next  tokendrill stage prune    removes what is left behind")
	}
	return nil
}

// lifeOf says whether somebody has a stage.
func lifeOf(s containers.Info) string {
	if s.Alive {
		return "alive"
	}
	return "left behind"
}

// downAll ends every stage up on the engine, and removes what killed ones have left.
func downAll(ctx context.Context, w io.Writer) error {
	all, err := containers.List(ctx)
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(s containers.Info) bool { return s.For != forUp })
	var failed []error
	for _, s := range all {
		failed = append(failed, downOne(ctx, w, s))
	}
	if len(all) == 0 {
		fmt.Fprintln(w, "down     no stage up has containers on this engine")
	}
	return errors.Join(failed...)
}

// downOne ends one stage: by its owner if that lives.
func downOne(ctx context.Context, w io.Writer, s containers.Info) error {
	if s.Alive {
		pid, err := ownPid(s.Owner)
		if err != nil {
			return fmt.Errorf("stage %s: %w", s.ID, err)
		}
		fmt.Fprintf(w, "ending   process %d of stage %s\n", pid, s.ID)
		lives := func(ctx context.Context) (bool, error) { return aliveOn(ctx, s.ID) }
		if err := endProcess(ctx, pid, lives); err != nil {
			return err
		}
	}
	if _, err := prune(ctx, w, containers.PruneOptions{ID: s.ID}); err != nil {
		return err
	}
	fmt.Fprintf(w, "down     stage %s\n", s.ID)
	return nil
}

// ownPid is the process of this machine that an owner, HOST/PID, is.
func ownPid(owner string) (int, error) {
	host, number, _ := strings.Cut(owner, "/")
	here, err := os.Hostname()
	if err != nil {
		return 0, err
	}
	if host != here {
		return 0, fmt.Errorf("its owner %s is on another machine: end it there", owner)
	}
	return strconv.Atoi(number)
}

// aliveOn says whether the engine has a stage whose owner lives.
func aliveOn(ctx context.Context, id string) (bool, error) {
	all, err := containers.List(ctx)
	return slices.ContainsFunc(all, func(s containers.Info) bool { return s.ID == id && s.Alive }), err
}

// pruneOf removes the containers that a killed stage up of this machine has left, if
// there is an engine and it had any.
func pruneOf(ctx context.Context, w io.Writer, pid int) error {
	all, err := containers.List(ctx)
	if errors.As(err, new(*containers.NoEngine)) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, s := range all {
		if own, err := ownPid(s.Owner); err != nil || own != pid || s.Alive || s.For != forUp {
			continue
		}
		if _, err := prune(ctx, w, containers.PruneOptions{ID: s.ID}); err != nil {
			return err
		}
	}
	return nil
}

// prune removes what the options say, and tells of each thing that it removed.
func prune(ctx context.Context, w io.Writer, o containers.PruneOptions) (told int, err error) {
	o.Tell = func(line string) {
		told++
		fmt.Fprintln(w, line)
	}
	err = containers.Prune(ctx, o)
	return told, err
}

func stagePruneCommand() *cobra.Command {
	var o containers.PruneOptions
	c := &cobra.Command{
		Use:   "prune",
		Short: "Remove the containers and networks that killed stages have left",
		Long: `prune removes the containers and networks of stages whose process is dead, by their
label: those that a kill -9 of run, stage up or a test has left on this engine. What
somebody still uses stays, unless --all says that it goes too; a run that loses its
containers fails. Other people's containers are never touched.

Images stay, one for each build of tokendrill, so that the next start is quick;
--images removes those that no stage uses.`,
		Example: `  tokendrill stage prune
  tokendrill stage prune --images
  tokendrill stage prune --id 3f9c2a71b0d4 --all`,
		Args: args(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := mayPrune(c.Context(), o); err != nil {
				return err
			}
			told, err := prune(c.Context(), c.OutOrStdout(), o)
			if err == nil && told == 0 {
				fmt.Fprintln(c.OutOrStdout(), "nothing to prune")
			}
			return err
		},
	}
	flags := c.Flags()
	flags.StringVar(&o.ID, "id", "", "this stage only, as stage status names it")
	flags.BoolVar(&o.All, "all", false, "stages whose process lives too")
	flags.BoolVar(&o.Images, "images", false, "images of tokendrill too that no stage uses")
	return c
}

// mayPrune refuses the removal of one stage that somebody uses.
func mayPrune(ctx context.Context, o containers.PruneOptions) error {
	if o.ID == "" || o.All {
		return nil
	}
	all, err := containers.List(ctx)
	for _, s := range all {
		if s.ID == o.ID && s.Alive {
			return badInput(fmt.Errorf("stage %s is in use, %s of %s; --all removes it all the same", s.ID, s.For, s.Owner))
		}
	}
	return err
}
