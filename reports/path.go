package reports

import (
	"fmt"
	"strings"

	"github.com/tokendrill/tokendrill/harness/measure"
)

// stageKind is the first word of the stage: embedded, containers or external.
func stageKind(r *measure.Report) string {
	kind, _, _ := strings.Cut(r.Stage, " ")
	return kind
}

func inContainers(r *measure.Report) bool { return stageKind(r) == "containers" }

// stage names the stage with the path that requests take: figures of two paths are
// not compared.
func stage(r *measure.Report) string {
	way, known := map[string]string{"embedded": "loopback", "containers": "docker proxy"}[stageKind(r)]
	switch {
	case !known:
		return r.Stage
	case r.Environment.Network != "" && r.Environment.Network != noNetwork:
		return fmt.Sprintf("%s (%s, delayed links)", stageKind(r), way)
	}
	return fmt.Sprintf("%s (%s)", stageKind(r), way)
}

// floorSentence says what a response without a token costs on the bare path of the stage, and what
// share of the measured ones that is; "" if it was not measured.
func floorSentence(r *measure.Report) string {
	f := &r.Sender.Floor
	if f.P50 == nil || f.P95 == nil {
		return ""
	}
	where := stage(r)
	if targets(r) > 0 {
		where = "the reference stage"
	}
	said := fmt.Sprintf("%s: p50 %s, p95 %s (n=%s)", where, millis(*f.P50, nearest), millis(*f.P95, nearest), count(f.Count))
	if least, most, ok := floorShare(r); ok {
		said += fmt.Sprintf(", %s of response p50", spread(percent(least), percent(most)))
	}
	return said + "."
}

// floorShare is the p50 of the bare path as a share of the response p50 of each
// reference pattern: of the latency phase or, without one, before the first fault.
func floorShare(r *measure.Report) (least, most float64, ok bool) {
	for i := range r.Patterns {
		p := &r.Patterns[i]
		whole := p.Latency.Response.P50
		if ph := phaseOf(p, before); whole == nil && ph != nil {
			whole = ph.Latency.Response.P50
		}
		if p.Target || whole == nil || *whole <= 0 {
			continue
		}
		share := min(1, *r.Sender.Floor.P50 / *whole)
		if !ok {
			least = share
		}
		least, most, ok = min(least, share), max(most, share), true
	}
	return least, most, ok
}

// spread is "8 to 21 %", or one figure if both are the same.
func spread(least, most string) string {
	if least == most {
		return least
	}
	return strings.TrimSuffix(least, " %") + " to " + most
}

// containersSentence says what figures of containers do not show.
func containersSentence(r *measure.Report) string {
	if !inContainers(r) {
		return ""
	}
	said := "Responses pass the docker proxy"
	if n := r.Environment.Cores; n > 0 {
		said += fmt.Sprintf(", and %s carried sender and containers", plural(n, "core"))
	}
	return said + ": compare with no other stage."
}
