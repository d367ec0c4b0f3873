package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/tokendrill/tokendrill/chaos"
)

func healCommand() *cobra.Command {
	var pid int
	var dryRun bool
	c := &cobra.Command{
		Use:   "heal",
		Short: "Undo what runs have left behind that were killed",
		Long: `heal undoes the faults of runs that ended without doing so themselves. What a run
breaks it writes into an undo journal beforehand, in the folder TOKENDRILL_STATE, or
tokendrill in XDG_STATE_HOME or ~/.local/state. Runs that are going on are left
alone, and there is no harm in healing again. The exit code is 0 if nothing is left
in place and 6 if something is. What you have mended by hand is over when you delete
its journal, which the error names.

--when-dead waits until the run with that process id has died, or has not been heard
of for 5 s, undoes its faults and ends: run starts this watchdog by itself.`,
		Example: "  tokendrill heal\n  tokendrill heal --dry-run\n  tokendrill heal --when-dead 4711",
		Args:    args(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			state, err := stateDir()
			if err != nil {
				return err
			}
			switch {
			case pid < 0 || c.Flags().Changed("when-dead") && pid == 0:
				return badInput(fmt.Errorf("--when-dead %d: expected a process id", pid))
			case pid > 0 && dryRun:
				return badInput(errors.New("--when-dead and --dry-run contradict each other; expected one of them"))
			case pid > 0:
				return watch(c.Context(), c.OutOrStdout(), state, pid)
			}
			ctx, stop := signal.NotifyContext(c.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			h := healer{out: c.OutOrStdout(), dryRun: dryRun}
			return h.heal(ctx, state)
		},
	}
	c.Flags().IntVar(&pid, "when-dead", 0, "process id of a run; wait until it has died")
	c.Flags().BoolVar(&dryRun, "dry-run", false, "print what would be undone, and do nothing")
	return c
}

// healer plays undo journals and says what it does.
type healer struct {
	out    io.Writer
	dryRun bool
	told   int // faults and runs that were told of
}

// heal plays every journal in the folder.
func (h *healer) heal(ctx context.Context, state string) error {
	journals, err := chaos.Journals(state)
	if err != nil {
		return undoFailed{err}
	}
	var failed []error
	for _, path := range journals {
		failed = append(failed, h.play(ctx, path))
	}
	if err := errors.Join(failed...); err != nil {
		return undoFailed{err}
	}
	if h.told == 0 {
		fmt.Fprintln(h.out, "nothing to heal")
	}
	return nil
}

// play undoes what one journal says.
func (h *healer) play(ctx context.Context, path string) error {
	l, err := chaos.Recover(ctx, path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case errors.Is(err, chaos.ErrAlive):
		h.told++
		fmt.Fprintf(h.out, "alone   %s: its run is going on and undoes its own faults\n", path)
		return nil
	case err != nil:
		return err
	}
	defer l.Close()
	if !h.dryRun {
		return l.Undo(ctx, h.tell)
	}
	for _, e := range l.Pending() {
		h.plan(e)
	}
	return nil
}

// tell says what became of one fault.
func (h *healer) tell(e chaos.Entry, err error) {
	h.told++
	switch {
	case err != nil:
		fmt.Fprintf(h.out, "FAILED  %s: %v\n", described(e), oneLine(err))
	case e.Undo == chaos.UndoProcess:
		fmt.Fprintf(h.out, "ended   %s, with its process\n", described(e))
	case e.Undo == chaos.UndoNone:
		fmt.Fprintf(h.out, "stays   %s: its run was allowed to leave it, undo it by hand\n", described(e))
	default:
		fmt.Fprintf(h.out, "healed  %s, by %s\n", described(e), actShown(e.Heal, e.Call))
	}
}

// plan says what would become of one fault.
func (h *healer) plan(e chaos.Entry) {
	h.told++
	switch e.Undo {
	case chaos.UndoCommand:
		fmt.Fprintf(h.out, "would heal %s, by %s in %s\n", described(e), actShown(e.Heal, e.Call), quoted(e.Dir))
	case chaos.UndoCall:
		fmt.Fprintf(h.out, "would heal %s, by %s\n", described(e), actShown(e.Heal, e.Call))
	default:
		fmt.Fprintf(h.out, "nothing to do about %s\n", described(e))
	}
}

// described names a fault of a journal.
func described(e chaos.Entry) string {
	return strings.TrimSpace(e.Fault+" "+e.Where) + ", injected at " + e.At.Local().Format(time.DateTime)
}

// shown is a command as a POSIX shell reads it.
func shown(argv []string) string {
	words := make([]string, len(argv))
	for i, w := range argv {
		words[i] = quoted(w)
	}
	return strings.Join(words, " ")
}
