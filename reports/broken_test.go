package reports

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tokendrill/tokendrill/harness/measure"
)

func TestSentencesOnFaultsAreTrueOfTheirReport(t *testing.T) {
	broken := func(r *measure.Report) string { return strings.Join(brokenSentences(r), " ") }
	assertSays(t, outageReport, []saying{
		{"what was broken, and what it met", func(*measure.Report) {}, broken, "link.cut gateway-authority from 2.5 s to 4.5 s: met 214; 380 unharmed after it.", "no traffic"},
		{"a fault that met nothing is not said to have landed", func(r *measure.Report) { *r = *notLanded() }, broken, "link.delay gateway-cdn from 3 s to 4 s: met no traffic.", ""},
		{"a fault that was not seen to heal is not said to have", func(r *measure.Report) { *r = *undoIncomplete() }, broken, "met 3; not seen to heal.", "met 3; 0 unharmed"},
		{"a report without counts says what it knows", func(r *measure.Report) { *r = *faulty() }, broken, "landed and healed. link.delay gateway-registry from 30 s to 46 s: landed; not seen to heal.", "met 0"},
		{"a plan of faults that never began", func(r *measure.Report) { r.Faults = nil }, broken, "no fault was injected.", ""},

		{"who went down, the worst first", func(*measure.Report) {}, answersSentence, "remote left 97 % unanswered, cache 41 % and hybrid 8 %; registry answered everything.", ""},
		{"nobody went down", func(r *measure.Report) { r.Patterns = r.Patterns[2:3] }, answersSentence, "registry answered everything.", "unanswered"},
		{"no request is not an answer", func(r *measure.Report) { *r = *withoutFigures() }, answersSentence, "not known", "everything"},

		{"tokens revoked meanwhile, not all", func(r *measure.Report) { r.Patterns = r.Patterns[:1] }, meanwhileSentence, "cache: up to 992 ms (bound 1.5 s: TTL 1 s", ""},
		{"a token never refused has no upper end", func(r *measure.Report) { *r = *failedOpen() }, meanwhileSentence, "remote: longer than 1.98 s, 4 (token, gateway) pairs not refused", "remote: up to"},
		{"no revocation meanwhile is not a quick one", func(r *measure.Report) { *r = *withoutFigures() }, meanwhileSentence, "not known: no token was revoked meanwhile.", "up to"},

		{"no fallback, no words", func(*measure.Report) {}, func(r *measure.Report) string { return "[" + fallbackSentence(r) + "]" }, "[]", ""},
		{"fallbacks with who, and how many meanwhile", func(r *measure.Report) { *r = *failedOpen() }, fallbackSentence, "142 let in by fail open (cache and remote), 126 of them meanwhile; 9 asked to step up (remote).", "9 let in"},

		{"recovery, pattern by pattern", func(r *measure.Report) { *r = *undoIncomplete() }, recoverySentence, "cache 180 ms; remote not within 3.40 s; registry at once; hybrid 90.0 ms, from the end", ""},
		{"recovery that nobody knows", func(r *measure.Report) { *r = *stoppedByCondition() }, recoverySentence, "cache not known; remote not known", "0"},

		{"all undone and seen to be", func(*measure.Report) {}, undone, "1 of 1 fault undone, verified", ""},
		{"undone is not verified if something did not heal", func(r *measure.Report) { r.Faults[0].Healed = false }, undone, "1 of 1 fault undone, not verified", ""},
		{"what is left is not verified", func(r *measure.Report) { *r = *undoIncomplete() }, undone, "1 of 2 faults undone", "verified"},
	})
}

func TestDoubtsAboutFaultsStandBesideTheVerdict(t *testing.T) {
	for _, row := range []struct {
		name string
		r    *measure.Report
		want []string
		not  string
	}{
		{"an unknown fault is the verdict if nothing failed", notLanded(), []string{"INCONCLUSIVE  link.delay gateway-cdn met no traffic"}, "UNKNOWN"},
		{"an unknown fault is told beside a failed gate", notLandedAndFailed(), []string{"FAIL     requests.unavailable_rate{phase=during,pattern=remote} = 0.97", "UNKNOWN  link.delay gateway-cdn met no traffic"}, ""},
		{"an incomplete undo says how to mend it and what is left", undoIncomplete(), []string{"UNDO     1 of 2 faults undone; mend with tokendrill heal; still in place: exec"}, "UNKNOWN"},
		{"a stop says why and that all was undone", stoppedByCondition(), []string{"STOPPED  unavailable.rate 0.83 > 0.5 for 5 s at 00:31; 2 of 2 faults undone, verified; partial"}, "UNDO"},
		{"nothing is said where nothing is doubtful", outageReport(), []string{"PASS     2 of 2 gates"}, "UN"},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := terminal(t, row.r, options)
			for _, want := range row.want {
				assert.Contains(t, got, "\n"+want)
			}
			if row.not != "" {
				assert.NotContains(t, got, "\n"+row.not)
			}
		})
	}
}

func TestAShortScenarioHasNoColumnThatItCannotFill(t *testing.T) {
	got := terminal(t, fewRevocations(), options)
	assert.NotContains(t, strings.Split(got, "\n")[4], "p95", "8 moments have no p95")
	assert.NotContains(t, got, "FAST?", "nothing was timed")
	assert.Contains(t, got, "worst of 8")
	assert.Contains(t, got, "How fast they decide was not measured.")
}

