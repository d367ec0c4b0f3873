package measure

import (
	"fmt"
	"slices"
	"strings"
)

// leastSent is the share of the plan that must have been sent for a run to be valid.
const leastSent = 0.95

// invalid adds to the harness' own reasons why a run is not valid whether the
// sender kept to its plan.
func invalid(s *Sender, reasons []string) []string {
	out := slices.Clone(reasons)
	switch {
	case s.Sent == 0:
		out = append(out, "no request was sent")
	case float64(s.Sent) < leastSent*float64(s.Planned):
		out = append(out, fmt.Sprintf("%d of %d planned requests were sent, under %.0f %%", s.Sent, s.Planned, 100*leastSent))
	}
	return out
}

// validity joins the reasons why figures cannot be believed with the faults of
// which nothing is known.
func validity(invalid []string, faults []Fault) Validity {
	v := Validity{Reasons: slices.Clone(invalid)}
	for i := range faults {
		if f := &faults[i]; f.Unknown != "" {
			v.Faults = append(v.Faults, f.Name+" "+f.Unknown)
		}
	}
	v.Reasons = append(v.Reasons, v.Faults...)
	v.OK = len(v.Reasons) == 0
	return v
}

// figures says whether the figures of the run can be believed, whatever they say
// about its faults.
func (v *Validity) figures() bool {
	return v.OK || len(v.Faults) > 0 && len(v.Faults) == len(v.Reasons)
}

// plural is a number of things: "1 moment", "2 moments".
func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
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
		f := newFault(e)
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

// newFault reads the evidence about one fault.
func newFault(e *Event) Fault {
	words := strings.Fields(e.Detail)
	f := Fault{
		Name: e.Fault, From: float64(e.Start) / 1e6, To: float64(e.End) / 1e6,
		Landed: slices.Contains(words, FaultLanded), Healed: slices.Contains(words, FaultHealed),
		Met: e.Met, Clear: e.Clear,
	}
	traffic := !ofContainers(f.Name)
	switch {
	case f.Met == 0 && traffic:
		f.Unknown = "met no traffic: what it would have done is unknown"
	case f.Met == 0, !f.Landed:
		f.Unknown = "was not seen to take effect: what it would have done is unknown"
	case f.Clear == 0 && traffic:
		f.Unknown = "met no traffic after it was healed: whether its effect is gone is unknown"
	case f.Clear == 0, !f.Healed:
		f.Unknown = "was not seen to heal: whether its effect is gone is unknown"
	}
	return f
}

// ofContainers says whether a fault acts on a container: what shows its effect is the
// engine and signs of life of the role, and no traffic that met it.
func ofContainers(name string) bool { return strings.HasPrefix(name, "container.") }
