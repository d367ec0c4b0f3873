package reports

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/tokendrill/tokendrill/harness/measure"
)

// saying is a row of a table: what a changed report has to make something say,
// and what not.
type saying struct {
	name   string
	change func(*measure.Report)
	say    func(*measure.Report) string
	want   string
	not    string // "" for nothing
}

// assertSays tries each row on a report of its own.
func assertSays(t *testing.T, report func() *measure.Report, rows []saying) {
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			r := report()
			row.change(r)
			got := row.say(r)
			assert.Contains(t, got, row.want)
			if row.not != "" {
				assert.NotContains(t, got, row.not)
			}
		})
	}
}

func TestSentencesAreTrueOfTheirReport(t *testing.T) {
	fast := func(r *measure.Report) string { return fastSentence(r) }
	revoked := func(r *measure.Report) string { return revokedSentence(r) }
	wrong := func(r *measure.Report) string { return wrongSentence(r) }
	limits := func(r *measure.Report) string { return strings.Join(limitSentences(r), " ") }
	assertSays(t, sample, []saying{
		{"tied patterns lead together", func(*measure.Report) {}, fast, "registry and hybrid; = cannot be told apart.", ""},
		{"a clear leader stands alone, with its noise", func(r *measure.Report) { r.Ties = nil }, fast, "registry, 0.039 ± 0.005 ms.", "told apart"},
		{"patterns that all tie have no slowest", func(r *measure.Report) {
			r.Ties = [][]string{{"cache", "remote", "registry", "hybrid"}}
		}, fast, "registry, hybrid, cache and remote; = cannot be told apart.", "Slowest"},
		{"without slices nobody is called faster beyond noise", func(r *measure.Report) {
			r.Patterns[2].Latency.Check.P95Noise = nil
		}, fast, "by the plain figure; too few slices", "told apart."},
		{"58 requests do not make a p95", func(r *measure.Report) { r.Patterns[0].Latency.Check.Count = 58 }, fast, "No p95 for cache (n=58).", ""},
		{"gateways that tell nothing are judged by the response", func(r *measure.Report) {
			for i := range r.Patterns {
				r.Patterns[i].Latency.Check = measure.Dist{}
			}
			r.Patterns = r.Patterns[:1]
		}, fast, "cache: response p95", ""},

		{"the longest life comes first, with its bound", func(*measure.Report) {}, revoked, "cache: up to 2.17 s (bound 2.5 s: TTL 2 s", ""},
		{"the rest are told by the longest of them", func(*measure.Report) {}, revoked, "The other three: up to 18.3 ms.", ""},
		{"a token never refused has no upper end", func(r *measure.Report) { *r = *censored() }, revoked, "registry: longer than 4.49 s, 5 (token, gateway) pairs not refused", "registry: up to"},
		{"a resurrection is told", func(r *measure.Report) { r.Patterns[1].Revoke.Resurrections = 2 }, revoked, "remote let tokens in again after a refusal, 2 times.", ""},
		{"two patterns without an end are both named", func(r *measure.Report) {
			for i := range 2 {
				r.Patterns[i].Revoke.FleetUpper = measure.Quantiles{Above: &measure.Above{Max: new(4000.0)}}
			}
		}, revoked, "Nor is an end known for all of", "up to"},
		{"a pattern without a figure is not counted among the quick", func(r *measure.Report) {
			r.Patterns[1].Revoke = measure.Revoke{}
		}, revoked, "hybrid and registry: up to", "other three"},
		{"a pattern without a figure is named", func(r *measure.Report) { r.Patterns[1].Revoke = measure.Revoke{} }, revoked, "Not known for remote.", ""},
		{"no revocation is not a quick one", func(r *measure.Report) { *r = *empty() }, revoked, "not known", "0"},

		{"none wrong says in how many", func(*measure.Report) {}, wrong, "none in 48,000 decisions, 2,440 fuzzed in 31 ways.", ""},
		{"no fuzz says so", func(r *measure.Report) { *r = *onePattern() }, wrong, "no token fuzzed", "ways"},
		{"a forged token let in is worse than one shut out", func(r *measure.Report) { *r = *violated() }, wrong, "Worst: hybrid let in t-17 at gw-2 (alg_none), sent at 12.3 s.", "none in"},
		{"no decision at all is not a right one", func(r *measure.Report) { *r = *empty() }, wrong, "not known", "none"},
		{"no answer is not a decision", func(r *measure.Report) {
			for i := range r.Patterns {
				r.Patterns[i].Requests = measure.Requests{Sent: 10, Unavailable: 10}
			}
		}, wrong, "not known", "none in"},

		{"58 moments support no p95", func(r *measure.Report) { r.Patterns[0].Revoke.Moments = 58 }, limits, "58 to 64 revocations per pattern support no p95 (needs 59).", "not p99"},
		{"59 moments support p95", func(r *measure.Report) { r.Patterns[0].Revoke.Moments = 59 }, limits, "support p95 (needs 59), not p99 (299).", "no p95"},
		{"299 moments support p99", func(r *measure.Report) {
			for i := range r.Patterns {
				r.Patterns[i].Revoke.Moments = 299
			}
		}, limits, "299 revocations support p95 and p99.", "not p99"},
		{"an invalid run says so first", func(r *measure.Report) { *r = *invalid() }, limits, "INVALID RUN: remote: 88 %", "not the bottleneck"},
		{"a busy machine is not called idle", func(r *measure.Report) { r.Sender.CPU = new(0.9) }, limits, "CPU 90 %: the machine was near its limit.", "not the bottleneck"},
		{"added delay is told", func(r *measure.Report) { *r = *referenced() }, limits, "Network: gateway-authority 18 ms", "No network delay"},
	})
}

