package scenarios

// MaxSize is the largest scenario file taken, in bytes.
const MaxSize = 1 << 20

// Parse reads a scenario, fills in the defaults and checks it. Keys are those of
// Scenario; an unknown or repeated one, a value of the wrong kind or out of range,
// and parts that contradict each other are an *Error with the line of the first
// mistake. File stands for the input in errors. YAML anchors, aliases and tags
// are not taken.
func Parse(data []byte, file string) (*Scenario, error) { panic("x") }
