package scenarios

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/chaos"
)

// badFaults are faults that are refused before anything starts.
var badFaults = []mistake{
	{"an unknown fault", least + "faults: [{name: link.burn, link: gateway-cdn, for: 1s}]\n", `f:3: faults[0].name "link.burn" is not known; expected one of link.cut, `, true},
	{"a fault on an unknown link", least + "faults: [{name: link.cut, link: x, for: 1s}]\n", `f:3: faults[0].link "x" is not known`, true},
	{"a fault without its link", least + "faults: [{name: link.cut, for: 1s}]\n", `f:3: faults[0].link "" is not known`, false},
	{"a fault of a pattern that does not run", least + "patterns: [cache]\nfaults: [{name: link.cut, link: gateway-cdn, pattern: hybrid, for: 1s}]\n", `f:4: faults[0].pattern "hybrid" is not known; expected cache`, false},
	{"a fault at no gateway's name", least + "faults: [{name: link.cut, link: gateway-cdn, gateway: GW 1, for: 1s}]\n", `f:3: faults[0].gateway is "GW 1"`, true},
	{"a fault of no length", least + "faults: [{name: link.cut, link: gateway-cdn, at: 1s}]\n", "f:3: faults[0].for is 0s; expected 1ms to", true},
	{"a fault after the run", least + "faults:\n  - name: link.cut\n    link: gateway-cdn\n    for: 1s\n    at: 50s\n", "f:7: faults[0] lasts until 51s, after the end of the run; expected at most 35.7s", false},
	{"a fault at the end of time", least + "faults: [{name: link.cut, link: gateway-cdn, at: 2562047h, for: 2562047h}]\n", "f:3: faults[0].at is 2562047h0m0s; expected 0s to 1h0m0s", false},
	{"a delay without how long", least + "faults: [{name: link.delay, link: gateway-cdn, for: 1s}]\n", "f:3: faults[0].delay is 0s; expected 1ms to 1m0s", false},
	{"a cut with a delay", least + "faults: [{name: link.cut, link: gateway-cdn, for: 1s, delay: 5ms}]\n", "f:3: faults[0].delay is 5ms; expected none for link.cut", false},
	{"a link cut twice at once", least + "faults:\n  - {name: link.cut, link: gateway-cdn, for: 2s}\n  - {name: link.cut, link: gateway-cdn, pattern: hybrid, at: 1s, for: 2s}\n", "f:5: faults[1] contradicts faults[0], which acts on the same gateway-cdn at the same time; expected one after the other", false},
	{"two delays on one link at once", least + "faults:\n  - {name: link.delay, link: gateway-cdn, for: 2s, delay: 5ms}\n  - {name: link.delay, link: gateway-cdn, gateway: gw-1, at: 1s, for: 2s, delay: 5ms}\n", "f:5: faults[1] contradicts faults[0]", false},
	{"a link that no running pattern has", least + "patterns: [cache]\nfaults: [{name: link.cut, link: gateway-registry, for: 1s}]\n", `f:4: faults[0].link "gateway-registry" is not there: no pattern that runs has it; expected a run of one of registry, hybrid`, false},
	{"a link that the fault's pattern does not have", least + "faults:\n  - name: link.cut\n    link: gateway-authority\n    for: 1s\n    pattern: registry\n", `f:7: faults[0].pattern "registry" is not known; expected one of cache, remote, hybrid`, false},
	{"a link that is there once, at a gateway", least + "faults: [{name: link.cut, link: cdn-authority, gateway: gw-1, for: 1s}]\n", `f:3: faults[0].link "cdn-authority" is there once, for all patterns; expected neither pattern nor gateway`, false},
	{"a fault of links on a node", least + "faults: [{name: link.cut, node: gateway, link: gateway-cdn, for: 1s}]\n", "f:3: faults[0].node is set, but link.cut acts on no node; expected link", false},
	{"a command on a link", least + "faults: [{name: exec, link: gateway-cdn, inject: [a], heal: [b], for: 1s}]\n", "f:3: faults[0].link is set, but exec acts on no link; expected neither link nor node", false},
	{"a command at a gateway", least + "faults: [{name: exec, gateway: gw-1, inject: [a], heal: [b], for: 1s}]\n", "f:3: faults[0] has a pattern or a gateway, but exec acts anywhere; expected neither", false},
	{"a command without a program", least + "faults:\n  - name: exec\n    inject: ['']\n    heal: [b]\n    for: 1s\n", "f:5: faults[0].inject names no program; expected one, and its arguments", false},
	{"a call without a URL", least + "faults:\n  - name: call\n    for: 1s\n    inject_call:\n      method: PUT\n    heal_call: {url: http://localhost}\n", "f:7: faults[0].inject_call.url is not the URL of an HTTP request; expected such as http://127.0.0.1:8080/down", true},
	{"a call that is text", least + "faults: [{name: call, for: 1s, inject_call: http://localhost}]\n", `f:3: faults[0].inject_call is "http://localhost"; expected keys with values`, true},
	{"an unknown key in a call", least + "faults:\n  - name: call\n    for: 1s\n    inject_call:\n      url: http://localhost\n      verb: PUT\n", `f:8: unknown key "verb"; expected one of method, url, headers, body, status`, true},
	{"a status of a call that is no number", least + "faults:\n  - name: call\n    for: 1s\n    inject_call:\n      url: http://localhost\n      status: [2xx]\n", `f:8: faults[0].inject_call.status[0] is "2xx"; expected a whole number`, true},
	{"a method of a call that is not known", least + "faults:\n  - name: call\n    for: 1s\n    inject_call: {url: http://localhost}\n    heal_call:\n      url: http://localhost\n      method: HEAL\n", `f:9: faults[0].heal_call.method is "HEAL"; expected one of POST, PUT, PATCH, DELETE, GET`, true},
	{"a secret in a call", least + "faults:\n  - name: call\n    for: 1s\n    inject_call:\n      url: http://localhost\n      headers:\n        Accept: '*/*'\n        Authorization: Bearer abc\n    heal_call: {url: http://localhost}\n", "f:10: faults[0].inject_call.headers.Authorization is a literal secret, which the undo journal would hold; expected ${NAME} of an environment variable in it", false},
	{"a user in the URL of a call", least + "faults:\n  - name: call\n    for: 1s\n    inject_call:\n      url: http://me:pw@localhost\n    heal_call: {url: http://localhost}\n", "f:7: faults[0].inject_call.url is a URL with a user or a password; expected a header with ${NAME} in the place of them", false},
	{"a call for a fault of commands", least + "faults:\n  - name: exec\n    for: 1s\n    inject: [a]\n    heal: [b]\n    heal_call: {url: http://localhost}\n", "f:8: faults[0].heal_call is a call; expected none for exec", false},
	{"a call on a link", least + "faults: [{name: call, link: gateway-cdn, inject_call: {url: http://localhost}, heal_call: {url: http://localhost}, for: 1s}]\n", "f:3: faults[0].link is set, but call acts on no link; expected neither link nor node", false},
	{"a parameter that says nothing", least + "faults: [{name: link.cut, link: gateway-cdn, for: 1s, share: 0%}]\n", "f:3: faults[0].share is written, but says nothing; expected a value, or no such key", false},
	{"a fault longer than the cap", least + "caps: {for: 1s}\nfaults:\n  - name: link.cut\n    link: gateway-cdn\n    for: 2s\n", "f:7: faults[0].for is 2s, over caps.for; expected at most 1s", false},
	{"a fault of all where the cap is a part", least + "caps: {share: 20%}\nfaults: [{name: link.cut, link: gateway-cdn, for: 2s}]\n", "f:4: faults[0] acts on 100% of what comes by, over caps.share; expected a share of at most 20%", false},
}

