package harness

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tokendrill/tokendrill/harness/measure"
)

// hurried is how many times faster than recorded a replay may be before the
// report says so.
const hurried = 20

// summary is what the recorder cannot know.
func (r *run) summary(ended error, stats AttackStats, cpu cpuUse, floor measure.Dist) measure.Run {
	out := measure.Run{
		Elapsed: time.Since(r.zero),
		Sender: measure.Sender{
			Planned: r.total, Sent: int(stats.Sent), MaxInFlight: stats.MaxInFlight, CPU: cpu.share(), Machine: cpu.machine(), Floor: floor,
		},
		Environment: environment(r.opts.Version, r.plan.Scenario),
		Reproduce:   r.opts.Reproduce,
		Warnings:    r.warnings,
		Authority:   r.readings,
		Undo:        r.undo.counted(),
	}
	for _, ref := range r.plan.Scenario.References {
		out.References = append(out.References, measure.Reference{Pattern: ref.Pattern, Metric: ref.Metric, Says: ref.Says})
	}
	var stop stopped
	switch {
	case errors.As(ended, &stop):
		out.Ended, out.Stopped = measure.Stopped, string(stop)
	case ended != nil:
		out.Ended = measure.Interrupted
		out.Invalid = []string{fmt.Sprintf("interrupted after %v of %v", out.Elapsed.Round(time.Second), r.plan.Duration().Round(time.Second))}
	}
	if pace := r.plan.pace(); pace > hurried {
		out.Warnings = append(out.Warnings, fmt.Sprintf("The recording plays %.0f times faster than it was: requests that were seconds apart come at once, and latency includes their queue", pace))
	}
	slices.Sort(out.Warnings)
	return out
}

// meta is the first line of the history.
func (p *Plan) meta(site *Site, started time.Time) measure.Meta {
	m := measure.Meta{
		Schema: measure.HistorySchema, Scenario: p.Scenario.Name, About: p.Scenario.About, Seed: p.Seed, Stage: site.Stage,
		Started: started, PlanDigest: p.Digest, RecordingDigest: p.Recording.Digest, Gates: p.Scenario.Gates,
	}
	for _, ph := range p.Phases {
		m.Phases = append(m.Phases, measure.PhaseMeta{Phase: ph.Name, From: int64(ph.From), To: int64(ph.To)})
	}
	for _, s := range p.Systems {
		m.Patterns = append(m.Patterns, p.patternMeta(s))
	}
	return m
}

// patternMeta is what the history says of a system.
func (p *Plan) patternMeta(s System) measure.PatternMeta {
	m := measure.PatternMeta{
		Pattern: s.Pattern, Gateways: s.Gateways, Bound: s.Bound, BoundWhy: s.BoundWhy, Quiet: p.Scenario.Quiet(s.Pattern), ControlGap: controlGap,
	}
	if s.Target == nil {
		return m
	}
	m.Target, m.ReplicaHeaders = true, map[string]string{}
	for _, g := range s.Target.Gateways {
		if g.ReplicaHeader != "" {
			m.ReplicaHeaders[g.Name] = g.ReplicaHeader
		}
	}
	if s.Target.Connection.Insecure {
		m.Notes = append(m.Notes, "TLS certificates were not verified (insecure)")
	}
	if s.Target.Connection.Fresh {
		m.Notes = append(m.Notes, "a new connection for each request (fresh)")
	}
	return m
}
