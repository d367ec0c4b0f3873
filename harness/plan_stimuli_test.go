package harness

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/fixtures/token"
	"github.com/tokendrill/tokendrill/scenarios"
)

// byStimulus collects the requests of each stimulus.
func byStimulus(p *Plan) map[string][]Request {
	out := map[string][]Request{}
	for r := range p.Requests() {
		if r.Stimulus != "" {
			out[r.Stimulus] = append(out[r.Stimulus], r)
		}
	}
	return out
}

func TestPlansWithStimuliAreTheSameForTheSameSeed(t *testing.T) {
	a, b, c := planOf(t, provoked, 1), planOf(t, provoked, 1), planOf(t, provoked, 2)
	assert.Equal(t, a.Digest, b.Digest)
	assert.NotEqual(t, a.Digest, c.Digest)
	assert.Equal(t, slices.Collect(a.Requests()), slices.Collect(b.Requests()))
	assert.NotEqual(t, a.Digest, planOf(t, strings.Replace(provoked, "bad-tokens, rate: 8/s", "bad-tokens, rate: 9/s", 1), 1).Digest)
}

func TestStimuliKeepToTheirTimeAndMeetEveryGateway(t *testing.T) {
	for seed := range uint64(4) {
		p := planOf(t, provoked, seed)
		require.Len(t, p.Stimuli, len(scenarios.StimulusSpecs()))
		last, got := time.Duration(0), byStimulus(p)
		for r := range p.Requests() {
			require.GreaterOrEqual(t, r.At, last, "in order")
			require.LessOrEqual(t, r.At, p.Duration())
			last = r.At
		}
		for _, w := range p.Stimuli {
			meets := map[string]bool{} // a token at a gateway
			for _, r := range got[w.Name] {
				require.True(t, r.At >= w.From && r.At < w.To, "%s at %v", w.Name, r.At)
				meets[fmt.Sprint(r.System, r.Token, r.Gateway)] = true
			}
			assert.Len(t, meets, len(p.Systems)*w.Tokens*3, w.Name)
		}
	}
}

// What a stimulus is about must be among the outcomes that it expects.
func TestStimuliExpectWhatTheirSpecSays(t *testing.T) {
	p := planOf(t, provoked, 1)
	got := byStimulus(p)
	for name, want := range map[string][]string{
		scenarios.BadTokens:      nil, // never issued: expected by the binding
		scenarios.ScopeChange:    {"accept ", "reject insufficient_scope"},
		scenarios.AudienceChange: {"accept ", "reject invalid_token"},
		scenarios.TwoTenants:     {"accept ", "reject invalid_token"},
		scenarios.Expiring:       {"accept "}, // until its exp, which the binding knows
		scenarios.NoExp:          {"reject invalid_token"},
		scenarios.JustExpired:    {"accept "},
		scenarios.StepUp:         {"accept ", "reject insufficient_user_authentication"},
	} {
		var outcomes []string
		for _, r := range got[name] {
			i := p.issues[bindKey{r.System, r.Token}]
			if i.Never {
				require.Equal(t, token.Fuzzed, r.Class)
				continue
			}
			require.Equal(t, token.Valid, r.Class)
			o := p.expect(r, i.Grant, true)
			outcomes = append(outcomes, fmt.Sprintf("%s %s", o.Verdict, o.Reason))
		}
		slices.Sort(outcomes)
		assert.Equal(t, want, slices.Compact(outcomes), name)
	}
}

// A tenant's token must have been let in at a gateway just before it is presented on
// the other tenant's route there: a cache has no other occasion to mix them up.
func TestTheSecondCallOfAScriptFollowsTheFirstAtTheSameGateway(t *testing.T) {
	p := planOf(t, provoked, 1)
	for _, name := range []string{scenarios.ScopeChange, scenarios.AudienceChange, scenarios.TwoTenants, scenarios.StepUp} {
		var own []Request
		for _, r := range byStimulus(p)[name] {
			if r.System == 0 {
				own = append(own, r)
			}
		}
		for i := 1; i < len(own); i += 2 {
			first, second := own[i-1], own[i]
			assert.Equal(t, first.Token, second.Token)
			assert.Equal(t, first.Gateway, second.Gateway)
			assert.NotEqual(t, p.route(first), p.route(second), name)
		}
	}
}

// The issue is planned, not left to how long it takes to issue all other tokens.
func TestShortLivedTokensAreUsedOnBothSidesOfTheirExpiry(t *testing.T) {
	p := planOf(t, provoked, 1)
	for name, grace := range map[string]time.Duration{scenarios.Expiring: leeway, scenarios.JustExpired: 2 * time.Second} {
		uses := map[bindKey][]time.Duration{}
		for _, r := range byStimulus(p)[name] {
			key := bindKey{r.System, r.Token}
			i := p.issues[key]
			require.True(t, i.Late)
			require.Equal(t, scenarios.ShortLife, i.Lifetime)
			uses[key] = append(uses[key], r.At-i.At)
		}
		for key, ages := range uses {
			assert.Greater(t, ages[0], issueTime/2, key)
			assert.Less(t, ages[0], time.Second, "%v is used before it can expire", key)
			assert.Greater(t, ages[len(ages)-1], scenarios.ShortLife+grace, "%v is used after it has expired", key)
		}
	}
}

func TestAStimulusThatDoesNotFitIsRefused(t *testing.T) {
	sc, err := scenarios.Parse([]byte(smallScenario), "test.yaml")
	require.NoError(t, err)
	rec, err := sample()
	require.NoError(t, err)
	for name, row := range map[string]struct {
		stimulus scenarios.Stimulus
		says     string
	}{
		"an unknown one":     {scenarios.Stimulus{Name: "x", Rate: 1}, `plan small: no stimulus "x"`},
		"one after the end":  {scenarios.Stimulus{Name: scenarios.NoExp, Rate: 1, At: time.Hour}, "plan small: stimulus no-exp does not fit from 1h0m0s"},
		"one that is longer": {scenarios.Stimulus{Name: scenarios.NoExp, Rate: 1, For: time.Hour}, "plan small: stimulus no-exp does not fit from 0s to 1h0m0s"},
		"one too short":      {scenarios.Stimulus{Name: scenarios.Expiring, Rate: 1, For: time.Second}, "it takes 4s at least"},
	} {
		sc.Stimuli = []scenarios.Stimulus{row.stimulus}
		_, err := NewPlan(sc, rec, 1)
		require.ErrorContains(t, err, row.says, name)
	}
}
