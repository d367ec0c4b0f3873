package measure

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// GateExpr is one parsed limit: METRIC[{label=value,...}] OP VALUE[UNIT], such
// as "latency.check.p95{pattern=cache} <= 75ms". Create it with ParseGate.
type GateExpr struct {
	// Expr is the expression as it was written.
	Expr   string
	Metric Metric
	// Pattern, Gateway and Phase are the labels; empty means all of them together.
	Pattern string
	Gateway string
	Phase   string
	// Op is one of <= < >= > == !=.
	Op string
	// Limit is in the metric's unit: ms, a count, a share of one, or per second.
	Limit float64
}

// mostGate bounds the length of an expression, in bytes.
const mostGate = 512

var (
	gateSyntax  = regexp.MustCompile(`^([A-Za-z0-9_.]+)\s*(?:\{([^{}]*)\})?\s*(<=|>=|==|!=|<|>)\s*([0-9]+(?:\.[0-9]+)?|\.[0-9]+)\s*(us|ms|s|m|h|%|/s)?$`)
	labelSyntax = regexp.MustCompile(`^\s*([a-z]+)\s*=\s*"?([A-Za-z0-9_.:-]+)"?\s*$`)
)

// ParseGate parses a gate. Units are us, ms, s, m, h, %, /s or none, as the
// metric demands. An unknown metric or label is an error that lists near names.
func ParseGate(expr string) (GateExpr, error) {
	if len(expr) > mostGate {
		return GateExpr{}, fmt.Errorf("gate of %d bytes is too long", len(expr))
	}
	expr = strings.TrimSpace(expr)
	g, err := parseLimit(expr)
	if err != nil {
		return GateExpr{}, fmt.Errorf("gate %q: %w", expr, err)
	}
	return g, nil
}

// parseLimit parses what gates and stop conditions have in common.
func parseLimit(expr string) (GateExpr, error) {
	parts := gateSyntax.FindStringSubmatch(expr)
	if parts == nil {
		return GateExpr{}, errors.New("want METRIC[{label=value}] OP VALUE[UNIT], such as latency.check.p95 <= 75ms")
	}
	g := GateExpr{Expr: expr, Op: parts[3]}
	var ok bool
	if g.Metric, ok = metric(parts[1]); !ok {
		return GateExpr{}, fmt.Errorf("unknown metric %s; near: %s", parts[1], strings.Join(Nearest(parts[1], names(Metrics())), ", "))
	}
	if err := g.setLabels(parts[2]); err != nil {
		return GateExpr{}, err
	}
	if err := g.setLimit(parts[4], parts[5]); err != nil {
		return GateExpr{}, err
	}
	if g.Metric.quantile > 0 && (g.Op == "==" || g.Op == "!=") {
		return GateExpr{}, errors.New("a quantile is never exactly a value; use <= or >=")
	}
	return g, nil
}

func names(metrics []Metric) []string {
	var out []string
	for _, m := range metrics {
		out = append(out, m.Name)
	}
	return out
}

// setLabels parses what stands between the braces.
func (g *GateExpr) setLabels(list string) error {
	if strings.TrimSpace(list) == "" {
		return nil
	}
	for item := range strings.SplitSeq(list, ",") {
		parts := labelSyntax.FindStringSubmatch(item)
		if parts == nil {
			return fmt.Errorf("label %q: want name=value", strings.TrimSpace(item))
		}
		name, value := parts[1], parts[2]
		if allowed := append([]string{"pattern"}, g.Metric.Labels...); !slices.Contains(allowed, name) {
			return fmt.Errorf("%s has no label %s; it takes %s", g.Metric.Name, name, strings.Join(allowed, ", "))
		}
		field := map[string]*string{"pattern": &g.Pattern, "gateway": &g.Gateway, "phase": &g.Phase}[name]
		if *field != "" {
			return fmt.Errorf("label %s is given twice", name)
		}
		*field = value
	}
	return nil
}

// units are what each kind of metric takes, with the factor to the metric's unit.
var units = map[string]map[string]float64{
	"ms":    {"us": 1e-3, "ms": 1, "s": 1e3, "m": 60e3, "h": 3600e3},
	"count": {"": 1},
	"share": {"": 1, "%": 0.01},
	"/s":    {"": 1, "/s": 1},
}

// setLimit parses value and unit. A duration needs a unit, unless it is zero.
func (g *GateExpr) setLimit(value, unit string) error {
	v, err := strconv.ParseFloat(value, 64)
	if err != nil {
		return fmt.Errorf("limit %s: %w", value, err)
	}
	factor, ok := units[g.Metric.Unit][unit]
	switch {
	case ok:
	case unit == "" && v == 0:
		factor = 1
	case unit == "":
		return fmt.Errorf("limit %s needs a unit: us, ms, s, m or h", value)
	case g.Metric.Unit == "count":
		return fmt.Errorf("%s is a count: it takes no unit, not %s", g.Metric.Name, unit)
	default:
		return fmt.Errorf("%s is in %s: it cannot be limited in %s", g.Metric.Name, g.Metric.Unit, unit)
	}
	if g.Limit = v * factor; g.Limit*1e6 > math.MaxInt64/2 {
		return fmt.Errorf("limit %s%s is out of range", value, unit)
	}
	return nil
}

// Applies says whether the gate limits a pattern: without a pattern label it
// limits every one.
func (g GateExpr) Applies(pattern string) bool {
	return g.Pattern == "" || g.Pattern == pattern
}

// RevokeLimit is the time-to-revoke that the gate sets as a limit, for a planner
// that adds a probe just before and one just after it; false if it sets none.
func (g GateExpr) RevokeLimit() (time.Duration, bool) {
	if g.Metric.family != revoke || g.Limit == 0 {
		return 0, false
	}
	return time.Duration(g.Limit * 1e6), true
}

// parseGates parses the gates of a run and checks that they name patterns and
// gateways that it has.
func parseGates(meta Meta) ([]GateExpr, error) {
	var out []GateExpr
	for _, expr := range meta.Gates {
		g, err := ParseGate(expr)
		if err != nil {
			return nil, err
		}
		if err := g.names(meta.have(g)); err != nil {
			return nil, fmt.Errorf("gate %w", err)
		}
		out = append(out, g)
	}
	return out, nil
}

// existing is what labels of one gate can name.
type existing struct {
	patterns, gateways, phases []string
}

// have is what a run has: its patterns and phases, and the gateways of those
// patterns that a gate applies to.
func (m *Meta) have(g GateExpr) existing {
	var out existing
	for _, p := range m.Patterns {
		out.patterns = append(out.patterns, p.Pattern)
		if g.Applies(p.Pattern) {
			out.gateways = append(out.gateways, p.Gateways...)
		}
	}
	for _, p := range m.Phases {
		out.phases = append(out.phases, p.Phase)
	}
	return out
}

// names checks the labels against what there is.
func (g GateExpr) names(have existing) error {
	for _, label := range []struct {
		name, value string
		have        []string
	}{
		{"pattern", g.Pattern, have.patterns},
		{"gateway", g.Gateway, have.gateways},
		{"phase", g.Phase, have.phases},
	} {
		if label.value == "" || slices.Contains(label.have, label.value) {
			continue
		}
		known := slices.Compact(slices.Sorted(slices.Values(label.have)))
		if len(known) == 0 {
			return fmt.Errorf("%q: no %s %s in this run, it has none", g.Expr, label.name, label.value)
		}
		return fmt.Errorf("%q: no %s %s in this run; near: %s", g.Expr, label.name, label.value, strings.Join(Nearest(label.value, known), ", "))
	}
	return nil
}
