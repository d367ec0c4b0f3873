package reports

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/tokendrill/tokendrill/harness/measure"
)

// fastSentence says which pattern decides quickest and what the slowest does for it.
func fastSentence(r *measure.Report) string {
	s := speedOf(r)
	var known []*measure.Pattern
	var missing []string
	for i := range r.Patterns {
		if p := &r.Patterns[i]; s.p95(p) != nil {
			known = append(known, p)
		} else {
			missing = append(missing, fmt.Sprintf("%s (n=%s)", p.Pattern, count(s.of(p).Count)))
		}
	}
	if len(known) == 0 {
		return fmt.Sprintf("not known: no %s has the 59 measured requests that a p95 needs.", noun(r))
	}
	slices.SortStableFunc(known, func(a, b *measure.Pattern) int { return cmp.Compare(*s.p95(a), *s.p95(b)) })
	said := leaders(r, s, known)
	if len(missing) > 0 {
		said += " No p95 for " + list(missing) + "."
	}
	return said
}

// leaders names the quickest of the known patterns, ordered by p95, and the slowest.
func leaders(r *measure.Report, s speed, known []*measure.Pattern) string {
	first, last := known[0], known[len(known)-1]
	if len(known) == 1 {
		return fmt.Sprintf("%s: %s p95 %s, n=%s.", first.Pattern, s.name, s.told(first), count(s.of(first).Count))
	}
	lead := []string{first.Pattern}
	for _, p := range known[1:] {
		if tied(r, first.Pattern, p.Pattern) {
			lead = append(lead, p.Pattern)
		}
	}
	said := list(lead)
	switch {
	case s.of(first).P95Noise == nil:
		said += " by the plain figure; too few slices to know the noise."
	case len(lead) > 1:
		said += fmt.Sprintf("; %s cannot be told apart.", tieMark(r, first.Pattern))
	default:
		said += ", " + s.told(first) + "."
	}
	if slices.Contains(lead, last.Pattern) {
		return said
	}
	return said + fmt.Sprintf(" Slowest: %s, %s%s.", last.Pattern, s.told(last), asks(last))
}

// tied reports whether two patterns stand in one group of ties.
func tied(r *measure.Report, a, b string) bool {
	return slices.ContainsFunc(r.Ties, func(g []string) bool { return slices.Contains(g, a) && slices.Contains(g, b) })
}

// asks says how often a pattern asked the authority, if it did.
func asks(p *measure.Pattern) string {
	if p.AuthorityCalls == nil || *p.AuthorityCalls == 0 || p.Requests.Sent == 0 {
		return ""
	}
	perRequest := float64(*p.AuthorityCalls) / float64(p.Requests.Sent)
	return fmt.Sprintf("; it asks the authority %s times per request", figure(perRequest, nearest))
}

// withNoise is a p95 with its unit and noise or, without, its sample size.
func withNoise(d *measure.Dist) string {
	u := unitFor(largest(d.P95, d.P95Noise))
	if d.P95Noise == nil {
		return fmt.Sprintf("%s %s (n=%s)", plain(d.P95, u), u.short, count(d.Count))
	}
	return noisy(d, u) + " " + u.short
}

// life is the longest life of a revoked token of one pattern.
type life struct {
	p       *measure.Pattern
	longest float64 // known upper bound, or the bound it exceeds
	why     string  // no end of it is known, and why
}

// revokedSentence says how long revoked tokens lived, the longest first.
func revokedSentence(r *measure.Report) string {
	return lived(r, livesOf(r))
}

// lived says how long tokens lived, the longest first.
func lived(r *measure.Report, lives []life) string {
	if len(lives) == 0 {
		return "not known: no revocation was measured."
	}
	said := []string{worstLife(lives[0])}
	if rest := lives[1:]; len(rest) > 0 {
		said = append(said, otherLives(rest, len(r.Patterns)))
	}
	for _, l := range lives {
		if n := l.p.Revoke.Resurrections; n > 0 {
			said = append(said, fmt.Sprintf("%s let tokens in again after a refusal, %s.", l.p.Pattern, times(n)))
		}
	}
	if missing := lifeless(r, lives); len(missing) > 0 {
		said = append(said, "Not known for "+list(missing)+".")
	}
	return strings.Join(said, " ")
}

