package measure

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tokendrill/tokendrill/fixtures/token"
)

// leastSent is the share of the plan that must have been sent for a run to be valid.
const leastSent = 0.95

// Report ends the recording and judges it. It flushes the history; if that, or
// an earlier write to it, failed then the error says so and the report is good
// all the same. No other method may be running.
func (r *Recorder) Report(run Run) (*Report, error) {
	report := newReport(&r.meta)
	report.Elapsed = float64(run.Elapsed) / 1e6
	report.Reproduce, report.Environment, report.References = run.Reproduce, run.Environment, run.References
	report.Verdict = run.Ended
	report.Sender = run.Sender
	var lag histogram
	for i := range r.meta.Patterns {
		meta := &r.meta.Patterns[i]
		record := r.patterns[meta.Pattern]
		report.Patterns = append(report.Patterns, record.report(meta, r, run))
		for _, c := range record.cells {
			lag.merge(c.series[seriesLag])
		}
	}
	report.Sender.Lag = lag.dist()
	report.Faults = faults(r.journal.events)
	report.Ties = ties(report.Patterns)
	report.Validity = validity(&report.Sender, run.Invalid)
	report.Warnings = append(r.warnings(report), run.Warnings...)
	if err := Judge(report, r.gates); err != nil {
		return nil, err
	}
	for i := range report.References {
		report.References[i].Value = referenceValue(report, &report.References[i])
	}
	r.journal.note(Event{Kind: KindEnd, End: int64(run.Elapsed), Detail: string(run.Ended)})
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
func (p *patternRecord) report(meta *PatternMeta, r *Recorder, run Run) Pattern {
	out := newPattern(meta)
	checked := check(meta, r.journal.events)
	all := func(cellKey) bool { return true }
	out.Requests = p.tally(all).requests()
	out.Latency = p.latency(LatencyPhase)
	out.Latency.Curves = p.curves()
	out.Revoke = checked.revoke
	out.Safety = p.safety(all)
	for _, s := range checked.safety {
		out.Safety.merge(s)
	}
	for _, name := range p.order {
		out.Mutations = append(out.Mutations, *p.mutations[name])
	}
	out.Violations = append(out.Violations, p.witnesses.kept...)
	out.Violations = append(out.Violations, checked.violations...)
	for _, phase := range r.phases {
		out.Phases = append(out.Phases, p.phase(phase, &checked))
	}
	calls := run.Authority[meta.Pattern]
	if len(calls) > 0 {
		out.AuthorityCalls = calls[len(calls)-1].Count
	}
	out.Timeline = p.timeline.report(meta.Gateways, int64(run.Elapsed), checked.alive, calls)
	out.Cache, out.Probes = p.cache, p.probes
	return out
}

func newPattern(meta *PatternMeta) Pattern {
	return Pattern{
		Pattern:    meta.Pattern,
		Bound:      float64(meta.Bound) / 1e6,
		BoundWhy:   meta.BoundWhy,
		Violations: []Violation{},
		Phases:     []Phase{},
		Gates:      []Gate{},
	}
}

// phase summarizes one phase.
func (p *patternRecord) phase(at phaseStretch, checked *checked) Phase {
	out := Phase{Phase: at.name, From: float64(at.from) / 1e6, To: float64(at.to) / 1e6}
	in := func(k cellKey) bool { return k.phase == out.Phase }
	out.Requests, out.Latency, out.Safety = p.tally(in).requests(), p.latency(out.Phase), p.safety(in)
	out.Safety.merge(checked.safety[out.Phase])
	if fleet := within(checked.revoke.Fleet, out.From, out.To); len(fleet) > 0 {
		_, upper := summarize(spans(fleet, false))
		out.Revoke = &upper
	}
	return out
}

func (p *patternRecord) tally(in func(cellKey) bool) tally {
	var t tally
	for key, c := range p.cells {
		if in(key) {
			t.merge(c.tally)
		}
	}
	return t
}

func (p *patternRecord) safety(in func(cellKey) bool) Safety {
	var s Safety
	for key, c := range p.cells {
		if in(key) {
			s.merge(c.safety)
		}
	}
	return s
}

// validity judges whether the sender kept to its plan.
func validity(s *Sender, reasons []string) Validity {
	v := Validity{Reasons: slices.Clone(reasons)}
	switch {
	case s.Sent == 0:
		v.Reasons = append(v.Reasons, "no request was sent")
	case float64(s.Sent) < leastSent*float64(s.Planned):
		v.Reasons = append(v.Reasons, fmt.Sprintf("%d of %d planned requests were sent, under %.0f %%", s.Sent, s.Planned, 100*leastSent))
	}
	v.OK = len(v.Reasons) == 0
	return v
}

// warnings are the doubts that the measurement itself has.
func (r *Recorder) warnings(report *Report) []string {
	out := []string{}
	if n := r.strays.Load(); n > 0 {
		out = append(out, fmt.Sprintf("%d events name a pattern that the run does not have; they are not counted", n))
	}
	for _, p := range report.Patterns {
		var over int64
		for _, c := range r.patterns[p.Pattern].cells {
			for i := range c.series {
				over += c.series[i].over
			}
		}
		if over > 0 {
			out = append(out, fmt.Sprintf("%s: %d durations over 60 s are recorded as 60 s", p.Pattern, over))
		}
		if n := len(p.Latency.Check.P95Slices); n > 0 && n < leastSlices {
			out = append(out, fmt.Sprintf("%s: %d slices cannot tell patterns apart by check p95; it takes %d", p.Pattern, n, leastSlices))
		}
		out = append(out, revokeWarnings(&p)...)
	}
	return out
}

// revokeWarnings are the doubts about time-to-revoke.
func revokeWarnings(p *Pattern) []string {
	var out []string
	r := &p.Revoke
	add := func(n int, what string) {
		if n > 0 {
			out = append(out, fmt.Sprintf("%s: %d %s", p.Pattern, n, what))
		}
	}
	add(r.Unprimed, "revocations do not count at a gateway where the token was not in use before")
	add(r.Unknown, "rejects prove nothing: the control token was not accepted around them")
	add(r.Unstable, "rejects were not watched for the quiet period afterwards")
	add(r.Excluded, "tokens are left out: their revocation was refused or never tried")
	add(r.NoAck, "revocations had no acknowledgement: stale accepts are not judged for them")
	return out
}

// faults lists the faults of a history, the latest word on each.
func faults(events []Event) []Fault {
	out := []Fault{}
	index := map[string]int{}
	for i := range events {
		e := &events[i]
		if e.Kind != KindFault {
			continue
		}
		words := strings.Fields(e.Detail)
		f := Fault{
			Name: e.Fault, From: float64(e.Start) / 1e6, To: float64(e.End) / 1e6,
			Landed: slices.Contains(words, FaultLanded), Healed: slices.Contains(words, FaultHealed),
		}
		key := fmt.Sprintf("%d %s", e.Start, e.Fault)
		if at, ok := index[key]; ok {
			out[at] = f
			continue
		}
		index[key] = len(out)
		out = append(out, f)
	}
	return out
}

// latencyCell says whether a cell belongs to the latency figures of a phase.
func latencyCell(k cellKey, phase string) bool {
	return k.phase == phase && k.class == token.Valid
}