// What a run does not show is in the terminal, or counted there.
func TestNoLimitIsLostSilently(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sentences := rapid.SliceOfN(rapid.StringMatching(`[A-Z][a-z]{0,9}( [a-z]{1,12}){0,25}\.`), 1, 12).Draw(t, "sentences")
		for i := range sentences {
			sentences[i] = fmt.Sprintf("No%d %s", i, sentences[i])
		}
		width, lines := rapid.IntRange(60, 91).Draw(t, "width"), rapid.IntRange(1, 6).Draw(t, "lines")
		text := strings.Join(wrap(fit(sentences, width, lines), width, lines), " ")
		shown := 0
		for i := range sentences {
			if strings.Contains(text, fmt.Sprintf("No%d ", i)) {
				shown++
			}
		}
		require.Positive(t, shown, text)
		if shown < len(sentences) {
			require.True(t, strings.HasSuffix(text, fmt.Sprintf(" %d more in the report.", len(sentences)-shown)), text)
		}
		require.Equal(t, shown == len(sentences) && !strings.Contains(text, "…"), text == strings.Join(sentences, " "), text)
	})
}

func TestEveryWarningIsInThePage(t *testing.T) {
	r := manyFaults()
	got := page(t, r)
	for _, w := range r.Warnings {
		assert.Contains(t, got, w)
	}
	assert.Contains(t, terminal(t, r, options), "more in the report.")
}

func TestAFaultOfOnePatternShadesNoOther(t *testing.T) {
	r := outageReport()
	r.Faults = []measure.Fault{
		{Name: "link.cut gateway-authority"}, {Name: "clock.skew gateway at cache/gw-1"}, {Name: "ttl.skew gateway at hybrid"}, {Name: "link.hang gateway-cdn at /gw-2"},
	}
	for pattern, want := range map[string][]int{"cache": {0, 1, 3}, "remote": {0, 3}, "registry": {0, 3}, "hybrid": {0, 2, 3}} {
		var names []string
		for _, i := range want {
			names = append(names, r.Faults[i].Name)
		}
		var got []string
		for _, f := range faultsOf(r, pattern) {
			got = append(got, f.Name)
		}
		assert.Equal(t, names, got, pattern)
	}
}

func TestPhasesArePutSideBySide(t *testing.T) {
	tables := phaseTables(failedOpen())
	require.Len(t, tables, 4)
	remote := tables[1]
	cells := map[string][]string{}
	for _, l := range remote.Lines {
		for _, c := range l.Cells {
			cells[l.Name] = append(cells[l.Name], c.Text)
		}
	}
	assert.Equal(t, []string{"150", "120", "210"}, cells["requests"])
	assert.Equal(t, []string{"0 %", "97 %", "0 %"}, cells["no answer"])
	assert.Equal(t, []string{"2.20 ms", "1.00 s", "2.40 ms"}, cells["response p95"])
	assert.Equal(t, []string{"0", "12", "0"}, cells["let in"])
	assert.Equal(t, []string{"0", "104", "16"}, cells["let in by fail open"])
	assert.Equal(t, []string{"9", "0", "0"}, cells["asked to step up"])
	assert.Equal(t, "> 1.98 s", cells["lived, worst"][1])
	assert.Nil(t, cells["lived, p95"], "3 moments have no p95")
	assert.Equal(t, "As before 1.02 s after the last fault ended.", remote.Back)
}

func TestRecoveryIsToldAsFarAsItIsKnown(t *testing.T) {
	for _, row := range []struct {
		name      string
		p         measure.Pattern
		cell, say string
	}{
		{"at once", measure.Pattern{Recovery: new(0.0)}, "at once", "As before as soon as the last fault ended."},
		{"after some time, rounded up", measure.Pattern{Recovery: new(1234.1)}, "1.24 s", "As before 1.24 s after the last fault ended."},
		{"not by the end of the run, rounded down", measure.Pattern{RecoveryAbove: new(2999.0)}, "> 2.99 s", "Not as before within 2.99 s after the last fault ended."},
		{"not known, and why", measure.Pattern{RecoveryWhy: "3 requests before the first fault"}, "-", "Not known when it was as before: 3 requests before the first fault."},
	} {
		t.Run(row.name, func(t *testing.T) {
			assert.Equal(t, row.cell, recovered(&row.p))
			assert.Equal(t, row.say, backSentence(outageReport(), &row.p))
		})
	}
}

func TestOnlyNoneIsZeroPercentAndOnlyAllIsHundred(t *testing.T) {
	for share, want := range map[float64]string{0: "0 %", 0.0001: "<1 %", 0.41: "41 %", 0.996: ">99 %", 1: "100 %"} {
		assert.Equal(t, want, percent(share))
	}
}

func TestATimelineWithoutAP95HasNoEmptyPanelForIt(t *testing.T) {
	r := outageReport()
	assert.Contains(t, string(plotTimelines(r)[0].SVG), "response p95, ms")
	for i := range r.Patterns {
		clear(r.Patterns[i].Timeline.ResponseP95)
	}
	assert.NotContains(t, string(plotTimelines(r)[0].SVG), "response p95, ms")
}

func TestThePageAsksTheQuestionsOfItsRun(t *testing.T) {
	for _, row := range []struct {
		name      string
		r         *measure.Report
		want, not string
	}{
		{"a run that broke something", failedOpen(), "<dt>What was broken?</dt>", "<dt>Fast?</dt>"},
		{"a run that broke nothing", sample(), "<dt>Fast?</dt>", "<dt>What was broken?</dt>"},
		{"an exception is told", failedOpen(), "<dt>Decided by exception?</dt>", "<dt>Fast?</dt>"},
		{"no exception, no words", outageReport(), "<dt>When was it as before?</dt>", "<dt>Decided by exception?</dt>"},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := page(t, row.r)
			assert.Contains(t, got, row.want)
			assert.NotContains(t, got, row.not)
		})
	}
}
