package scenarios

import "fmt"

// Error is a mistake in a scenario file.
type Error struct {
	File string
	// Line counts from 1; 0 means that the scenario is not as a file says.
	Line int
	// Msg says what is wrong and, after "; expected", what would be right; about a
	// gate it is what measure.ParseGate says.
	Msg string
}

// Error renders the mistake as "file:line: msg".
func (e *Error) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.File, e.Msg)
	}
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Msg)
}
