package scenarios

import (
	_ "embed"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/chaos"
)

// fullTarget has every key that a target can have, as far as they go together.
//
//go:embed testdata/full-target.yaml
var fullTarget []byte

// The least target has five lines, and the parts of it may stand alone.
const (
	noAuthority = "name: x\nbound: 1s\nprobe: {path: /p}\ngateways: [{name: eu, url: \"http://127.0.0.1\"}]\n"
	noGateways  = "name: x\nbound: 1s\nprobe: {path: /p}\n" + someAuthority
	leastTarget = noAuthority + someAuthority

	someAuthority = "authority: {issuer: \"http://127.0.0.1:9\", client: {id: a, secret_env: S}}\n"
	someClient    = "client: {id: a, secret_env: S}"
)

func TestParseTargetFillsInTheDefaults(t *testing.T) {
	got, err := ParseTarget([]byte(leastTarget), "some/where/f.yaml")
	require.NoError(t, err)
	require.NoError(t, targetEditor(t, []byte(leastTarget)))
	assert.Equal(t, &Target{
		Name: "x", Bound: time.Second, Dir: "some/where",
		Gateways:   []TargetGateway{{Name: "eu", URL: "http://127.0.0.1"}},
		Connection: Connection{Timeout: 10 * time.Second},
		Authority: TargetAuthority{Issuer: "http://127.0.0.1:9", TokenType: "opaque", Revoke: RevokeBy{Kind: KindToken},
			Client: Client{ID: "a", SecretEnv: "S", Auth: ClientSecretBasic}},
		Probe:   Probe{Method: "GET", Path: "/p"},
		Limits:  Limits{Rate: 100, Tokens: 500, Duration: 10 * time.Minute},
		Verdict: Verdict{Accept: []Rule{{Status: "2xx"}}, Reject: []Rule{{Status: "401"}, {Status: "403"}}},
	}, bare(got))
}

// bare is a target without what was compiled.
func bare(t *Target) *Target {
	for _, rules := range [][]Rule{t.Verdict.Accept, t.Verdict.Reject} {
		for i := range rules {
			rules[i].headers, rules[i].body = nil, nil
		}
	}
	return t
}

func TestParseTargetTakesEveryKey(t *testing.T) {
	got, err := ParseTarget(fullTarget, "f")
	require.NoError(t, err)
	require.NoError(t, targetEditor(t, fullTarget))
	call := &chaos.Call{URL: "https://ops.example.com/down", Headers: map[string]string{"Authorization": "Bearer ${OPS}"}}
	assert.Equal(t, &Target{
		Name: "every-key", About: "Every key is set.", Bound: 90 * time.Second, Dir: ".",
		Gateways: []TargetGateway{
			{Name: "eu", URL: "https://api.example.com/v1", Connect: "10.0.0.7:443", ReplicaHeader: "X-Served-By"},
			{Name: "us", URL: "http://[::1]:8080"},
		},
		Connection: Connection{CAFile: "ca.pem", CertFile: "c.pem", KeyFile: "k.pem", Insecure: true, HTTP2: true, Fresh: true, Timeout: 3 * time.Second},
		Authority: TargetAuthority{
			Issuer: "https://idp.example.com/", TokenEndpoint: "https://idp.example.com/token?p=a", IntrospectionEndpoint: "https://idp.example.com/introspect",
			RevocationEndpoint: "https://idp.example.com/revoke", JWKSURI: "https://idp.example.com/jwks",
			Client: Client{ID: "a b", Auth: PrivateKeyJWT, KeyFile: "key.pem", KeyID: "k1"}, Scope: "read api://x/.default", TokenType: "jwt",
			Issue: IssueBy{HTTP: &chaos.Call{URL: "https://idp.example.com/login", Body: `{"user": "u", "password": "${PW}"}`, Status: []int{200, 201}}},
			Revoke: RevokeBy{Kind: KindSession, HTTP: &chaos.Call{Method: "DELETE", URL: "https://idp.example.com/sessions/{sid}?token_id={jti}",
				Headers: map[string]string{"Authorization": "Bearer {token}"}, Body: "token={token}&refresh_token={refresh_token}"}},
		},
		Probe: Probe{Method: "POST", Path: "/orders?page=1", Control: "/public"},
		Verdict: Verdict{
			Accept: []Rule{{Status: "2xx"}, {Status: "404"}},
			Reject: []Rule{{Status: "401"}, {Status: "302", Header: map[string]string{"Location": "^/login"}}, {ContentType: "text/html", Body: "(?i)sign in"}},
		},
		Faults: []TargetFault{
			{Name: "authority.outage", Inject: []string{"docker", "pause", "idp"}, Heal: []string{"docker", "unpause", "idp"}},
			{Name: "gateway.drain", InjectCall: call, HealCall: call},
		},
		Limits: Limits{Rate: 0.5e3, Tokens: 60, Duration: 20 * time.Minute},
	}, bare(got))
}

