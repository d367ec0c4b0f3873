package reports

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/tokendrill/tokendrill/harness/measure"
)

// limitSentences say what the run does not show, the most important first.
func limitSentences(r *measure.Report) []string {
	var said []string
	switch {
	case r.Verdict == measure.Stopped || r.Verdict == measure.Interrupted:
		said = append(said, "Partial run: the figures cover what was seen until it ended.")
	case !r.Validity.OK && len(faultDoubts(r)) == 0:
		said = append(said, "INVALID RUN: "+cmp.Or(strings.Join(r.Validity.Reasons, "; "), "no reason was recorded")+".")
	}
	if !speedMeasured(r) && sum(r, decisions) > 0 {
		said = append(said, "How fast they decide was not measured.")
	}
	if silent := notRun(r); len(silent) > 0 {
		said = append(said, fmt.Sprintf("No request reached %s.", list(silent)))
	}
	said = append(said, targetSentences(r)...)
	own := targets(r) > 0
	if own { // what is doubtful about a system of one's own matters most
		said = append(said, warningSentences(r)...)
	}
	if nearLimit(r) {
		said = append(said, senderSentence(r))
	}
	said = append(said, sampleSentence(r))
	if s := unsettled(r); s != "" {
		said = append(said, s)
	}
	said = append(said, coverage(r)...)
	if !nearLimit(r) {
		said = append(said, senderSentence(r))
	}
	if s := containersSentence(r); s != "" {
		said = append(said, s)
	}
	said = append(said, networkSentence(r))
	if !own {
		said = append(said, warningSentences(r)...)
	}
	return said
}

func warningSentences(r *measure.Report) []string {
	var said []string
	for _, w := range r.Warnings {
		said = append(said, strings.TrimSuffix(w, ".")+".")
	}
	return said
}

// notRun names the patterns that sent nothing.
func notRun(r *measure.Report) []string {
	var names []string
	for _, p := range r.Patterns {
		if p.Requests.Sent == 0 {
			names = append(names, p.Pattern)
		}
	}
	return names
}

// sampleSentence says which quantiles the number of moments supports.
func sampleSentence(r *measure.Report) string {
	n, most := moments(r)
	if most == 0 {
		return "No revocation was measured."
	}
	said := fmt.Sprintf("%s ", plural(n, "revocation"))
	if n != most {
		said = fmt.Sprintf("%d to %d revocations per %s ", n, most, noun(r))
	}
	if most == 1 {
		said += "supports "
	} else {
		said += "support "
	}
	switch {
	case supports(0.99, n):
		said += "p95 and p99."
	case supports(0.95, n):
		said += "p95 (needs 59), not p99 (299)."
	default:
		said += "no p95 (needs 59)."
	}
	watched := 0.0
	for _, p := range r.Patterns {
		if w := p.Revoke.Watched; w > 0 && (watched == 0 || w < watched) {
			watched = w
		}
	}
	if watched > 0 {
		said += fmt.Sprintf(" Watched %s after each.", setting(watched))
	}
	return said
}

// unsettled counts the revocations that prove less than they should.
func unsettled(r *measure.Report) string {
	var parts []string
	for _, c := range []struct {
		of   func(*measure.Pattern) int
		what string
	}{
		{func(p *measure.Pattern) int { return p.Revoke.Censored }, "not refused while watched"},
		{func(p *measure.Pattern) int { return p.Revoke.Unknown }, "unknown (the control did not hold)"},
		{func(p *measure.Pattern) int { return p.Revoke.Unstable }, "not watched long enough"},
		{func(p *measure.Pattern) int { return p.Revoke.Unprimed }, "not in use before the revoke"},
	} {
		if n := sum(r, c.of); n > 0 {
			parts = append(parts, count(n)+" "+c.what)
		}
	}
	said := ""
	if len(parts) > 0 {
		said = "Of the (token, gateway) pairs: " + strings.Join(parts, ", ") + "."
	}
	if n := sum(r, func(p *measure.Pattern) int { return p.Revoke.Excluded }); n > 0 {
		said = strings.TrimSpace(fmt.Sprintf("%s %s left out.", said, plural(n, "refused revocation")))
	}
	return said
}

// heldUp is the lateness at p99, in ms, from which the sender is no bystander.
const heldUp = 20

