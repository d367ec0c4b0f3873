package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/tokendrill/tokendrill/harness"
)

// printPlan says what a run would do.
func printPlan(w io.Writer, p *harness.Plan) error {
	n := p.Count()
	rows := [][]string{
		{"scenario", p.Scenario.Name},
		{"recording", fmt.Sprintf("%s, %d requests, sha256 %.12s", p.Scenario.Traffic.Recording, len(p.Recording.Exchanges), p.Recording.Digest)},
		{"requests", fmt.Sprintf("%d: %d probes, %d fuzzed", n.Requests, n.Probes, n.Fuzzed)},
		{"revocations", fmt.Sprint(n.Revocations)},
	}
	for _, s := range p.Systems {
		rows = append(rows, []string{"pattern", fmt.Sprintf("%s at %s; bound %v (%s)", s.Pattern, strings.Join(s.Gateways, ", "), s.Bound, s.BoundWhy)})
	}
	for _, ph := range p.Phases {
		rows = append(rows, []string{"phase", fmt.Sprintf("%s, %s to %s", ph.Name, seconds(ph.From), seconds(ph.To))})
	}
	for _, f := range p.Faults {
		rows = append(rows, []string{"fault", fmt.Sprintf("%s on %s, %s to %s", f.Name, f.Where(), seconds(f.From), seconds(f.To))})
	}
	rows = append(rows, []string{"takes", seconds(p.Duration()) + ", besides starting and issuing tokens"}, []string{"digest", p.Digest})
	return printRows(w, rows)
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }
