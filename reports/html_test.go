package reports

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"github.com/tokendrill/tokendrill/fixtures/token"
	"github.com/tokendrill/tokendrill/harness/measure"
)

func page(t *testing.T, r *measure.Report) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, HTML(&b, r))
	return b.String()
}

var sections = []string{"verdict", "comparison", "revoked", "timeline", "latency", "decisions", "trust"}

func TestPageHasEverySection(t *testing.T) {
	for _, v := range variants() {
		t.Run(v.name, func(t *testing.T) {
			got := page(t, v.report)
			at := 0
			for _, id := range sections {
				next := strings.Index(got, `<section id="`+id+`">`)
				require.Greater(t, next, at, id)
				at = next
			}
			assert.Equal(t, broke(v.report), strings.Contains(got, `<section id="phases">`), "phases")
			assertWellFormed(t, got)
			assert.Less(t, len(got), 1_500_000)
		})
	}
}

// assertWellFormed requires that every element that is opened is closed, in order.
func assertWellFormed(t *testing.T, page string) {
	t.Helper()
	void := map[string]bool{"meta": true, "path": true, "br": true}
	var open []string
	z := html.NewTokenizer(strings.NewReader(page))
	for {
		switch z.Next() {
		case html.ErrorToken:
			require.ErrorIs(t, z.Err(), io.EOF)
			assert.Empty(t, open)
			return
		case html.StartTagToken:
			if name := z.Token().Data; !void[name] {
				open = append(open, name)
			}
		case html.EndTagToken:
			if name := z.Token().Data; !void[name] {
				require.NotEmpty(t, open, name)
				require.Equal(t, open[len(open)-1], name)
				open = open[:len(open)-1]
			}
		}
	}
}

func TestPageReachesForNothing(t *testing.T) {
	outside := regexp.MustCompile(`(?i)(https?:|//[a-z]|<script|<link|<img|<iframe|@import|url\(|javascript:)`)
	for _, v := range variants() {
		assert.Empty(t, outside.FindAllString(page(t, v.report), -1), v.name)
	}
}

func TestEveryColourOfAPlotFollowsThePage(t *testing.T) {
	css, err := templates.ReadFile("template/style.css")
	require.NoError(t, err)
	for c := ink; int(c) < len(roleNames); c++ {
		assert.Contains(t, string(css), "--"+roleNames[c]+":", "a role has a colour")
	}
	fixed := regexp.MustCompile(`<svg[^>]*>.*?(fill|stroke):#`)
	assert.Empty(t, fixed.FindString(page(t, faulty())))
}

func TestPlotsAreToldInWordsToo(t *testing.T) {
	got := page(t, sample())
	assert.Equal(t, strings.Count(got, "<svg "), strings.Count(got, `role="img"><title>`))
	assert.NotContains(t, got, "<desc></desc>")
	assert.Equal(t, 1+4+4+4, strings.Count(got, "<svg "), "a map, and three charts for each pattern")
}

const hostile = `</title></svg><script>alert("x")</script>&<b onclick='y'>` + "\x1b[31m\x00"