// Placeholders and commands that the full target has no room for.
func TestParseTargetTakesWhatHoldsNoSecret(t *testing.T) {
	for name, yaml := range map[string]string{
		"a client that nothing needs may be missing": noAuthority + "authority:\n  issue: {file: t}\n  revoke: {command: [revoke, --id, '{jti}']}\n",
		"a command gets the token by environment":    noAuthority + "authority: {issue: {command: [t]}, revoke: {command: [revoke]}}\n",
		"a shell may use variables of its own":       leastTarget + "faults: [{name: a, inject: [sh, -c, 'curl -u \"$A:${B}\" http://x'], heal: [b]}]\n",
		"a secret by name of its variable":           leastTarget + "faults: [{name: a, inject: [x, 'password=${PW}'], heal: [b]}]\n",
		"a certificate in the place of a secret":     noAuthority + "authority: {issuer: 'https://i', client: {id: a, auth: tls_client_auth}}\nconnection: {cert_file: c, key_file: k}\n",
		"a secret in a file":                         noAuthority + "authority: {token_endpoint: 'http://i', revocation_endpoint: 'http://i', client: {id: a, secret_file: s, auth: client_secret_post}}\n",
		"a user's tokens revoked by command":         noAuthority + "authority: {issue: {file: t}, revoke: {kind: user, command: [r, '{sub}']}}\n",
		"the longest bound, in an hour":              strings.Replace(leastTarget, "1s", "15m", 1) + "limits: {duration: 1h}\n",
	} {
		t.Run(name, func(t *testing.T) {
			target, err := ParseTarget([]byte(yaml), "f")
			require.NoError(t, err)
			require.NoError(t, targetEditor(t, []byte(yaml)))
			_, err = Own(Given{Targets: []*Target{target}})
			require.NoError(t, err)
		})
	}
}

func TestLoadTargetKnowsWhereItsFilesAre(t *testing.T) {
	file := filepath.Join(t.TempDir(), "t.yaml")
	require.NoError(t, os.WriteFile(file, []byte(leastTarget), 0o600))
	got, err := LoadTarget(file)
	require.NoError(t, err)
	assert.Equal(t, filepath.Dir(file), got.Dir)
	_, err = LoadTarget(file + "x")
	assert.ErrorContains(t, err, "read target: open ")
	require.NoError(t, os.WriteFile(file, []byte(strings.Repeat("#", 65<<10)), 0o600))
	_, err = LoadTarget(file)
	assert.EqualError(t, err, file+":1: file over 64 KiB; expected a target")
}

func TestParseTargetTellsTheLineAndWhatWasExpected(t *testing.T) {
	for _, row := range slices.Concat(badTargets, badAuthorities) {
		t.Run(row.name, func(t *testing.T) {
			_, err := ParseTarget([]byte(row.yaml), "f")
			require.ErrorContains(t, err, row.want)
			var at *Error
			require.ErrorAs(t, err, &at)
			assert.Contains(t, at.Msg, "; expected ")
			assert.NotContains(t, err.Error(), "\n", "one line")
			assert.NotContains(t, err.Error(), hidden, "no secret in an error")
		})
	}
}

// What the schema refuses, ParseTarget refuses; ParseTarget alone knows what
// contradicts what.
func TestTargetSchemaAndParseTargetAgree(t *testing.T) {
	for _, row := range slices.Concat(badTargets, badAuthorities) {
		t.Run(row.name, func(t *testing.T) {
			if row.shape {
				assert.Error(t, targetEditor(t, []byte(row.yaml)))
			} else {
				assert.NoError(t, targetEditor(t, []byte(row.yaml)))
			}
		})
	}
}

// FuzzParseTarget holds that any file is either refused with its line or a target
// that a run can be planned for.
func FuzzParseTarget(f *testing.F) {
	f.Add(fullTarget)
	for _, row := range slices.Concat(badTargets, badAuthorities) {
		f.Add([]byte(row.yaml))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		target, err := ParseTarget(data, "f")
		if err != nil {
			require.Regexp(t, `^f:[1-9][0-9]*: .*; expected `, err.Error())
			return
		}
		target.Verdict.Outcome(200, nil, nil)
		_, err = Own(Given{Targets: []*Target{target}})
		require.NoError(t, err)
	})
}