// nearLimit reports whether the machine had hardly a core to spare.
func nearLimit(r *measure.Report) bool {
	const full = 0.85
	own, all := r.Sender.CPU, r.Sender.Machine
	return own != nil && *own > full || all != nil && *all > full
}

// senderSentence says whether the sender may have measured itself.
func senderSentence(r *measure.Report) string {
	var parts []string
	switch lag := r.Sender.Lag; {
	case lag.P99 != nil && supports(0.99, int(lag.Count)):
		parts = append(parts, millis(*lag.P99, nearest)+" late at p99")
	case lag.P95 != nil && supports(0.95, int(lag.Count)):
		parts = append(parts, millis(*lag.P95, nearest)+" late at p95")
	default:
		parts = append(parts, "lateness not known")
	}
	if r.Sender.CPU == nil {
		return "Sender " + parts[0] + ", CPU not known."
	}
	said := "Sender " + parts[0] + ", CPU " + percent(*r.Sender.CPU)
	if all := r.Sender.Machine; all != nil {
		said += ", of the whole machine " + percent(*all)
	}
	switch {
	case nearLimit(r):
		return said + ": the machine was near its limit."
	case r.Sender.Lag.P99 != nil && *r.Sender.Lag.P99 > heldUp:
		return said + ": held up at times, which response latency includes."
	case inContainers(r) && r.Sender.Machine == nil:
		return said + ", without that of the containers."
	case r.Validity.OK && r.Sender.Planned > 0 && 20*r.Sender.Sent >= 19*r.Sender.Planned:
		return said + ": not the bottleneck."
	}
	return said + "."
}

func networkSentence(r *measure.Report) string {
	own := targets(r)
	if own > 0 && own == len(r.Patterns) {
		return "Latency includes the network on the way to the gateways."
	}
	said := addedSentence(r)
	if own > 0 {
		said += " Latency of a target includes the network on the way to it."
	}
	return said
}

// addedSentence says what the links of the reference stage add.
func addedSentence(r *measure.Report) string {
	switch r.Environment.Network {
	case "":
		return "What the network added is not known."
	case noNetwork:
		return "No network delay added."
	}
	return "Network: " + r.Environment.Network + "."
}

// referenceSentence shows published figures beside ours; "" if there are none.
func referenceSentence(r *measure.Report) string {
	var parts []string
	for _, f := range r.References {
		here := none
		if f.Value != nil {
			g := placed{Gate: measure.Gate{Expr: f.Metric}}
			here = g.show(f.Value, nearest)
		}
		parts = append(parts, fmt.Sprintf("%s %s %s (here %s)", f.Pattern, f.Metric, f.Says, here))
	}
	return strings.Join(parts, "; ")
}

// worst is the violation to look at first: one that let a token in rather than
// one that shut it out, a forged token or a resurrection before the rest.
func worst(r *measure.Report) (*measure.Pattern, *measure.Violation) {
	var (
		at    *measure.Pattern
		found *measure.Violation
	)
	for i := range r.Patterns {
		p := &r.Patterns[i]
		for j := range p.Violations {
			if v := &p.Violations[j]; found == nil || badness(v) > badness(found) {
				at, found = p, v
			}
		}
	}
	return at, found
}

func badness(v *measure.Violation) int {
	mild := slices.Index([]string{"fail_open", measure.CauseAfterBound}, v.Cause)
	switch {
	case v.Kind != measure.FalseAccept:
		return 0
	case mild >= 0:
		return 1 + mild
	}
	return 3
}

// witness names a violation by its token, gateway, cause and deciding request.
func witness(p *measure.Pattern, v *measure.Violation) string {
	said := fmt.Sprintf("%s %s %s at %s", p.Pattern, did(v.Kind), v.Token, v.Gateway)
	if v.Cause != "" {
		said += " (" + v.Cause + ")"
	}
	if n := len(v.Requests); n > 0 {
		said += fmt.Sprintf(", sent at %s", millis(float64(v.Requests[n-1].Start)/1e6, nearest))
	}
	return said
}

// did says in words what a kind of violation is.
func did(kind string) string {
	switch kind {
	case measure.FalseAccept:
		return "let in"
	case measure.FalseReject:
		return "shut out"
	}
	return strings.ReplaceAll(kind, "_", " ")
}
