package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/tokendrill/tokendrill/chaos"
	"github.com/tokendrill/tokendrill/harness"
)

// printPlan says what a run would do.
func printPlan(w io.Writer, p *harness.Plan) error {
	n := p.Count()
	rows := [][]string{
		{"scenario", p.Scenario.Name},
		{"recording", fmt.Sprintf("%s, %d requests, sha256 %.12s", p.Scenario.Traffic.Recording, len(p.Recording.Exchanges), p.Recording.Digest)},
		{"requests", requestCounts(n)},
		{"revocations", fmt.Sprint(n.Revocations)},
	}
	for _, s := range p.Systems {
		rows = append(rows, []string{"pattern", fmt.Sprintf("%s at %s; bound %v (%s)", s.Pattern, strings.Join(s.Gateways, ", "), s.Bound, s.BoundWhy)})
	}
	for _, ph := range p.Phases {
		rows = append(rows, []string{"phase", fmt.Sprintf("%s, %s to %s", ph.Name, seconds(ph.From), seconds(ph.To))})
	}
	for _, s := range p.Stimuli {
		rows = append(rows, []string{"stimulus", stimulusText(s)})
	}
	for _, f := range p.Faults {
		rows = append(rows, faultRows(p, f)...)
	}
	for _, condition := range p.Scenario.AbortWhen {
		rows = append(rows, []string{"stops when", condition})
	}
	if len(p.Scenario.Targets) > 0 {
		rows = append(rows, []string{"cost", costText(p)})
	}
	rows = append(rows, []string{"takes", seconds(p.Duration()) + ", besides starting and issuing tokens"}, []string{"digest", p.Digest})
	return printRows(w, rows)
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

// requestCounts says what the requests of a plan are.
func requestCounts(n harness.Counts) string {
	text := fmt.Sprintf("%d: %d probes, %d fuzzed", n.Requests, n.Probes, n.Fuzzed)
	if n.Stimuli > 0 {
		text += fmt.Sprintf(", %d of stimuli", n.Stimuli)
	}
	return text
}

// costText says what a plan asks of its targets, and how finely it looks.
func costText(p *harness.Plan) string {
	c := p.Cost()
	return fmt.Sprintf("%d requests, at most %d in any second, %d tokens, %d revocations each; first probes %v apart, then %.0f%% of the time since; %s",
		c.Requests, c.Peak, c.Tokens, c.Moments, c.FirstGap.Round(time.Millisecond), 100*c.Growth, seconds(p.Duration()))
}

// stimulusText says what a stimulus sends, to whom and when.
func stimulusText(s harness.StimulusWindow) string {
	to := "every pattern"
	if s.Pattern != "" {
		to = s.Pattern
	}
	return fmt.Sprintf("%s to %s, %v/s with %d tokens, %s to %s", s.Name, to, float64(s.Rate), s.Tokens, seconds(s.From), seconds(s.To))
}

// faultRows say what a fault does, to what and when.
func faultRows(p *harness.Plan, f harness.FaultWindow) [][]string {
	when := fmt.Sprintf("%s, %s to %s", cmp.Or(f.As, f.Name), seconds(f.From), seconds(f.To))
	if inject := actShown(f.Inject, f.InjectCall); inject != "" {
		heal := cmp.Or(actShown(f.Heal, f.HealCall), "nothing, it stays")
		return [][]string{{"fault", when}, {"", "inject: " + inject}, {"", "heal: " + heal}}
	}
	if given := f.Given(); given != "" {
		when += "; " + given
	}
	rows := [][]string{{"fault", when}}
	for _, target := range p.Targets(f) {
		rows = append(rows, []string{"", "on " + target})
	}
	return rows
}

// actShown is what a command or a call does, "" if there is neither.
func actShown(argv []string, c *chaos.Call) string {
	if c != nil {
		return c.String()
	}
	return shown(argv)
}
