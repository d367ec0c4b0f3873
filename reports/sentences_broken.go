package reports

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/tokendrill/tokendrill/harness/measure"
)

// brokenSentences say what was broken, when, and how that is known.
func brokenSentences(r *measure.Report) []string {
	if len(r.Faults) == 0 {
		return []string{"nothing: no fault was injected."}
	}
	var parts []string
	for _, f := range r.Faults {
		parts = append(parts, fmt.Sprintf("%s from %s to %s: %s.", f.Name, setting(f.From), setting(f.To), seen(f)))
	}
	return parts
}

// seen is the evidence for a fault in a few words.
func seen(f measure.Fault) string {
	switch doubt := doubtOf(f); {
	case f.Met == 0 && (f.Unknown != "" || !f.Landed) && !ofContainer(f):
		return "met no traffic"
	case f.Met == 0 && doubt != "" && f.Unknown != "":
		return "not seen to take effect"
	case doubt != "" && !f.Landed:
		return "not seen to take effect"
	case doubt != "" && f.Met == 0: // a report of before that was counted
		return "landed; not seen to heal"
	case doubt != "":
		return acted(f) + "; not seen to heal"
	case f.Met == 0:
		return "landed and healed"
	}
	return acted(f) + "; " + unharmed(f)
}

// ofContainer reports whether a fault acts on a container: its evidence is what the
// engine says and signs of life of the role, not traffic.
func ofContainer(f measure.Fault) bool { return strings.HasPrefix(f.Name, "container.") }

// acted says how often a fault was seen to act.
func acted(f measure.Fault) string {
	switch {
	case !ofContainer(f):
		return "met " + count(f.Met)
	case f.Met == 1:
		return "seen in force once"
	}
	return fmt.Sprintf("seen in force %s times", count(f.Met))
}

// unharmed says what came after it that it did not act on.
func unharmed(f measure.Fault) string {
	if ofContainer(f) {
		return map[bool]string{true: "1 sign", false: count(f.Clear) + " signs"}[f.Clear == 1] + " of life after it"
	}
	return count(f.Clear) + " unharmed after it"
}

// answersSentence says which patterns stopped answering meanwhile, and which did not.
func answersSentence(r *measure.Report) string {
	type loss struct {
		pattern string
		share   float64
	}
	var lost []loss
	var kept []string
	for i := range r.Patterns {
		p := &r.Patterns[i]
		switch v := unanswered(p, during); {
		case v == nil:
		case *v > 0:
			lost = append(lost, loss{p.Pattern, *v})
		default:
			kept = append(kept, p.Pattern)
		}
	}
	slices.SortStableFunc(lost, func(a, b loss) int { return cmp.Compare(b.share, a.share) })
	var said []string
	for i, l := range lost {
		said = append(said, l.pattern+" "+percent(l.share))
		if i == 0 {
			said[0] = fmt.Sprintf("%s left %s unanswered", l.pattern, percent(l.share))
		}
	}
	switch {
	case len(lost)+len(kept) == 0:
		return "not known: no request was sent meanwhile."
	case len(kept) == 0:
		return list(said) + "."
	case len(lost) == 0:
		return list(kept) + " answered everything."
	}
	return fmt.Sprintf("%s; %s answered everything.", list(said), list(kept))
}

// meanwhileSentence says how long the tokens lived that were revoked during the fault.
func meanwhileSentence(r *measure.Report) string {
	var lives []life
	for i := range r.Patterns {
		p := &r.Patterns[i]
		switch l := livedIn(p, during); {
		case l.upper != nil:
			lives = append(lives, life{p: p, longest: *l.upper})
		case l.above != nil:
			lives = append(lives, life{p: p, longest: *l.above, why: openEnd(l.censored)})
		}
	}
	if len(lives) == 0 {
		return "not known: no token was revoked meanwhile."
	}
	return lived(r, byLength(lives))
}

// recoverySentence says for each pattern how long after the faults it was as before.
func recoverySentence(r *measure.Report) string {
	var parts []string
	for i := range r.Patterns {
		p := &r.Patterns[i]
		switch when := recovered(p); {
		case when == none:
			parts = append(parts, p.Pattern+" not known")
		case p.Recovery == nil:
			parts = append(parts, fmt.Sprintf("%s not within %s", p.Pattern, strings.TrimPrefix(when, "> ")))
		default:
			parts = append(parts, p.Pattern+" "+when)
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return strings.Join(parts, "; ") + ", from the end of the last fault on."
}

// openEnd says why no end of a life is known.
func openEnd(censored int) string {
	if censored > 0 {
		return pairs(censored) + " not refused while watched"
	}
	return "no end of it is known"
}

// fallbackSentence says what was let in by something else than an ordinary
// decision; "" if nothing was.
func fallbackSentence(r *measure.Report) string {
	var causes []string
	total, meanwhile := map[string]int{}, map[string]int{}
	who := map[string][]string{}
	for i := range r.Patterns {
		p := &r.Patterns[i]
		for _, f := range p.Fallbacks {
			if f.Count == 0 {
				continue
			}
			if total[f.Cause] == 0 {
				causes = append(causes, f.Cause)
			}
			total[f.Cause] += f.Count
			if f.Phase == during {
				meanwhile[f.Cause] += f.Count
			}
			if !slices.Contains(who[f.Cause], p.Pattern) {
				who[f.Cause] = append(who[f.Cause], p.Pattern)
			}
		}
	}
	var said []string
	for _, cause := range causes {
		s := fmt.Sprintf("%s %s (%s)", count(total[cause]), fallbackName(cause), list(who[cause]))
		if n := meanwhile[cause]; n > 0 && n < total[cause] {
			s += fmt.Sprintf(", %s of them meanwhile", count(n))
		}
		said = append(said, s)
	}
	if len(said) == 0 {
		return ""
	}
	return strings.Join(said, "; ") + "."
}
