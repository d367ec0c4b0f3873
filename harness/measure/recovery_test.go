package measure

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tokendrill/tokendrill/fixtures/token"
)

// spell is how requests fare that are planned in [from, to), in ms.
type spell struct {
	from, to int64
	took     time.Duration
	verdict  token.Verdict
}

// fares plays traffic from 2 s, where the latency phase ends, to the end, with a
// fault from 4 s to 6 s, and says how it recovered.
func fares(t require.TestingT, gap, end int64, spells ...spell) Pattern {
	meta := testMeta()
	meta.Phases = []PhaseMeta{{LatencyPhase, 0, 2000 * ms}, {"before", 2000 * ms, 4000 * ms}, {"during", 4000 * ms, 6000 * ms}, {"after", 6000 * ms, end * ms}}
	r, err := NewRecorder(meta, nil)
	require.NoError(t, err)
	for at := int64(0); at < end; at += gap {
		o := traffic(at, 4*time.Millisecond, -1)
		if at >= 1500 && at < 2000 {
			continue // the phases are apart
		}
		if at < 1500 {
			o.End = o.Start + int64(400*time.Millisecond) // is no part of the level
		}
		for _, s := range spells {
			if s.from <= at && at < s.to {
				o.End, o.Verdict = o.Start+int64(s.took), s.verdict
			}
		}
		r.Observe(o)
	}
	r.Fault(Event{Fault: "refuse", Start: 4000 * ms, End: 5000 * ms, Detail: FaultLanded + " " + FaultHealed, Met: 1, Clear: 1})
	r.Fault(Event{Fault: "delay", Start: 5000 * ms, End: 6000 * ms, Detail: FaultLanded + " " + FaultHealed, Met: 1, Clear: 1})
	report, err := r.Report(Run{Elapsed: time.Duration(end) * time.Millisecond, Sender: Sender{Planned: 1, Sent: 1}})
	require.NoError(t, err)
	return report.Patterns[0]
}

func TestRecovery(t *testing.T) {
	const down, up = token.Unavailable, token.Accept
	at := func(v float64) *float64 { return &v }
	for _, row := range []struct {
		says        string
		gap, end    int64
		spells      []spell
		want, above *float64
		why         string
	}{
		{says: "back at once", gap: 5, end: 9000, spells: []spell{{4000, 6000, 0, down}}, want: at(0)},
		{says: "nothing was ever wrong", gap: 5, end: 9000, want: at(0)},
		{says: "no answer for a second longer", gap: 5, end: 9000, spells: []spell{{4000, 7000, 0, down}}, want: at(1000)},
		{says: "slow for a second longer", gap: 5, end: 9000, spells: []spell{{4000, 7000, 90 * time.Millisecond, up}}, want: at(1100)},
		{says: "a little slower is no matter", gap: 5, end: 9000, spells: []spell{{4000, 9000, 45 * time.Millisecond, up}}, want: at(0)},
		{says: "it counts from when it stays well", gap: 5, end: 9000, spells: []spell{{4000, 6000, 0, down}, {7500, 7600, 0, down}}, want: at(1600)},
		{says: "never back", gap: 5, end: 9000, spells: []spell{{4000, 9000, 0, down}}, above: at(2900), why: "not back by the end of the run, 3 s after the last fault"},
		{says: "bad again at the very end", gap: 5, end: 9000, spells: []spell{{8990, 9000, 0, down}}, above: at(2900), why: "not back by the end of the run, 3 s after the last fault"},
		{says: "the share before is normal", gap: 5, end: 9000, spells: []spell{{2000, 2600, 0, down}, {6000, 6020, 0, down}}, want: at(0)},
		{says: "windows grow where there is little traffic", gap: 50, end: 9000, spells: []spell{{4000, 6200, 0, down}}, want: at(1000)},
		{says: "too little before", gap: 200, end: 9000, why: "10 requests before the first fault, it takes 20 to tell the level"},
		{says: "too little after", gap: 5, end: 6040, why: "too few requests after the last fault, it takes 20 answers to good tokens"},
	} {
		t.Run(row.says, func(t *testing.T) {
			p := fares(t, row.gap, row.end, row.spells...)
			assert.Equal(t, row.want, p.Recovery)
			assert.Equal(t, row.above, p.RecoveryAbove)
			assert.Equal(t, row.why, p.RecoveryWhy)
		})
	}
	p := finish(t, newRecorder(t), Run{}).Patterns[0]
	assert.Nil(t, p.Recovery, "without a fault there is nothing to recover from")
	assert.Empty(t, p.RecoveryWhy)
}

