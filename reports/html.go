package reports

import (
	"embed"
	"fmt"
	"html/template"
	"io"

	"github.com/tokendrill/tokendrill/harness/measure"
)

//go:embed template
var templates embed.FS

// HTML writes the whole report as one self-contained page: no network, no
// scripts, light and dark, fit for print and for a phone. All text of the
// report is escaped. The error is that of w or of the template.
func HTML(w io.Writer, r *measure.Report) error {
	page, err := template.New("report.html").Funcs(functions()).ParseFS(templates, "template/*")
	if err != nil {
		return fmt.Errorf("reports: page template: %w", err)
	}
	return page.ExecuteTemplate(w, "report.html", newView(r))
}

// functions are what the template may call; they format, and decide nothing.
func functions() template.FuncMap {
	return template.FuncMap{
		"count":    func(n int) string { return count(n) },
		"count64":  func(n int64) string { return count(n) },
		"ms":       optional,
		"set":      setting,
		"percent":  func(v *float64) string { return share(v) },
		"quantile": quantile,
		"answered": answeredFull,
		"time":     func(ns int64) string { return fixed(float64(ns)/1e9, 3, nearest) + " s" },
		"outcome":  outcome,
		"lived": func(g measure.GatewayRevoke, q string) string {
			lower, upper, above := livedAt(&g, q)
			return span(lower, upper, above)
		},
		"right": right,
	}
}

// share formats a share of one that may be missing.
func share(v *float64) string {
	if v == nil {
		return none
	}
	return percent(*v)
}

// quantile formats a quantile of a latency if its sample supports it.
func quantile(d measure.Dist, name string) string {
	switch name {
	case "p50":
		return optional(supported(d.P50, 0.50, int(d.Count)))
	case "p95":
		return optional(supported(d.P95, 0.95, int(d.Count)))
	case "p99":
		return optional(supported(d.P99, 0.99, int(d.Count)))
	}
	if d.Count == 0 {
		return none
	}
	return optional(d.Max)
}

// answeredFull is answered with every digit.
func answeredFull(p measure.Pattern, n int) string {
	if decisions(&p) == 0 {
		return none
	}
	return count(n)
}

// right says how many requests of a mutation were decided, rightly.
func right(m *measure.Mutation) string {
	if decided := m.Sent - m.Unavailable; decided != m.Sent {
		return fmt.Sprintf("%s of %s", count(decided), count(m.Sent))
	}
	return count(m.Sent)
}
