package reports

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/harness/measure"
)

func TestSentencesOnTargetsAreTrueOfTheirReport(t *testing.T) {
	fast := func(r *measure.Report) string { return fastSentence(r) }
	limits := func(r *measure.Report) string { return strings.Join(limitSentences(r), " ") }
	verdict := func(r *measure.Report) string { _, text := verdictLine(r); return text }
	all := func(r *measure.Report) string { return strings.Join(append(tableLines(r), headline(r)), "\n") }
	assertSays(t, oneTarget, []saying{
		{"a derived check has a mark", func(*measure.Report) {}, fast, "check p95 5.96 ± 0.31 ms*, n=4,000.", ""},
		{"and a check that was told has none", func(r *measure.Report) { r.Patterns[0].Latency.CheckDerived = false }, fast, "5.96 ± 0.31 ms, n=4,000.", "*"},
		{"a gate on it says so", func(*measure.Report) {}, verdict, "5.96 ms <= 10 ms (n=4,000, derived)", ""},
		{"how it was reached is told", func(*measure.Report) {}, limits, "staging: TLS certificates were not verified (insecure).", "not known"},
		{"replicas are told by name", func(*measure.Report) {}, limits, "eu: 3 replicas seen (a 1,412, b 1,399, c 1,189). ap: 1 replica seen (ap-1 4,000).", "us: "},
		{"replicas beyond the kept ones are told", func(r *measure.Report) { r.Patterns[0].Gateways[0].OtherReplicas = 7 }, limits, "eu: more than 3 replicas seen, 7 requests elsewhere (a 1,412", ""},
		{"nobody added a delay to it, and nobody knows what there was", func(*measure.Report) {}, limits, "Latency includes the network on the way to the gateways.", "No network delay"},
		{"without a control path a check is not known", func(r *measure.Report) {
			r.Patterns[0].Latency.Check, r.Patterns[0].Bare = measure.Dist{}, measure.Requests{}
		}, limits, "staging: tells no Server-Timing and has no control path: what a check costs is not known.", ""},
		{"nor with one that answers nothing", func(r *measure.Report) {
			r.Patterns[0].Latency.Check, r.Patterns[0].Bare = measure.Dist{}, measure.Requests{Sent: 9, Rejected: 9}
		}, limits, "its control path answered 0 of 9 requests: what a check costs is not known.", ""},
		{"a warning comes before the sample", func(r *measure.Report) { r.Warnings = []string{"staging: doubt"} }, limits, "staging: doubt. 64 revocations", ""},
		{"it is called a target", func(*measure.Report) {}, all, "1 target x 3 gateways", "pattern"},
		{"two gateways are both", func(r *measure.Report) { *r = *revokesNothing() }, all, "until both gateways refuse", "all 2"},
		{"gateways that differ in number are not counted", func(r *measure.Report) { *r = *besideThePatterns() }, all, "until all its gateways refuse", "all 3"},
		{"but summed up", func(r *measure.Report) { *r = *besideThePatterns() }, all, "2 targets and 4 patterns, 15 gateways", " x "},
		{"long names are whole where there is room", func(r *measure.Report) { *r = *besideThePatterns() }, all, "\nstaging-eu-central-2 ", "…"},
	})
}

func TestTargetsStandFirstInTheTable(t *testing.T) {
	lines := tableLines(besideThePatterns())[3:]
	require.Len(t, lines, 6)
	for i, name := range []string{"staging-eu-central-1", "staging-eu-central-2", "cache", "remote", "registry", "hybrid"} {
		assert.True(t, strings.HasPrefix(lines[i], name+" "), lines[i])
	}
}

func TestLongNamesLoseTheirMiddleWhereThereIsNoRoom(t *testing.T) {
	r := besideThePatterns()
	r.Patterns[0].Requests.Unavailable = 3 // the column of them has something to say
	got := terminal(t, r, options)
	assert.Contains(t, got, "stagi…ral-1")
	assert.Contains(t, got, "stagi…ral-2")
	assert.Contains(t, got, "no answer")
	assertFits(t, got)
	assert.Equal(t, "sta…g-1", squeezed("staging-1", 7))
	assert.Equal(t, "staging", squeezed("staging", 7))
}

func TestGatewaysOfTargetsHaveATableOfTheirOwn(t *testing.T) {
	all := gatewayLives(oneTarget())
	require.Len(t, all, 3)
	assert.Equal(t, "ap", all[0].name, "the slowest first")
	open := oneTarget()
	open.Patterns[0].Revoke.Gateways[0].Upper = measure.Quantiles{Above: &measure.Above{Max: new(100.0)}}
	assert.Equal(t, "eu", gatewayLives(open)[0].name, "no known end is slower than any")
	assert.Empty(t, gatewayLives(sample()), "reference patterns are in the page only")
	assert.Empty(t, gatewayLines(oneTarget(), 2), "one line is no table")
	assert.Empty(t, gatewayLines(oneTarget(), 3), "nor is a slowest gateway without the others")
	assert.Len(t, gatewayLines(oneTarget(), 4), 4)
	many := gatewayLines(manyGateways(), 5)
	require.Len(t, many, 5)
	assert.Equal(t, "and 13 more gateways, refused sooner: see the report", many[4])
}

func TestPageTellsWhatIsKnownOfATarget(t *testing.T) {
	got := page(t, oneTarget())
	for _, want := range []string{
		"Not measured: no reference stage was up", "staging: TLS certificates were not verified (insecure).", "eu: 3 replicas seen",
		"5.96 ms*", "* derived: by how much", "<td>8.23 to 9.17 s</td>", "and 4,000 on its control path", "Control path</dt>", ">control</text>",
	} {
		assert.Contains(t, got, want)
	}
	for _, not := range []string{"authority calls per second", `<i style="background:var(--purple)">`} {
		assert.NotContains(t, got, not)
	}
	assert.NotContains(t, page(t, sample()), "derived")
}

// A tick stands where its value is, so that none lies beyond the end of its axis.
func TestNoTickOfLivesLiesBeyondTheAxis(t *testing.T) {
	a := lifeAxis(oneTarget())
	for _, tick := range a.ticks {
		assert.LessOrEqual(t, tick.Value, a.max)
	}
	assert.Less(t, a.max, 100_000.0, "lives of 10 s")
}
