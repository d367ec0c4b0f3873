package scenarios

// MaxSize is the largest scenario file taken, in bytes.
const MaxSize = 64 << 10

// Parse reads a scenario, fills in the defaults and checks it. Keys are those of
// Scenario; an unknown or repeated one, a value of the wrong kind or out of range,
// and parts that contradict each other are an *Error with the line of the first
// mistake. File stands for the input in errors. YAML anchors, aliases and tags
// are not taken. A fault that nothing undoes is a mistake, too, unless its name is
// among irreversible.
func Parse(data []byte, file string, irreversible ...string) (*Scenario, error) {
	return ParseFor(Given{Irreversible: irreversible}, data, file)
}

// ParseFor is Parse for a scenario that somebody brings targets to: it may name
// them in gates, and their faults like those of the catalogue.
func ParseFor(g Given, data []byte, file string) (*Scenario, error) {
	s := defaults()
	doc, err := decode(data, file, "scenario", s)
	if err != nil {
		return nil, err
	}
	s.complete()
	if err := s.finish(g, doc); err != nil {
		return nil, err
	}
	return s, nil
}
