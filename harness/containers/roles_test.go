package containers

import (
	"cmp"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/chaos"
	"github.com/tokendrill/tokendrill/fixtures/traffic"
	"github.com/tokendrill/tokendrill/fixtures/undisturbed"
	"github.com/tokendrill/tokendrill/harness"
	"github.com/tokendrill/tokendrill/harness/measure"
	"github.com/tokendrill/tokendrill/scenarios"
)

// examples of roles that are other people's software.
const (
	natsExample  = "../../docs/roles/nats.yaml"
	nginxExample = "../../docs/roles/nginx.yaml"
)

// rolesOf are the roles of files. Tests skip where the engine has not their images.
func rolesOf(t testing.TB, files ...string) map[string]scenarios.RoleImage {
	t.Helper()
	roles := map[string]scenarios.RoleImage{}
	for _, file := range files {
		sc, err := scenarios.Load(file)
		require.NoError(t, err)
		maps.Copy(roles, sc.Roles)
	}
	e, err := connect(t.Context())
	require.NoError(t, err)
	defer func() { assert.NoError(t, e.close()) }()
	for _, role := range roles {
		if _, err := e.ImageInspect(t.Context(), role.Image); err != nil {
			t.Skipf("make e2e-images makes %s: %v", role.Image, err)
		}
	}
	return roles
}

// judged is the report of a scenario on this stage.
func judged(t testing.TB, o Options, sc *scenarios.Scenario) *measure.Report {
	t.Helper()
	rec, err := traffic.Open(sc.Traffic.Recording)
	require.NoError(t, err)
	p, err := harness.NewPlan(sc, rec, 7)
	require.NoError(t, err)
	result, err := harness.Run(t.Context(), p, harness.Options{Stage: Stage{Options: o}, State: t.TempDir()})
	require.NoError(t, err)
	return result.Report
}

// passes wants every gate to pass, and every fault to land and to heal.
func passes(t *undisturbed.Attempt, r *measure.Report) {
	t.Helper()
	if r.Verdict != measure.Pass && late(r) {
		t.ProveNothing(against(r))
	}
	assert.Equal(t, measure.Pass, r.Verdict, against(r))
	for _, f := range r.Faults {
		assert.True(t, f.Landed && f.Healed, "%s: %s", f.Name, f.Unknown)
	}
}

func TestTheExamplesOfRolesDoWhatTheySay(t *testing.T) {
	undisturbed.Long(t, "starts containers")
	o := options(t)
	for name, file := range map[string]string{"a registry that is killed": natsExample, "a CDN that is killed": nginxExample} {
		t.Run(name, func(t *testing.T) {
			rolesOf(t, file)
			undisturbed.Try(t, func(t *undisturbed.Attempt) {
				sc, err := scenarios.Load(file)
				require.NoError(t, err)
				passes(t, judged(t, o, sc))
			})
		})
	}
}

// What the catalogue promises of the roles of ours holds for those of others.
func TestRealSoftwareGivesTheVerdictsThatOursGives(t *testing.T) {
	undisturbed.Long(t, "starts containers")
	o := options(t)
	for name, row := range map[string]struct {
		scenario string
		fault    string // in the place of the scenario's; empty keeps that
		roles    string
		rare     bool // only with -whole
	}{
		"the registry is off the network":                {"registry-disconnected", "", natsExample, true},
		"the registry is killed":                         {"registry-killed", "", natsExample, true}, // as in its example
		"the registry stands still":                      {"registry-killed", "container.pause", natsExample, false},
		"the CDN serves keys without the one that signs": {"premature-key-retirement", "", nginxExample, false},
		"the CDN is off the network":                     {nginxExample, "container.disconnect", nginxExample, true},
		"the CDN stands still":                           {nginxExample, "container.pause", nginxExample, true},
	} {
		t.Run(name, func(t *testing.T) {
			if row.rare && !*whole {
				t.Skip("runs with -whole")
			}
			roles := rolesOf(t, row.roles)
			undisturbed.Try(t, func(t *undisturbed.Attempt) {
				sc, err := scenarios.Load(row.scenario)
				require.NoError(t, err)
				sc.Roles = roles
				for i := range sc.Faults {
					sc.Faults[i].Name = cmp.Or(row.fault, sc.Faults[i].Name)
				}
				passes(t, judged(t, o, sc))
			})
		})
	}
}

