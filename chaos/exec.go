package chaos

import (
	"context"
	"fmt"
)

// Exec is the fault exec: a command breaks something, another mends it. Its
// evidence is their exit status. Both should be idempotent: after a crash the heal
// command may run although what it mends was never broken, or twice.
type Exec struct {
	// Break is the inject command, and Mend the heal command; without one the
	// fault cannot be undone.
	Break, Mend []string
}

func execFault() Spec {
	return Spec{
		Name: "exec", Place: OnHost,
		Does: "Runs a command that breaks something, anywhere, and at the end one that mends it.",
		Params: []Param{
			{Name: "inject", Unit: UnitCommand, Required: true, Doc: "breaks it; a program with its arguments, run without a shell, for at most 5 s"},
			{Name: "heal", Unit: UnitCommand, Default: "none: the fault is refused unless run --irreversible exec allows it",
				Doc: "mends it, at once and however often it is run; without standard input, in the folder in which the run was started"},
		},
		Met: "the inject command, once it has succeeded", Clear: "heal commands that have succeeded",
		Models:  "Whatever no other fault does: a firewall rule, a paused process, a full disk.",
		Source:  "alexei-led/pumba#147: after kill -9 of the tool its delay stays",
		New:     func(p Params) Fault { return Exec{Break: p.Inject, Mend: p.Heal} },
		written: commands,
	}
}

// commands writes the heal command into an entry, and sees that both programs are there.
func commands(p Params, e *Entry) error {
	if _, err := absolute(p.Inject); err != nil {
		return fmt.Errorf("inject command: %w", err)
	}
	if len(p.Heal) == 0 {
		return nil
	}
	e.Undo = UndoCommand
	var err error
	if e.Heal, err = absolute(p.Heal); err == nil {
		e.Dir, err = here()
	}
	if err != nil {
		return fmt.Errorf("heal command: %w", err)
	}
	return nil
}

// Inject runs the inject command. If that fails, it runs the heal command, as
// half of it may have happened; an error that is ErrLeft says that this failed too.
func (f Exec) Inject(ctx context.Context, _ Target) (*Injected, error) {
	return undoable{running(f.Break), running(f.Mend)}.inject(ctx)
}

// running is the run of a command, nil without one.
func running(argv []string) act {
	if len(argv) == 0 {
		return nil
	}
	return func(ctx context.Context) (began bool, err error) { return runCommand(ctx, "", argv, commandTimeout) }
}
