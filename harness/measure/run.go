package measure

import "time"

// Run is what only the harness knows about a run that has ended.
type Run struct {
	// Elapsed is the length of the run, from the instant that history times count from.
	Elapsed time.Duration
	// Sender is how the attack kept its plan; its Lag is filled in here.
	Sender      Sender
	Environment Environment
	// Reproduce is the command that runs this again; empty leaves it out.
	Reproduce string
	// Ended is Stopped or Interrupted if the run did not come to its own end.
	Ended RunVerdict
	// Stopped is the sentence of the Guard that ended the run; it makes Ended
	// Stopped, unless that says that the run was interrupted.
	Stopped string
	// Undo is what became of the faults.
	Undo Undo
	// Invalid holds the harness' own reasons why the figures cannot be believed.
	Invalid []string
	// Warnings are doubts that do not make the run invalid.
	Warnings []string
	// Authority holds, for each pattern, readings of the counter of calls to the
	// authority, in order of time. The last one is the total.
	Authority map[string][]Reading
	// References are published figures; their Value is filled in here.
	References []Reference
}

// Reading is the value of a counter that only grows, at an instant in ns since start.
type Reading struct {
	At    int64
	Count int64
}

// Words in the Detail of a fault event, separated by spaces.
const (
	// FaultLanded says that the fault was seen to take effect.
	FaultLanded = "landed"
	// FaultHealed says that its effect was seen to be gone after it ended.
	FaultHealed = "healed"
)