func TestAFigureThatTheSampleCannotSupportIsNotPrinted(t *testing.T) {
	r := sample()
	for i := range r.Patterns {
		r.Patterns[i].Revoke.Moments = 58
		r.Patterns[i].Latency.Check.Count = 58
	}
	got := terminal(t, r, TerminalOptions{})
	assert.NotContains(t, got, "1.86 to 2.09", "p95 of 58 moments")
	assert.Contains(t, got, "1.90 to 2.17", "the worst of 58 is a fact")
	assert.NotContains(t, got, "0.61", "p95 of 58 checks")
}

func TestTheVerdictLineNamesWhatDecided(t *testing.T) {
	for _, row := range []struct {
		name  string
		r     *measure.Report
		words []string
	}{
		{"pass: the tightest gate", sample(), []string{"PASS", "3 of 3 gates", "tightest revoke.fleet_upper.p95{pattern=cache} 2.09 s <= 3 s (n=64)"}},
		{"fail: a wrong decision before a slow one", violated(), []string{"FAIL", "safety.false_accepts{pattern=hybrid} = 3", "witness t-17 at gw-2", "reproduce: tokendrill run quick --seed 7"}},
		{"fail: at least by the lower bound", censored(), []string{"FAIL", "{pattern=registry} >= 4.49 s, limit 3.75 s (n=64)"}},
		{"inconclusive: the interval straddles", inconclusive(), []string{"INCONCLUSIVE", "{pattern=cache} 1.8 to 2.01 s straddles 1.95 s; try --tokens 181 (n=64)"}},
		{"inconclusive: an invalid run says why", invalid(), []string{"INCONCLUSIVE", "the run is invalid: remote: 88 %"}},
		{"stopped: faults still in place are told", stopped(), []string{"STOPPED", "unavailable.rate 0.83 > 0.5", "1 of 2 faults undone", "partial"}},
		{"interrupted: how far it came", interrupted(), []string{"INTERRUPTED", "15,400 of 48,000 planned requests sent", "partial"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			word, text := verdictLine(row.r)
			for _, want := range row.words {
				assert.Contains(t, word+" "+text, want)
			}
		})
	}
}
