package reports

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/tokendrill/tokendrill/harness/measure"
)

// gatewayLife is how long revoked tokens lived at one gateway of a target.
type gatewayLife struct {
	name string
	*measure.GatewayRevoke
	replicas int
}

// gatewayLives are those of targets with more than one gateway, the slowest first.
func gatewayLives(r *measure.Report) []gatewayLife {
	var all []gatewayLife
	for i := range r.Patterns {
		p := &r.Patterns[i]
		if !p.Target || len(p.Revoke.Gateways) < 2 {
			continue
		}
		for j := range p.Revoke.Gateways {
			g := gatewayLife{name: p.Revoke.Gateways[j].Gateway, GatewayRevoke: &p.Revoke.Gateways[j]}
			if targets(r) > 1 {
				g.name = p.Pattern + " " + g.name
			}
			if k := slices.IndexFunc(p.Gateways, func(at measure.Gateway) bool { return at.Gateway == g.Gateway }); k >= 0 {
				g.replicas = len(p.Gateways[k].Replicas)
			}
			all = append(all, g)
		}
	}
	slices.SortStableFunc(all, func(a, b gatewayLife) int { return cmp.Compare(b.longest(), a.longest()) })
	return all
}

// longest is the longest life; one without a known end is longer than any other.
func (g gatewayLife) longest() float64 {
	if g.Upper.Max == nil && g.Lower.Max != nil {
		return math.MaxFloat64
	}
	return largest(g.Upper.Max)
}

// livedAt is what is known of one quantile at a gateway, in ms; all nil for a p95
// that the tokens do not support.
func livedAt(g *measure.GatewayRevoke, q string) (lower, upper, above *float64) {
	known := measure.Above{}
	if g.Upper.Above != nil {
		known = *g.Upper.Above
	}
	switch {
	case q == "max":
		return g.Lower.Max, g.Upper.Max, known.Max
	case supports(0.95, g.Tokens):
		return g.Lower.P95, g.Upper.P95, known.P95
	}
	return nil, nil, nil
}

// lived is one quantile in u.
func (g gatewayLife) lived(q string, u unit) string {
	lower, upper, above := livedAt(g.GatewayRevoke, q)
	return between(lower, upper, above, u)
}

// gatewayLines are the table of the gateways of targets, in at most room lines;
// none if that is too little for a table.
func gatewayLines(r *measure.Report, room int) []string {
	all := gatewayLives(r)
	shown := all
	if len(shown) > room-1 {
		shown = shown[:max(room-2, 0)]
	}
	if len(shown) < 2 || broke(r) {
		return nil
	}
	u := lifeUnit(r)
	columns := []column{
		{cells: []string{"at a gateway"}, left: true}, {cells: []string{"p95, " + u.word}}, {cells: []string{"worst, " + u.word}},
		{cells: []string{"tokens"}}, {cells: []string{"not refused"}}, {cells: []string{"replicas seen"}},
	}
	for _, g := range shown {
		seen := none
		if g.replicas > 0 {
			seen = count(g.replicas)
		}
		for i, cell := range []string{squeezed(g.name, 42), g.lived("p95", u), g.lived("max", u), count(g.Tokens), count(g.Censored), seen} {
			columns[i].cells = append(columns[i].cells, cell)
		}
	}
	columns = slices.DeleteFunc(columns, column.empty)
	var blocks [][]string
	for _, c := range columns {
		blocks = append(blocks, c.lines())
	}
	lines := beside(blocks, gap)
	if more := len(all) - len(shown); more > 0 {
		lines = append(lines, fmt.Sprintf("and %s, refused sooner: see the report", plural(more, "more gateway")))
	}
	return slices.Clip(lines)
}

// empty reports whether a column has nothing below its heading.
func (c column) empty() bool {
	return !slices.ContainsFunc(c.cells[1:], func(cell string) bool { return cell != none })
}

// squeezed is clean text in at most width columns, without its middle if it is
// longer: names of systems often differ at the end.
func squeezed(s string, width int) string {
	runes := []rune(clean(s))
	if len(runes) <= width {
		return string(runes)
	}
	head := width / 2
	return strings.TrimRight(string(runes[:head]), " ") + "…" + string(runes[len(runes)-(width-head-1):])
}
