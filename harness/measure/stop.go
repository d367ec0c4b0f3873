package measure

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// StopExpr is one parsed stop condition: METRIC[{label=value,...}] OP VALUE[UNIT]
// [for DURATION], such as "requests.unavailable_rate{pattern=cache} > 50% for 2s".
// Create it with ParseStop.
//
// Without a pattern label it is met when any one pattern meets it. With "for D"
// the figure is that of the last D, all of it observed: it is never met in the
// first D of a run. Without, a count is that since the start of the run, and a
// share or rate that of the last second. A share takes 20 requests.
type StopExpr struct {
	// Expr is the expression as it was written.
	Expr string
	// Metric is one of StopMetrics.
	Metric Metric
	// Pattern and Gateway are the labels; an empty Gateway means all together.
	Pattern string
	Gateway string
	// For is the D of "for D"; zero means that there is none.
	For time.Duration

	limit GateExpr
	unit  string // of the value, as it was written
}

// shortestFor and longestFor bound the D of "for D".
const (
	shortestFor = 100 * time.Millisecond
	longestFor  = time.Hour
)

var (
	stopSyntax = regexp.MustCompile(`^(.*?)(?:\s+for\s+([0-9]+(?:\.[0-9]+)?)\s*(ms|s|m|h))?$`)
	stopUnit   = regexp.MustCompile(`[a-z/%]*$`)
)

// StopMetrics are the metrics that are known while a run goes on. Wrong decisions
// that take the whole history to tell, as about expiry of a revoked token or its
// coming back to life, are counted at the end of the run only.
func StopMetrics() []Metric {
	return slices.DeleteFunc(Metrics(), func(m Metric) bool { return m.live == nil })
}

// ParseStop parses a stop condition. Units are those of ParseGate; a duration is
// 100 ms to 1 h. A metric that is not known while a run goes on, like latency, is
// an error that lists those that are.
func ParseStop(expr string) (StopExpr, error) {
	s, err := parseStop(strings.TrimSpace(expr))
	if err != nil {
		return StopExpr{}, fmt.Errorf("stop condition %q: %w", shorten(expr), err)
	}
	return s, nil
}

func parseStop(expr string) (StopExpr, error) {
	if len(expr) > mostGate {
		return StopExpr{}, fmt.Errorf("%d bytes is too long", len(expr))
	}
	parts := stopSyntax.FindStringSubmatch(expr)
	if parts == nil {
		return StopExpr{}, errors.New("want it on one line")
	}
	g, err := parseLimit(parts[1])
	switch {
	case err != nil:
		return StopExpr{}, err
	case g.Metric.live == nil:
		return StopExpr{}, fmt.Errorf("%s is not known while the run goes on; known are %s", g.Metric.Name, strings.Join(names(StopMetrics()), ", "))
	case g.Phase != "":
		return StopExpr{}, errors.New("a stop condition takes no label phase, only pattern and gateway")
	}
	s := StopExpr{Expr: expr, Metric: g.Metric, Pattern: g.Pattern, Gateway: g.Gateway, limit: g, unit: stopUnit.FindString(parts[1])}
	s.For, err = stopFor(parts[2], parts[3])
	return s, err
}

// stopFor parses the D of "for D"; no value is no D.
func stopFor(value, unit string) (time.Duration, error) {
	if value == "" {
		return 0, nil
	}
	v, err := strconv.ParseFloat(value, 64)
	if err != nil {
		return 0, fmt.Errorf("for %s%s: %w", value, unit, err)
	}
	ms := v * units["ms"][unit]
	if ms < float64(shortestFor/time.Millisecond) || ms > float64(longestFor/time.Millisecond) {
		return 0, fmt.Errorf("for %s%s is out of range, want 100ms to 1h", value, unit)
	}
	return time.Duration(ms * 1e6), nil
}

// Applies says whether the condition watches a pattern.
func (s StopExpr) Applies(pattern string) bool { return s.limit.Applies(pattern) }

// window is the stretch of time that the figure is of; 0 is since the start.
func (s StopExpr) window() time.Duration {
	if s.For == 0 && s.Metric.Unit != "count" {
		return time.Second
	}
	return s.For
}

// format renders a figure as the limit was written.
func (s StopExpr) format(v float64) string {
	switch {
	case s.unit == "%":
		return fmt.Sprintf("%.3g %%", 100*v)
	case s.Metric.Unit == "share":
		return fmt.Sprintf("%.2g", v)
	case s.Metric.Unit == "/s":
		return fmt.Sprintf("%.4g/s", v)
	}
	return fmt.Sprintf("%.0f", v)
}

// reason is the sentence for a run that the condition ended.
func (s StopExpr) reason(where string, v float64, at time.Duration) string {
	_, metric, _ := strings.Cut(s.Metric.Name, ".")
	why := fmt.Sprintf("%s %s %s %s", metric, s.format(v), s.limit.Op, s.format(s.limit.Limit))
	if where != "" {
		why = where + " " + why
	}
	if s.For > 0 {
		why += " for " + formatMS(float64(s.For)/1e6)
	}
	return fmt.Sprintf("%s at %02d:%02d", why, int(at.Minutes()), int(at.Seconds())%60)
}

// shorten cuts what is quoted in an error.
func shorten(expr string) string {
	if len(expr) > mostGate {
		return expr[:mostGate] + "..."
	}
	return expr
}
