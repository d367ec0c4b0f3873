package measure

import (
	"fmt"
	"slices"
)

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
		out = append(out, r.silent(&p)...)
		out = append(out, revokeWarnings(&p)...)
	}
	return out
}

// silent are the gateways that should have named their replicas and did not.
func (r *Recorder) silent(p *Pattern) []string {
	i := slices.IndexFunc(r.meta.Patterns, func(m PatternMeta) bool { return m.Pattern == p.Pattern })
	headers := r.meta.Patterns[i].ReplicaHeaders
	var out []string
	for _, g := range p.Gateways {
		if name := headers[g.Gateway]; name != "" && len(g.Replicas) == 0 && g.Requests.Accepted+g.Requests.Rejected > 0 {
			out = append(out, fmt.Sprintf("%s: %s never told %s: which of its replicas were met is not known", p.Pattern, g.Gateway, name))
		}
	}
	return out
}

// revokesNothing is the doubt about a target whose revocations have no effect:
// each was acknowledged, and every gateway went on letting the tokens in. Empty
// without that doubt.
func revokesNothing(p *Pattern) string {
	_, acked := spans(fromAck(p.Revoke.Fleet), false)
	outlived := false
	for _, at := range p.Revoke.Gateways {
		for _, i := range at.Intervals {
			switch {
			case i.State == Unprimed:
			case i.State != Censored && i.State != Expired, i.Resurrected:
				return ""
			case i.Ack != nil && *i.Lower > *i.Ack:
				outlived = true
			}
		}
	}
	if !p.Target || !outlived {
		return ""
	}
	said := fmt.Sprintf("%s: %s acknowledged and no revoked token was ever refused: ", p.Pattern, plural(acked, "revocation")+map[bool]string{true: " was", false: " were"}[acked == 1])
	if p.Revoke.Watched < p.Bound {
		return said + fmt.Sprintf("they were watched for %s only, and may live for %s", formatMS(p.Revoke.Watched), formatMS(p.Bound))
	}
	return said + "the revoke call revokes nothing, or the gateways do not ask"
}

// revokeWarnings are the doubts about time-to-revoke.
func revokeWarnings(p *Pattern) []string {
	var out []string
	add := func(n int, thing, does, do string) {
		switch n {
		case 0:
		case 1:
			out = append(out, fmt.Sprintf("%s: 1 %s %s", p.Pattern, thing, does))
		default:
			out = append(out, fmt.Sprintf("%s: %d %ss %s", p.Pattern, n, thing, do))
		}
	}
	if nothing := revokesNothing(p); nothing != "" {
		out = append(out, nothing)
	}
	r := &p.Revoke
	add(r.Unprimed, "revocation", "does not count at a gateway where the token was not in use before", "do not count at a gateway where the token was not in use before")
	add(r.Unknown, "reject", "proves nothing: the control token was not accepted around it", "prove nothing: the control token was not accepted around them")
	add(r.Unstable, "reject", "was not watched for the quiet period afterwards", "were not watched for the quiet period afterwards")
	add(r.Excluded, "token", "is left out: its revocation was refused or never tried", "are left out: their revocation was refused or never tried")
	add(r.NoAck, "revocation", "had no acknowledgement: stale accepts are not judged for it", "had no acknowledgement: stale accepts are not judged for them")
	return out
}
