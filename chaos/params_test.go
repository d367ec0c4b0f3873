package chaos

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParametersAreCheckedAgainstTheCatalogue(t *testing.T) {
	const ms = time.Millisecond
	for _, row := range []struct {
		name, fault string
		params      Params
		want        string // empty is fine
		param       string
	}{
		{"a fault without parameters", "cache.flush", Params{}, "", ""},
		{"a default is not asked for", "http.limit", Params{}, "", ""},
		{"all that it takes", "link.delay", Params{Delay: Delay{P50: ms, P95: 2 * ms}, Share: 0.5, Path: "/jwks"}, "", ""},
		{"both bounds belong to it", "link.delay", Params{Delay: Delay{P50: time.Minute, P95: time.Minute}, Share: 1}, "", ""},
		{"a clock that is behind", "clock.skew", Params{Offset: -time.Hour}, "", ""},
		{"a command", "exec", Params{Inject: []string{"true"}}, "", ""},

		{"a call", "call", Params{InjectCall: &Call{URL: "http://localhost"}}, "", ""},

		{"nothing where something is required", "link.delay", Params{}, "delay is 0s; expected 1ms to 1m0s", "delay"},
		{"nothing, where zero is within the bounds", "clock.skew", Params{}, "offset is missing; expected -24h0m0s to 24h0m0s", "offset"},
		{"no command", "exec", Params{}, "inject is missing; expected a command", "inject"},
		{"no call", "call", Params{HealCall: &Call{URL: "http://localhost"}}, "inject_call is missing; expected a call", "inject_call"},
		{"a call that is wrong", "call", Params{InjectCall: &Call{}}, "inject_call.url is not the URL of an HTTP request; expected such as http://127.0.0.1:8080/down", "inject_call.url"},
		{"a call for what makes none", "exec", Params{Inject: []string{"true"}, HealCall: &Call{}}, "heal_call is a call; expected none for exec", "heal_call"},
		{"a command for what runs none", "call", Params{Inject: []string{"true"}, InjectCall: &Call{URL: "http://localhost"}}, `inject is "true"; expected none for call`, "inject"},
		{"under the bounds", "link.delay", Params{Delay: Delay{P50: time.Microsecond}}, "delay is 1µs; expected 1ms to 1m0s", "delay"},
		{"over the bounds", "http.error", Params{Status: 600}, "status is 600; expected 500 to 599", "status"},
		{"a status that is no error", "http.error", Params{Status: 200}, "status is 200; expected 500 to 599", "status"},
		{"a p95 over the bounds", "link.delay", Params{Delay: Delay{P50: ms, P95: time.Hour}}, "delay is 1ms with p95 1h0m0s; expected 1ms to 1m0s", "delay"},
		{"a p95 under the median", "push.delay", Params{Delay: Delay{P50: 2 * ms, P95: ms}}, "delay is 2ms with p95 1ms; expected 1ms to 1m0s", "delay"},
		{"a p95 alone", "link.delay", Params{Delay: Delay{P95: ms}}, "delay is 0s with p95 1ms; expected 1ms to 1m0s", "delay"},
		{"more than all", "push.drop", Params{Share: 1.5}, "share is 1.5; expected 1e-06 to 1", "share"},
		{"less than nothing", "push.drop", Params{Share: -1}, "share is -1; expected 1e-06 to 1", "share"},
		{"no number", "ttl.skew", Params{Factor: math.NaN()}, "factor is NaN; expected 0.01 to 1000", "factor"},
		{"a parameter of another fault", "link.cut", Params{Offset: time.Second}, "offset is 1s; expected none for link.cut", "offset"},
		{"a path for what has none", "push.drop", Params{Path: "/jwks"}, `path is "/jwks"; expected none for push.drop`, "path"},
		{"a command for what runs none", "link.cut", Params{Heal: []string{"echo", "hi"}}, `heal is "echo hi"; expected none for link.cut`, "heal"},
	} {
		t.Run(row.name, func(t *testing.T) {
			spec, ok := Find(row.fault)
			require.True(t, ok)
			err := spec.Check(row.params)
			if row.want == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, row.want)
			var wrong *ParamError
			require.ErrorAs(t, err, &wrong)
			assert.Equal(t, row.param, wrong.Param)
		})
	}
}