// poisoned has markup and control characters wherever a report holds text.
func poisoned() *measure.Report {
	r := violated()
	r.Faults = []measure.Fault{{Name: hostile, From: 1, To: 2, Unknown: hostile}}
	r.Stopped, r.Undo = hostile, measure.Undo{Injected: 1, Left: []string{hostile}}
	r.References = []measure.Reference{{Pattern: hostile, Metric: hostile, Says: hostile}}
	r.Scenario, r.About, r.Stage, r.Reproduce = hostile, hostile, hostile, hostile
	r.PlanDigest, r.RecordingDigest = hostile, hostile
	r.Environment = measure.Environment{Tokendrill: hostile, Go: hostile, OS: hostile, CPU: hostile, Network: hostile}
	r.Validity, r.Warnings, r.Ties = measure.Validity{Reasons: []string{hostile}}, []string{hostile}, nil
	for i := range r.Patterns {
		p := &r.Patterns[i]
		p.Pattern, p.BoundWhy, p.RecoveryWhy = hostile, hostile, hostile
		p.Target, p.Notes = i%2 == 0, []string{hostile}
		p.Gateways = []measure.Gateway{{Gateway: hostile, Replicas: []measure.Replica{{Replica: hostile, Requests: 1}}}}
		p.Fallbacks = []measure.Fallback{{Cause: hostile, Phase: hostile, Count: 1}}
		p.Phases = []measure.Phase{{Phase: hostile, To: 1}, {Phase: during, From: 1, To: 2, Requests: measure.Requests{Sent: 1}}}
		for j := range p.Revoke.Gateways {
			p.Revoke.Gateways[j].Gateway, p.Timeline.Lanes[j].Gateway = hostile, hostile
		}
		for j := range p.Violations {
			p.Violations[j].Token, p.Violations[j].Cause, p.Violations[j].Kind = token.Ref(hostile), hostile, hostile
			p.Violations[j].Requests[0].Detail = hostile
		}
		for j := range p.Gates {
			p.Gates[j].Expr, p.Gates[j].Why, p.Gates[j].Metric = hostile, hostile, hostile
		}
		p.Mutations[0].Mutation = hostile
	}
	return r
}

func TestTextOfAReportIsNeverMarkup(t *testing.T) {
	got := page(t, poisoned())
	assertWellFormed(t, got)
	assert.NotContains(t, got, "<script")
	assert.NotContains(t, got, "<b onclick")
	assert.Contains(t, got, "&lt;script&gt;")
}

func TestTextOfAReportNeverSteersTheTerminal(t *testing.T) {
	got := terminal(t, poisoned(), TerminalOptions{Path: hostile, Next: hostile})
	assert.NotContains(t, got, "\x1b")
	assert.NotContains(t, got, "\x00")
	assertFits(t, got)
}

func TestPageOpensInChromium(t *testing.T) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not installed: nothing to open the page with")
	}
	if testing.Short() {
		t.Skip("short: a browser takes seconds to start")
	}
	for name, row := range map[string]struct {
		report   *measure.Report
		sections []string
		drawings int
	}{
		"patterns around a fault": {faulty(), append(sections, "phases"), 14},
		"one target":              {oneTarget(), sections, 4},
		"targets beside patterns": {besideThePatterns(), sections, 1 + 3*6},
	} {
		t.Run(name, func(t *testing.T) {
			dom := opened(t, chromium, page(t, row.report))
			for _, id := range row.sections {
				assert.Contains(t, dom, `<section id="`+id+`">`)
			}
			assert.Equal(t, row.drawings, strings.Count(dom, "<svg "))
		})
	}
}

// opened is a page as a browser has it; the browser must not complain of it.
func opened(t *testing.T, chromium, page string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "report.html")
	require.NoError(t, os.WriteFile(file, []byte(page), 0o600))
	ctx, stop := context.WithTimeout(t.Context(), 3*time.Minute)
	defer stop()
	cmd := exec.CommandContext(ctx, chromium, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
		"--user-data-dir="+t.TempDir(), "--enable-logging=stderr", "--v=0", "--dump-dom", "file://"+file)
	cmd.WaitDelay = 5 * time.Second
	var dom, log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &dom, &log
	require.NoError(t, cmd.Run(), log.String())
	assert.NotContains(t, log.String(), "CONSOLE", "the page wrote to the console")
	return dom.String()
}

func TestAFigureBelowEveryAxisLeavesNoBrokenDrawing(t *testing.T) {
	r := sample()
	r.Patterns = r.Patterns[:1]
	r.Patterns[0].Latency.Check.P95, r.Patterns[0].Latency.Check.P95Noise = new(5e-323), new(1.0)
	assert.Empty(t, broken.FindString(page(t, r)))
}
