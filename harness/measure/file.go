package measure

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// SaveReport writes report.json. It replaces the file as a whole or not at all.
func SaveReport(path string, r *Report) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("save report %s: %w", path, err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".report-*")
	if err != nil {
		return fmt.Errorf("save report: %w", err)
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone already if all went well
	_, err = f.Write(append(data, '\n'))
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Chmod(f.Name(), 0o644)
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("save report %s: %w", path, err)
	}
	return nil
}

// mostReport bounds the size of a report that is read, in bytes.
const mostReport = 256 << 20

// LoadReport reads report.json and checks its schema; unknown fields are left
// out, so that a report of a newer minor version still renders.
func LoadReport(path string) (*Report, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("load report: %w", err)
	}
	if info.Size() > mostReport {
		return nil, fmt.Errorf("load report %s: %d bytes is too large", path, info.Size())
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("load report: %w", err)
	}
	var r Report
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("load report %s: %w", path, err)
	}
	if r.Schema != Schema {
		return nil, fmt.Errorf("load report %s: schema is %q, want %q", path, r.Schema, Schema)
	}
	return &r, nil
}
