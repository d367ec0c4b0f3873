package scenarios

import "fmt"

// Error is a mistake in a scenario file.
type Error struct {
	File string
	Line int
	// Msg says what is wrong and, after "; expected", what would be right; about a
	// gate it is what measure.ParseGate says.
	Msg string
}

// Error renders the mistake as "file:line: msg".
func (e *Error) Error() string { return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Msg) }