// A command has no undo of its own: it needs heal, or a person who says so.
func TestAFaultThatNothingUndoesIsRefusedUnlessNamed(t *testing.T) {
	once := []byte(least + "faults:\n  - {name: exec, inject: [touch, a], for: 1s}\n")
	_, err := Parse(once, "f")
	require.EqualError(t, err, "f:4: faults[0] is a fault that nothing undoes, exec without heal; expected heal, or --irreversible exec")
	_, err = Parse(once, "f", "link.cut")
	require.Error(t, err, "another one was named")
	s, err := Parse(once, "f", "exec")
	require.NoError(t, err)
	require.NoError(t, s.Validate(), "checked again, it is still allowed")

	_, err = Parse([]byte(least+"faults:\n  - {name: exec, inject: [touch, a], heal: [rm, a], for: 1s}\n"), "f")
	require.NoError(t, err)

	once = []byte(least + "faults:\n  - {name: call, inject_call: {url: http://localhost}, for: 1s}\n")
	_, err = Parse(once, "f")
	require.EqualError(t, err, "f:4: faults[0] is a fault that nothing undoes, call without heal_call; expected heal_call, or --irreversible call")
	_, err = Parse(once, "f", "call")
	require.NoError(t, err)
}

func TestAFaultOfCallsIsReadWhole(t *testing.T) {
	const text = `faults:
  - name: call
    for: 1s
    inject_call:
      method: PUT
      url: "http://localhost:8474/${NAME}"
      headers: {Authorization: "Bearer ${SECRET}", Accept: text/plain}
      body: |
        {"enabled": false}
      status: [200, 409]
    heal_call: {url: "http://idp.example/up"}
`
	require.NoError(t, editor(t, []byte(least+text)))
	s, err := ParseFor(Given{Hosts: []string{"idp.example"}}, []byte(least+text), "f")
	require.NoError(t, err)
	require.Len(t, s.Faults, 1)
	p := s.Faults[0].Params()
	assert.Equal(t, &chaos.Call{Method: "PUT", URL: "http://localhost:8474/${NAME}", Body: `{"enabled": false}`, Status: []int{200, 409},
		Headers: map[string]string{"Authorization": "Bearer ${SECRET}", "Accept": "text/plain"}}, p.InjectCall)
	assert.Equal(t, &chaos.Call{URL: "http://idp.example/up"}, p.HealCall)
	assert.Equal(t, []string{"idp.example"}, p.Hosts)
	assert.Equal(t, "inject_call PUT http://localhost:8474/${NAME}, heal_call POST http://idp.example/up", s.Faults[0].Given())
}

