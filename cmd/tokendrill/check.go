package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/tokendrill/tokendrill/harness/measure"
	"github.com/tokendrill/tokendrill/reports"
)

func checkCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "check HISTORY",
		Short: "Judge a saved history again",
		Long: `check computes time-to-revoke, the wrong decisions about revoked and control tokens
and the gates on them once more from history.ndjson, with the figures of the run.
Latency is not in a history: gates on it are left out, and a line says so.`,
		Example: "  tokendrill check tokendrill-out/quick-7/history.ndjson\n  tokendrill check --json history.ndjson",
		Args:    args(1, 1),
		RunE: func(c *cobra.Command, a []string) error {
			report, err := checkFile(a[0])
			if err != nil {
				return badInput(fmt.Errorf("check: %w; expected the history.ndjson of a report folder", err))
			}
			if err := printReport(c.OutOrStdout(), report, asJSON); err != nil {
				return err
			}
			return verdict(report)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print the report as JSON")
	return c
}

func checkFile(path string) (*measure.Report, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	h, err := measure.ReadHistory(f, path)
	if err != nil {
		return nil, err
	}
	report, err := h.Check()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return report, nil
}

func printReport(w io.Writer, r *measure.Report, asJSON bool) error {
	if !asJSON {
		return reports.Terminal(w, r, reports.TerminalOptions{Color: colorful(w)})
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}
