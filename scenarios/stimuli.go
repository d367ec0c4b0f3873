package scenarios

import "time"

// Names of the stimuli.
const (
	BadTokens      = "bad-tokens"
	ScopeChange    = "scope-change"
	AudienceChange = "audience-change"
	TwoTenants     = "two-tenants"
	Expiring       = "expiring"
	NoExp          = "no-exp"
	JustExpired    = "just-expired"
	StepUp         = "step-up"
)

// StimulusSpec is one entry of the catalogue of stimuli: crafted traffic, each
// request of which carries the outcome that it must have. Every token of a
// stimulus meets every gateway of its pattern.
type StimulusSpec struct {
	// Name is what a scenario calls it.
	Name string
	// Does says in one sentence what is sent and what the right answer is.
	Does string
	// Provokes says which mistake it brings to light.
	Provokes string
	// Source is the rule, or the bugs, that it comes from.
	Source string
	// Tokens is how many different tokens it uses unless the scenario says how many,
	// or fewer if the rate is too low for each of them to meet every gateway.
	Tokens int
	// Calls is how many requests a token takes at a gateway to show anything.
	Calls int
	// Needs says what the routes of the scenario must have; empty is nothing.
	Needs string
}

// StimulusSpecs lists every stimulus, in the order in which people should read them.
func StimulusSpecs() []StimulusSpec {
	return []StimulusSpec{
		{
			Name:     BadTokens,
			Does:     "Presents tokens that were never issued, of the right shape, again and again: every one is refused with invalid_token.",
			Provokes: "A call to the authority for each bad request, a negative cache that floods, a cache key that takes a part of the token for the whole.",
			Source:   "lua-resty-openidc PR 523, indigo-dc#156, gluu-gateway#213, CVE-2026-35030 (litellm), sahidawa#3704",
			Tokens:   30, Calls: 3,
		},
		{
			Name:     ScopeChange,
			Does:     "Callers with the scope of one route call it and another route in turn: the first is allowed, the second refused with insufficient_scope.",
			Provokes: "A cached decision that is taken for an answer about another route: the scope is not checked again on a hit.",
			Source:   "CVE-2021-32701 (oathkeeper#743), heimdall#3452",
			Tokens:   6, Calls: 2, Needs: "two routes with different scopes",
		},
		{
			Name:     AudienceChange,
			Does:     "Callers with a token for one audience call a route of it and a route of another one in turn: the second is refused with invalid_token.",
			Provokes: "An audience that is checked when a token is new and never again, or not at all.",
			Source:   "RFC 8707, mod_auth_openidc GHSA-wcvh-g65p-v576, zitadel GHSA-wxg7-w2v3-w38g",
			Tokens:   6, Calls: 2, Needs: "two routes with different audiences",
		},
		{
			Name:     TwoTenants,
			Does:     "Tokens of two tenants, alike in shape, are each presented on the routes of both: a token is allowed on its own tenant's and refused with invalid_token on the other's.",
			Provokes: "A cache key without the tenant: what one tenant's authority said is taken for the other's.",
			Source:   "quarkus#56319, GHSA-4mq7-pvjg-xp2r (oathkeeper), fast-jwt GHSA-rp9m-7r4c-75qg",
			Tokens:   6, Calls: 2, Needs: "two routes with different audiences",
		},
		{
			Name:     Expiring,
			Does:     "Tokens that live two seconds are used until a second after exp and leeway: allowed before exp, either near it, refused with invalid_token after.",
			Provokes: "An entry that outlives its token, a hit that extends it, an exp that is checked once.",
			Source:   "RFC 7662 section 4, oathkeeper PR 968, firecrawl PR 3973",
			Tokens:   6, Calls: 4,
		},
		{
			Name:     NoExp,
			Does:     "Presents tokens about which no exp is told: every one is refused with invalid_token.",
			Provokes: "A token without exp that is good for ever, or cached for ever: RFC 7662 makes exp optional, the policy does not.",
			Source:   "RFC 7662 section 2.2, mitreID#837, CVE-2026-56665 (zitadel), GHSA-wcvh-g65p-v576",
			Tokens:   3, Calls: 3,
		},
		{
			Name:     JustExpired,
			Does:     "Tokens that live two seconds are used on a route with grace until a second after the grace: allowed before exp, either within the grace, refused with invalid_token after.",
			Provokes: "Limited operation that never ends, or that nobody can see.",
			Source:   "field review of token validation: limited operation for just-expired tokens",
			Tokens:   6, Calls: 4, Needs: "a route with more than a second of grace",
		},
		{
			Name:     StepUp,
			Does:     "Callers with a weak and callers with the asked-for authentication context call a route with acr: the weak ones are refused with insufficient_user_authentication, the others allowed.",
			Provokes: "A step-up that is asked for once and then forgotten, or never.",
			Source:   "RFC 9470 section 3",
			Tokens:   6, Calls: 2, Needs: "a route with acr",
		},
	}
}

// Fits is how many tokens a stimulus can take to every gateway of a pattern, three
// of them, in so long a time.
func (s Stimulus) Fits(length time.Duration) int {
	spec, _ := FindStimulus(s.Name)
	return int(float64(s.Rate) * length.Seconds() / float64(3*max(1, spec.Calls)))
}

// Callers is how many tokens a stimulus uses in so long a time.
func (s Stimulus) Callers(length time.Duration) int {
	if s.Tokens > 0 {
		return s.Tokens
	}
	spec, _ := FindStimulus(s.Name)
	return max(1, min(spec.Tokens, s.Fits(length)))
}

// FindStimulus returns the entry of that name.
func FindStimulus(name string) (StimulusSpec, bool) {
	for _, s := range StimulusSpecs() {
		if s.Name == name {
			return s, true
		}
	}
	return StimulusSpec{}, false
}

// StimulusNames are the names of the catalogue of stimuli.
func StimulusNames() []string {
	var names []string
	for _, s := range StimulusSpecs() {
		names = append(names, s.Name)
	}
	return names
}