// lifeless names the patterns of which no life is known.
func lifeless(r *measure.Report, lives []life) []string {
	var names []string
	for i := range r.Patterns {
		if p := &r.Patterns[i]; !slices.ContainsFunc(lives, func(l life) bool { return l.p == p }) {
			names = append(names, p.Pattern)
		}
	}
	return names
}

// lifeLegend explains the table's words for the life of a revoked token.
const lifeLegend = "a to b: last let in at a, refused by b. uses: requests let in after the revoke."

// livesOf are the lives of the patterns that have a figure, the longest first.
func livesOf(r *measure.Report) []life {
	var lives []life
	for i := range r.Patterns {
		p := &r.Patterns[i]
		f := fleetOf(p)
		switch {
		case f.upperMax != nil:
			lives = append(lives, life{p: p, longest: *f.upperMax})
		case f.aboveMax != nil:
			lives = append(lives, life{p: p, longest: *f.aboveMax, why: openEnd(p.Revoke.Censored)})
		}
	}
	return byLength(lives)
}

// byLength orders lives by length; those without an end come first.
func byLength(lives []life) []life {
	slices.SortStableFunc(lives, func(a, b life) int {
		if (a.why == "") != (b.why == "") {
			return map[bool]int{true: 1, false: -1}[a.why == ""]
		}
		return cmp.Compare(b.longest, a.longest)
	})
	return lives
}

func worstLife(l life) string {
	switch {
	case l.why != "" && l.longest == 0:
		return fmt.Sprintf("%s: %s.", l.p.Pattern, l.why)
	case l.why != "":
		return fmt.Sprintf("%s: longer than %s, %s.", l.p.Pattern, millis(l.longest, down), l.why)
	}
	bound := ""
	switch {
	case l.p.BoundWhy != "":
		bound = fmt.Sprintf(" (bound %s: %s)", setting(l.p.Bound), l.p.BoundWhy)
	case l.p.Bound > 0:
		bound = fmt.Sprintf(" (bound %s)", setting(l.p.Bound))
	}
	return fmt.Sprintf("%s: up to %s%s.", l.p.Pattern, millis(l.longest, up), bound)
}

// otherLives sums up the patterns after the first: together if none is open.
func otherLives(rest []life, patterns int) string {
	if rest[0].why != "" {
		var names []string
		for _, l := range rest {
			if l.why != "" {
				names = append(names, l.p.Pattern)
			}
		}
		return fmt.Sprintf("Nor is an end known for all of %s.", list(names))
	}
	who := "The other " + map[int]string{1: "one", 2: "two", 3: "three"}[len(rest)]
	if len(rest) > 3 || len(rest)+1 < patterns {
		var names []string
		for _, l := range rest {
			names = append(names, l.p.Pattern)
		}
		who = list(names)
	}
	return fmt.Sprintf("%s: up to %s.", who, millis(rest[0].longest, up))
}

func pairs(n int) string { return plural(n, "(token, gateway) pair") }

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return count(n) + " times"
}

// wrongSentence says whether any decision was wrong, and names the worst.
func wrongSentence(r *measure.Report) string {
	total := sum(r, decisions)
	if total == 0 {
		return "not known: no request was answered with a decision."
	}
	in := sum(r, func(p *measure.Pattern) int { return p.Safety.FalseAccepts })
	out := sum(r, func(p *measure.Pattern) int { return p.Safety.FalseRejects })
	said := fmt.Sprintf("none in %s, %s.", plural(total, "decision"), fuzzed(r))
	if in+out > 0 {
		said = fmt.Sprintf("%s let in and %s shut out in %s, %s.", count(in), count(out), plural(total, "decision"), fuzzed(r))
		if p, v := worst(r); v != nil {
			said += " Worst: " + witness(p, v) + "."
		}
	}
	if n := sum(r, func(p *measure.Pattern) int { return p.Requests.Unavailable }); n > 0 {
		said += fmt.Sprintf(" %s got no answer and prove nothing.", count(n))
	}
	return said
}

// fuzzed says how many requests carried a mutant, and in how many ways.
func fuzzed(r *measure.Report) string {
	sent, ways := 0, map[string]bool{}
	for i := range r.Patterns {
		for _, m := range r.Patterns[i].Mutations {
			if m.Sent > 0 {
				sent += m.Sent
				ways[m.Mutation] = true
			}
		}
	}
	if sent == 0 {
		return "no token fuzzed"
	}
	return fmt.Sprintf("%s fuzzed in %s", count(sent), plural(len(ways), "way"))
}
