package reports

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tokendrill/tokendrill/harness/measure"
)

// targets counts the systems of the user's own.
func targets(r *measure.Report) int {
	return sum(r, func(p *measure.Pattern) int {
		if p.Target {
			return 1
		}
		return 0
	})
}

// noun is what the systems of a report are called.
func noun(r *measure.Report) string {
	switch n := targets(r); {
	case n == 0:
		return "pattern"
	case n == len(r.Patterns):
		return "target"
	}
	return "system"
}

// systems counts them: "4 patterns", "1 target and 4 patterns".
func systems(r *measure.Report) string {
	var parts []string
	own := targets(r)
	if own > 0 {
		parts = append(parts, plural(own, "target"))
	}
	if rest := len(r.Patterns) - own; rest > 0 || own == 0 {
		parts = append(parts, plural(rest, "pattern"))
	}
	return list(parts)
}

// gatewaysOf is how many enforcement points a system has.
func gatewaysOf(p *measure.Pattern) int {
	return max(len(p.Revoke.Gateways), len(p.Timeline.Lanes), len(p.Gateways))
}

// gateways is how many each system has that has any, and false if they differ.
func gateways(r *measure.Report) (each int, same bool) {
	same = true
	for i := range r.Patterns {
		n := gatewaysOf(&r.Patterns[i])
		if n > 0 && each > 0 && n != each {
			same = false
		}
		each = max(each, n)
	}
	return each, same
}

// derivedMark stands behind a check latency that no gateway told.
const derivedMark = "*"

// mark is the derivedMark of a figure of a series, or "".
func (s speed) mark(p *measure.Pattern) string {
	if s.name == "check" && p.Latency.CheckDerived && s.p95(p) != nil {
		return derivedMark
	}
	return ""
}

// told is a p95 in words, with its noise and mark.
func (s speed) told(p *measure.Pattern) string { return withNoise(s.of(p)) + s.mark(p) }

// derivedLegend explains the mark, "" if it is nowhere.
func derivedLegend(r *measure.Report) string {
	if s := speedOf(r); !slices.ContainsFunc(r.Patterns, func(p measure.Pattern) bool { return s.mark(&p) != "" }) {
		return ""
	}
	return derivedMark + " derived: by how much the response is slower than that of the control path."
}

// targetSentences say of each target how it was reached and what it does not tell.
func targetSentences(r *measure.Report) []string {
	var said []string
	for i := range r.Patterns {
		p := &r.Patterns[i]
		for _, n := range p.Notes {
			said = append(said, fmt.Sprintf("%s: %s.", p.Pattern, strings.TrimSuffix(n, ".")))
		}
	}
	for i := range r.Patterns {
		if p := &r.Patterns[i]; p.Target && p.Latency.Check.Count == 0 && p.Latency.Response.Count > 0 {
			said = append(said, fmt.Sprintf("%s: tells no Server-Timing and %s: what a check costs is not known.", p.Pattern, noControl(p)))
		}
	}
	return said
}

// noControl says why no check latency could be derived.
func noControl(p *measure.Pattern) string {
	if p.Bare.Sent == 0 {
		return "has no control path"
	}
	return fmt.Sprintf("its control path answered %s of %s", count(p.Bare.Accepted), plural(p.Bare.Sent, "request"))
}

// coverage says which replicas were met behind the gateways that name them.
func coverage(r *measure.Report) []string {
	var said []string
	for i := range r.Patterns {
		p := &r.Patterns[i]
		for _, g := range p.Gateways {
			if len(g.Replicas) == 0 {
				continue
			}
			at := g.Gateway
			if len(r.Patterns) > 1 {
				at = p.Pattern + " " + at
			}
			said = append(said, at+": "+seenReplicas(g))
		}
	}
	return said
}

// mostNamed bounds the replicas that a sentence names; report.json has them all.
const mostNamed = 8

func seenReplicas(g measure.Gateway) string {
	var parts []string
	for _, replica := range g.Replicas[:min(len(g.Replicas), mostNamed)] {
		parts = append(parts, replica.Replica+" "+count(replica.Requests))
	}
	if len(g.Replicas) > mostNamed {
		parts = append(parts, "…")
	}
	said := fmt.Sprintf("%s seen (%s)", plural(len(g.Replicas), "replica"), strings.Join(parts, ", "))
	if g.OtherReplicas > 0 {
		said = fmt.Sprintf("more than %s seen, %s elsewhere (%s)", plural(len(g.Replicas), "replica"), plural(g.OtherReplicas, "request"), strings.Join(parts, ", "))
	}
	return said + "."
}