// rotation has keys changed while a real registry announces and a real CDN caches them.
const rotation = `
name: rotation
about: the authority signs with new keys, behind a real registry and a real CDN
traffic: {recording: sample, rate: 100/s, rounds: 1, slice: 500ms}
tokens: {fuzz: 5%}
revocations: {tokens: 12, every: 100ms, first_gap: 15ms, growth: 20%, window: 6s, rate: 20/s}
settings:
  cache: {ttl: 1s, timeout: 2s}
  remote: {timeout: 2s}
  registry: {staleness: 3s, heartbeat: 100ms}
  hybrid: {minted_ttl: 3s, bundle_max_age: 60s, timeout: 2s}
faults:
  - {name: key.rotate, node: authority, at: 3s, for: 1s}
  - {name: key.rotate, node: authority, at: 5s, for: 1s}
gates:
  - revoke.fleet_upper.max{pattern=cache} <= 3s
  - revoke.fleet_upper.max{pattern=remote} <= 1s
  - revoke.fleet_upper.max{pattern=registry} <= 3s
  - revoke.fleet_upper.max{pattern=hybrid} <= 3s
  - requests.unavailable_rate == 0
  - safety.false_accepts == 0
  - safety.false_rejects == 0
`

// The max-age is longer than the run: who did not ask past the cache would not know
// the keys that sign.
func TestEveryPatternRevokesAndRotatesBehindARealRegistryAndCDN(t *testing.T) {
	undisturbed.Long(t, "starts containers")
	o := options(t)
	roles := rolesOf(t, natsExample, nginxExample)
	undisturbed.Try(t, func(t *undisturbed.Attempt) {
		sc, err := scenarios.Parse([]byte(rotation), "rotation.yaml")
		require.NoError(t, err)
		sc.Roles = roles
		passes(t, judged(t, o, sc))
	})
}

func TestARealCDNKeepsKeysForAsLongAsTheAuthoritySays(t *testing.T) {
	undisturbed.Long(t, "starts containers")
	t.Parallel()
	o := alone(t)
	roles := rolesOf(t, nginxExample)
	p := plan(t, strings.Replace(patient, "minted_ttl: 2s", "minted_ttl: 2s, bundle_max_age: 60s", 1)+"patterns: [hybrid]\n")
	p.Scenario.Roles = roles
	site, err := Stage{Options: o}.Start(t.Context(), p)
	require.NoError(t, err)
	defer func() { assert.NoError(t, site.Close()) }()
	at := urlOf(t, o, chaos.RoleCDN)
	get := func(header ...string) *http.Response {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, at+"/jwks", nil)
		require.NoError(t, err)
		if len(header) > 0 {
			req.Header.Set(header[0], header[1])
		}
		resp, err := site.Transport.RoundTrip(req)
		require.NoError(t, err)
		text, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		resp.Body = io.NopCloser(strings.NewReader(string(text)))
		return resp
	}
	get()
	first := get()
	assert.Equal(t, "nginx; hit", first.Header.Get("Cache-Status"))
	assert.Equal(t, "public, max-age=60", first.Header.Get("Cache-Control"))
	assert.Equal(t, http.StatusNotModified, get("If-None-Match", first.Header.Get("ETag")).StatusCode)

	for _, n := range site.Nodes {
		if n.Name == chaos.RoleAuthority {
			require.NoError(t, n.Control.Do(t.Context(), chaos.Command{Verb: chaos.VerbRotate, Amount: 1}))
		}
	}
	assert.Equal(t, first.Header.Get("ETag"), get().Header.Get("ETag"), "it keeps the keys that it has")
	past := get("Cache-Control", "no-cache")
	assert.Equal(t, "nginx; fwd=request", past.Header.Get("Cache-Status"))
	assert.NotEqual(t, first.Header.Get("ETag"), past.Header.Get("ETag"), "who asks past the cache gets the new ones")
	assert.Equal(t, past.Header.Get("ETag"), get().Header.Get("ETag"), "and so does everybody after that")
}

// urlOf is where this machine reaches a role of the only stage with these options.
func urlOf(t testing.TB, o Options, node string) string {
	t.Helper()
	boxes := only(t, o).Boxes
	i := slices.IndexFunc(boxes, func(b Box) bool { return b.Node == node })
	require.GreaterOrEqual(t, i, 0, node)
	return boxes[i].URL
}