// What no file sets is neither a key nor a parameter.
func TestTheNameInAReportIsNoKey(t *testing.T) {
	_, err := Parse([]byte(least+"faults: [{name: cache.flush, node: gateway, for: 1s, as: x}]\n"), "f")
	require.ErrorContains(t, err, `f:3: unknown key "as"; expected one of name, link,`)
	_, err = Parse([]byte(least+"faults: [{name: cache.flush, node: gateway, for: 1s, '-': x}]\n"), "f")
	require.ErrorContains(t, err, `f:3: unknown key "-"`)
	assert.Equal(t, "share 0.5", Fault{As: "x", Hosts: []string{"y"}, midway: true, Share: 0.5}.Given())
}

// badStimuli are stimuli that are refused before anything starts.
var badStimuli = []mistake{
	{"an unknown stimulus", least + "stimuli: [{name: bad-token, rate: 5/s}]\n", `f:3: stimuli[0].name "bad-token" is not known; expected one of bad-tokens, scope-change,`, true},
	{"a stimulus for a pattern that does not run", least + "patterns: [cache]\nstimuli: [{name: no-exp, rate: 5/s, pattern: hybrid}]\n", `f:4: stimuli[0].pattern "hybrid" is not known; expected cache`, false},
	{"a stimulus without a rate", least + "stimuli:\n  - name: no-exp\n", "f:4: stimuli[0].rate is 0; expected more than 0/s, at most 100000/s", true},
	{"a stimulus too slow for its tokens", least + "stimuli:\n  - name: bad-tokens\n    tokens: 30\n    rate: 5/s\n", "f:6: stimuli[0].rate is 5; expected more, or fewer tokens: not even 30 can meet every gateway in 35.7s", false},
	{"a stimulus too slow for one token", least + "stimuli: [{name: bad-tokens, rate: 1/s, for: 5s}]\n", "f:3: stimuli[0].rate is 1; expected more, or fewer tokens: not even 1 can meet every gateway in 5s", false},
	{"a stimulus with too many tokens", least + "stimuli: [{name: no-exp, rate: 5/s, tokens: 10001}]\n", "f:3: stimuli[0].tokens is 10001; expected 0 to 10000", false},
	{"a stimulus after the run", least + "stimuli:\n  - name: no-exp\n    rate: 5/s\n    at: 1m\n", "f:6: stimuli[0] lasts until 1m0.001s, after the end of the run; expected at most 35.7s", false},
	{"a stimulus longer than the run", least + "stimuli: [{name: no-exp, rate: 5/s, at: 5s, for: 31s}]\n", "f:3: stimuli[0] lasts until 36s, after the end of the run", false},
	{"an expiry that the run does not see", least + "stimuli: [{name: expiring, rate: 5/s, at: 33s}]\n", "f:3: stimuli[0] lasts until 37s, after the end of the run", false},
	{"a scope change with one scope", least + "routes: [{scope: read}]\nstimuli: [{name: scope-change, rate: 5/s}]\n", `f:4: stimuli[0].name "scope-change" needs routes that the scenario does not have; expected two routes with different scopes that a request can reach`, false},
	{"a scope change to a route out of reach", least + "routes: [{scope: read}, {path: /x, scope: write}]\nstimuli: [{name: scope-change, rate: 5/s}]\n", `f:4: stimuli[0].name "scope-change" needs`, false},
	{"two tenants on the routes of one", least + "stimuli: [{name: two-tenants, rate: 5/s}]\n", `f:3: stimuli[0].name "two-tenants" needs routes that the scenario does not have; expected two routes with different audiences`, false},
	{"an audience change with one audience", least + "stimuli: [{name: audience-change, rate: 5/s}]\n", `f:3: stimuli[0].name "audience-change" needs`, false},
	{"just-expired tokens without grace", least + "stimuli: [{name: just-expired, rate: 5/s}]\n", `f:3: stimuli[0].name "just-expired" needs routes that the scenario does not have; expected a route with more than a second of grace`, false},
	{"just-expired tokens with a grace that leeway covers", least + "routes: [{grace: 1s}]\nstimuli: [{name: just-expired, rate: 30/s}]\n", `f:4: stimuli[0].name "just-expired" needs`, false},
	{"a step-up without acr", least + "stimuli: [{name: step-up, rate: 5/s}]\n", `f:3: stimuli[0].name "step-up" needs routes that the scenario does not have; expected a route with acr`, false},
}

