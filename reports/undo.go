package reports

import (
	"fmt"
	"slices"

	"github.com/tokendrill/tokendrill/harness/measure"
)

// note is a doubt about the faults of a run that belongs beside its verdict.
type note struct {
	Key, Text string
	most      int // lines in the terminal
}

// faultDoubts are the reasons why a run proves nothing if they are all about
// faults: the figures stand, but say nothing about what the faults would do.
func faultDoubts(r *measure.Report) []string {
	if v := r.Validity; !v.OK && len(v.Faults) > 0 && len(v.Faults) == len(v.Reasons) {
		return v.Faults
	}
	return nil
}

// doubtOf says why nothing is known about the effect of a fault or about its
// end; "" if both were seen.
func doubtOf(f measure.Fault) string {
	switch {
	case f.Unknown != "":
		return f.Unknown
	case !f.Landed && ofContainer(f):
		return "was not seen to take effect: what it would have done is unknown"
	case !f.Landed:
		return "met no traffic: what it would have done is unknown"
	case !f.Healed:
		return "was not seen to heal: whether its effect is gone is unknown"
	}
	return ""
}

// faultNotes say which faults are still in place and which prove nothing. What
// the verdict says already is left out.
func faultNotes(r *measure.Report) []note {
	var notes []note
	if len(r.Undo.Left) > 0 || r.Undo.Healed < r.Undo.Injected {
		notes = append(notes, note{"UNDO", leftOver(r), 1})
	}
	if r.Verdict == measure.Inconclusive && len(faultDoubts(r)) > 0 {
		return notes
	}
	var doubts []string
	for _, f := range r.Faults {
		if d := doubtOf(f); d != "" && !slices.Contains(r.Undo.Left, f.Name) {
			doubts = append(doubts, f.Name+" "+d)
		}
	}
	if len(doubts) > 0 {
		notes = append(notes, note{"UNKNOWN", firstOf(doubts), 2})
	}
	return notes
}

// firstOf is the first of some doubts, and how many more there are.
func firstOf(doubts []string) string {
	if more := len(doubts) - 1; more > 0 {
		return fmt.Sprintf("%s; so %s", doubts[0], plural(more, "other fault"))
	}
	return doubts[0]
}

// leftOver says which faults are still in place and what undoes them.
func leftOver(r *measure.Report) string {
	said := fmt.Sprintf("%d of %s undone; mend with tokendrill heal", r.Undo.Healed, plural(r.Undo.Injected, "fault"))
	if len(r.Undo.Left) > 0 {
		said += "; still in place: " + list(r.Undo.Left)
	}
	return said
}

// undone says how many of the faults were undone, and whether that was seen;
// "" if nothing was injected.
func undone(r *measure.Report) string {
	injected, healed, verified := r.Undo.Injected, r.Undo.Healed, true
	if injected == 0 { // a report of before undo was counted, or nothing to undo
		for _, f := range r.Faults {
			if f.Landed {
				injected++
			}
			if f.Landed && f.Healed {
				healed++
			}
		}
	}
	for _, f := range r.Faults {
		verified = verified && (f.Healed || !f.Landed)
	}
	if injected == 0 {
		return ""
	}
	said := fmt.Sprintf("%d of %s undone", healed, plural(injected, "fault"))
	switch {
	case healed < injected:
		return said
	case verified:
		return said + ", verified"
	}
	return said + ", not verified"
}
