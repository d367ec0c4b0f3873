package reports

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tokendrill/tokendrill/harness/measure"
)

// The step of 5e-324 was zero, and no float lies above the end of an axis that is
// infinite: both axes had ticks until the memory was full.
func TestAnAxisHasFewTicksForAnyRange(t *testing.T) {
	ends := rapid.OneOf(
		rapid.SampledFrom([]float64{-1, 0, 5e-324, 1e-323, 1e-300, 1, math.MaxFloat64, math.Inf(1)}),
		rapid.Float64Range(0, math.MaxFloat64), rapid.Float64Range(0, 1),
	)
	rapid.Check(t, func(t *rapid.T) {
		hi, n := ends.Draw(t, "hi"), rapid.IntRange(1, 10).Draw(t, "n")
		a := niceAxis("", hi, n)
		require.GreaterOrEqual(t, a.max, min(hi, longest))
		require.LessOrEqual(t, len(a.ticks), n+1)
		require.NotEmpty(t, a.ticks)

		b := logAxis("", ends.Draw(t, "lo"), hi)
		require.Less(t, b.min, b.max)
		require.GreaterOrEqual(t, b.max, min(hi, longest))
		require.LessOrEqual(t, len(b.ticks), 23)
	})
}

func TestAPageOfExtremeFiguresHasNoBrokenDrawing(t *testing.T) {
	for name, ms := range map[string]float64{"the least float": 5e-324, "above every axis": 1e305} {
		t.Run(name, func(t *testing.T) {
			r := sample()
			for i := range r.Patterns {
				extreme(&r.Patterns[i], ms)
			}
			assert.Empty(t, broken.FindString(page(t, r)))
		})
	}
}

// extreme gives all that is drawn of a pattern one figure.
func extreme(p *measure.Pattern, ms float64) {
	p.Timeline.Step = ms
	for i := range p.Timeline.ResponseP95 {
		p.Timeline.ResponseP95[i] = &ms
	}
	p.Latency.Check.P95, p.Latency.Check.P95Noise = &ms, &ms
	p.Revoke.FleetUpper.P95, p.Revoke.FleetLower.P95 = &ms, &ms
	for i := range p.Revoke.Fleet {
		p.Revoke.Fleet[i].Lower, p.Revoke.Fleet[i].Upper = &ms, &ms
	}
	for i := range p.Latency.Curves {
		for k := range p.Latency.Curves[i].Points {
			p.Latency.Curves[i].Points[k][1] = ms
		}
	}
}