func TestFaultsThatDoNotMeetOrThatComposeAgree(t *testing.T) {
	for name, second := range map[string]string{
		"one after the other": "{name: link.cut, link: gateway-cdn, at: 2s, for: 2s}",
		"on another link":     "{name: link.cut, link: gateway-authority, for: 2s}",
		"at another gateway":  "{name: link.cut, link: gateway-cdn, gateway: gw-2, for: 2s}",
		"only a delay":        "{name: link.delay, link: gateway-cdn, for: 2s, delay: 5ms}",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(least+"faults:\n  - {name: link.cut, link: gateway-cdn, gateway: gw-1, for: 2s}\n  - "+second+"\n"), "f")
			require.NoError(t, err)
		})
	}
}

func TestContradictionIsMutualAndOfOneTargetOnly(t *testing.T) {
	base := Fault{Name: "a", Link: "gateway-cdn", At: time.Second, For: time.Second}
	with := func(change func(*Fault)) Fault { f := base; change(&f); return f }
	for name, row := range map[string]struct {
		other Fault
		want  bool
	}{
		"the same again":               {base, true},
		"another one on the same link": {with(func(f *Fault) { f.Name = "b" }), true},
		"at one gateway of all":        {with(func(f *Fault) { f.Gateway = "gw-1" }), true},
		"on one path of all":           {with(func(f *Fault) { f.Path = "/introspect" }), true},
		"before it":                    {with(func(f *Fault) { f.At = 0 }), false},
		"a moment before its end":      {with(func(f *Fault) { f.At = 2*time.Second - 1 }), true},
		"on another link":              {with(func(f *Fault) { f.Link = "edge-origin" }), false},
		"on a node":                    {with(func(f *Fault) { f.Link, f.Node = "", "cdn" }), false},
		"a delay":                      {with(func(f *Fault) { f.Name = linkDelay }), false},
	} {
		assert.Equal(t, row.want, base.contradicts(row.other), name)
		assert.Equal(t, row.want, row.other.contradicts(base), name)
	}
	path := func(p string) Fault { return with(func(f *Fault) { f.Path = p }) }
	assert.False(t, path("/revoke").contradicts(path("/introspect")), "other requests")
	node := func(name string) Fault { return with(func(f *Fault) { f.Name, f.Link, f.Node = name, "", "gateway" }) }
	assert.True(t, node("a").contradicts(node("a")), "the same verb on one node")
	assert.False(t, node("a").contradicts(node("b")), "two verbs on one node")
	assert.False(t, Fault{Name: "exec", For: time.Second}.contradicts(Fault{Name: "exec", For: time.Second}), "commands are not ours to compare")
}