// Recovery ends within a window of when the last bad answer came, however the
// traffic falls; if the run ends bad, it is known to exceed no more than the truth.
func TestRecoveryIsWhenTheLastBadAnswerCame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		gap := rapid.Int64Range(2, 40).Draw(t, "gap")
		bad := rapid.Int64Range(0, 4000).Draw(t, "bad for")
		s := spell{4000, 6000 + bad, 0, token.Unavailable}
		if rapid.Bool().Draw(t, "slow") {
			s = spell{4000, 6000 + bad, time.Duration(rapid.Int64Range(120, 900).Draw(t, "took")) * time.Millisecond, token.Accept}
		}
		p := fares(t, gap, 14_000, s)
		require.NotNil(t, p.Recovery, p.RecoveryWhy)
		truth := math.Max(0, float64(bad)+float64(s.took.Milliseconds()))
		window := 100 + 20*float64(gap)
		assert.LessOrEqual(t, *p.Recovery, truth+window+100, "a window holds 20 requests and whole steps")
		assert.GreaterOrEqual(t, *p.Recovery, truth-window-100)

		s.to = 14_000
		p = fares(t, gap, 14_000, s)
		require.Nil(t, p.Recovery)
		require.NotNil(t, p.RecoveryAbove)
		assert.LessOrEqual(t, *p.RecoveryAbove, 8000+float64(s.took.Milliseconds()))
		assert.GreaterOrEqual(t, *p.RecoveryAbove, 8000-2*window)
	})
}

func TestGatesOnRecovery(t *testing.T) {
	at := func(v float64) *float64 { return &v }
	for _, row := range []struct {
		says, expr string
		p          Pattern
		want       RunVerdict
		why        string
	}{
		{"within the limit", "recovery <= 2s", Pattern{Recovery: at(2000)}, Pass, ""},
		{"over the limit", "recovery <= 2s", Pattern{Recovery: at(2001)}, Fail, "2 s, limit 2 s"},
		{"at once is measured", "recovery <= 0", Pattern{Recovery: at(0)}, Pass, ""},
		{"still not back after more than the limit", "recovery <= 2s", Pattern{RecoveryAbove: at(2000), RecoveryWhy: "not back"}, Fail, "not back"},
		{"still not back, but the limit is not reached", "recovery < 2s", Pattern{RecoveryAbove: at(1999), RecoveryWhy: "not back"}, Inconclusive, "not back"},
		{"a limit from below is passed by what is known to exceed it", "recovery > 2s", Pattern{RecoveryAbove: at(2000)}, Pass, ""},
		{"unknown is never a pass", "recovery <= 2s", Pattern{RecoveryWhy: "too few"}, Inconclusive, "too few"},
		{"without a fault it is not measured", "recovery <= 2s", Pattern{}, Inconclusive, "there was no fault to recover from"},
	} {
		t.Run(row.says, func(t *testing.T) {
			row.p.Requests.Sent = 100
			g, err := ParseGate(row.expr)
			require.NoError(t, err)
			got := g.Evaluate(&Report{Validity: Validity{OK: true}}, &row.p)
			assert.Equal(t, row.want, got.Verdict)
			assert.Equal(t, row.why, got.Why)
		})
	}
}
