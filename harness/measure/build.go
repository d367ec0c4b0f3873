package measure

import (
	"maps"
	"slices"
	"strings"

	"github.com/tokendrill/tokendrill/fixtures/token"
)

// Report ends the recording and judges it. It flushes the history; if that, or
// an earlier write to it, failed then the error says so and the report is good
// all the same. No other method may be running.
func (r *Recorder) Report(run Run) (*Report, error) {
	if run.Stopped != "" && run.Ended == "" {
		run.Ended = Stopped
	}
	report := newReport(&r.meta)
	report.Elapsed = float64(run.Elapsed) / 1e6
	report.Reproduce, report.Environment, report.References = run.Reproduce, run.Environment, run.References
	report.Verdict, report.Stopped, report.Undo = run.Ended, run.Stopped, run.Undo
	report.Sender = run.Sender
	report.Faults = faults(r.journal.events)
	var lag histogram
	for i := range r.meta.Patterns {
		meta := &r.meta.Patterns[i]
		record := r.patterns[meta.Pattern]
		report.Patterns = append(report.Patterns, record.report(meta, r, run, report.Faults))
		for _, c := range record.cells {
			lag.merge(c.series[seriesLag])
		}
	}
	report.Sender.Lag = lag.dist()
	report.Ties = ties(report.Patterns)
	invalid := invalid(&report.Sender, run.Invalid)
	report.Validity = validity(invalid, report.Faults)
	report.Warnings = append(r.warnings(report), run.Warnings...)
	if err := Judge(report, r.gates); err != nil {
		return nil, err
	}
	for i := range report.References {
		report.References[i].Value = referenceValue(report, &report.References[i])
	}
	r.journal.note(Event{
		Kind: KindEnd, End: int64(run.Elapsed), Detail: string(run.Ended),
		Ending: &Ending{Stopped: run.Stopped, Undo: run.Undo, Invalid: invalid},
	})
	return report, r.journal.flush()
}

// newReport carries over what the meta of a history says.
func newReport(meta *Meta) *Report {
	return &Report{
		Schema:          Schema,
		Scenario:        meta.Scenario,
		About:           meta.About,
		Seed:            meta.Seed,
		Stage:           meta.Stage,
		Started:         meta.Started,
		PlanDigest:      meta.PlanDigest,
		RecordingDigest: meta.RecordingDigest,
		Warnings:        []string{},
	}
}

// report renders one pattern.
func (p *patternRecord) report(meta *PatternMeta, r *Recorder, run Run, broken []Fault) Pattern {
	checked := check(meta, r.journal.events)
	calls := run.Authority[meta.Pattern]
	out := p.ledger(&checked).pattern(meta, r.meta.Phases, int64(run.Elapsed), &checked)
	out.Bare = p.bareRequests()
	p.cover(out.Gateways)
	out.Latency = p.latency(LatencyPhase)
	out.Latency.Curves = p.curves()
	for _, name := range p.order {
		out.Mutations = append(out.Mutations, *p.mutations[name])
	}
	out.Violations = append(out.Violations, p.witnesses.kept...)
	out.Violations = append(out.Violations, checked.violations...)
	for i, at := range r.meta.Phases {
		p.phase(&out.Phases[i])
		out.Phases[i].AuthorityCalls = callsIn(calls, at, i == len(r.meta.Phases)-1)
		out.Fallbacks = append(out.Fallbacks, out.Phases[i].Fallbacks...)
	}
	if len(calls) > 0 {
		out.AuthorityCalls = new(calls[len(calls)-1].Count)
	}
	out.Timeline = p.timeline.report(meta.Gateways, int64(run.Elapsed), checked.alive, calls)
	out.Cache, out.Probes = p.cached(""), p.probes
	p.recovery(&out, r.meta.Phases, broken)
	return out
}

// ledger is all that was decided, with the checker's word on revoked and control tokens.
func (p *patternRecord) ledger(c *checked) ledger {
	l := maps.Clone(c.safety)
	for key, cell := range p.cells {
		if key.class != token.Bare {
			l.add(place{key.gateway, key.phase}, cell.decisions)
		}
	}
	return l
}

// bareRequests are those on the control path.
func (p *patternRecord) bareRequests() Requests {
	var sum tally
	for key, c := range p.cells {
		if key.class == token.Bare {
			sum.merge(c.tally)
		}
	}
	return sum.requests()
}

func newPattern(meta *PatternMeta) Pattern {
	return Pattern{
		Pattern:    meta.Pattern,
		Target:     meta.Target,
		Notes:      meta.Notes,
		Bound:      float64(meta.Bound) / 1e6,
		BoundWhy:   meta.BoundWhy,
		Violations: []Violation{},
		Phases:     []Phase{},
		Gates:      []Gate{},
	}
}

// phase fills in what a history does not know of a phase.
func (p *patternRecord) phase(out *Phase) {
	out.Latency, out.Cache = p.latency(out.Phase), p.cached(out.Phase)
	for f, n := range p.fallbacks {
		if f.Phase == out.Phase {
			f.Count = n
			out.Fallbacks = append(out.Fallbacks, f)
		}
	}
	slices.SortFunc(out.Fallbacks, func(a, b Fallback) int { return strings.Compare(a.Cause, b.Cause) })
}

// cached sums up the cache results of a phase; an empty name is all of them.
func (p *patternRecord) cached(phase string) Cache {
	var sum Cache
	for key, c := range p.cells {
		if phase == "" || phase == key.phase {
			sum.Hits += c.cache.Hits
			sum.Misses += c.cache.Misses
		}
	}
	return sum
}

// callsIn is how far a counter went in a phase, by the last reading of each side;
// null without any. What came after the last phase belongs to it.
func callsIn(calls []Reading, at PhaseMeta, last bool) *int64 {
	if len(calls) == 0 {
		return nil
	}
	var before, by int64
	for _, r := range calls {
		if at.From > 0 && r.At <= at.From {
			before = r.Count
		}
		if last || r.At <= at.To {
			by = r.Count
		}
	}
	by -= before
	return &by
}