func TestGivenSaysWhichParametersAreSet(t *testing.T) {
	f := Fault{Name: "x", Link: "y", At: time.Second, For: time.Second}
	assert.Empty(t, f.Given())
	f.Delay, f.Share, f.Status, f.Offset = Delay{P50: 5 * time.Millisecond, P95: time.Second}, 0.25, 429, Offset(-time.Minute)
	assert.Equal(t, "delay p50 5ms p95 1s, share 0.25, status 429, offset -1m0s", f.Given())
}

// A gateway that keeps decisions longer than configured lets a revoked token live longer.
func TestASkewedTTLStretchesTheBoundOfTheCache(t *testing.T) {
	for name, row := range map[string]struct {
		fault string
		want  time.Duration
		why   string
	}{
		"no skew":            {"", 2 * time.Second, "TTL 1.5s + authority timeout 500ms"},
		"longer":             {"{name: ttl.skew, node: gateway, gateway: gw-1, for: 1s, factor: 3}", 5 * time.Second, "TTL 1.5s, 4.5s at a skewed gateway + authority timeout 500ms"},
		"shorter":            {"{name: ttl.skew, node: gateway, gateway: gw-1, for: 1s, factor: 0.5}", 2 * time.Second, "TTL 1.5s + authority timeout 500ms"},
		"at another pattern": {"{name: ttl.skew, node: gateway, pattern: hybrid, for: 1s, factor: 3}", 2 * time.Second, "TTL 1.5s + authority timeout 500ms"},
	} {
		s, err := Parse([]byte(least+"faults: ["+row.fault+"]\n"), "f")
		require.NoError(t, err, name)
		bound, why := s.Bound(Cache)
		assert.Equal(t, row.want, bound, name)
		assert.Equal(t, row.why, why, name)
	}
}

func TestEveryStimulusCanStandInAScenario(t *testing.T) {
	const routes = "routes: [{path: /g/*, scope: a, grace: 2s}, {path: /s/*, scope: b, acr: mfa}, {path: /t/*, scope: a, audience: other}, {path: /w/*, scope: b}, {scope: a}]\n"
	for _, spec := range StimulusSpecs() {
		_, err := Parse([]byte(least+routes+"stimuli: [{name: "+spec.Name+", rate: 30/s}]\n"), "f")
		require.NoError(t, err, spec.Name)
		assert.NotEmpty(t, spec.Does)
		assert.NotEmpty(t, spec.Provokes)
		assert.NotEmpty(t, spec.Source)
		assert.Positive(t, spec.Tokens)
		assert.Positive(t, spec.Calls)
		_, err = Parse([]byte(least+"routes: [{scope: a}]\nstimuli: [{name: "+spec.Name+", rate: 30/s}]\n"), "f")
		assert.Equal(t, spec.Needs != "", err != nil, "%s says what it needs", spec.Name)
	}
}

// The places that faults are checked against are those of the catalogue of faults.
func TestEveryFaultHasAPlaceThatThereIs(t *testing.T) {
	for _, spec := range chaos.Catalogue() {
		assert.Subset(t, links, spec.Links, spec.Name)
		assert.Subset(t, roles, spec.Roles, spec.Name)
	}
}
