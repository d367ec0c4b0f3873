package remote

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/harness"
)

// What a stage hands out is what arrives.
func TestRolesCrossTheWireUnchanged(t *testing.T) {
	stage := &spread{t: t}
	site, err := stage.Start(t.Context(), planOf(t, patient))
	require.NoError(t, err)
	defer site.Close()
	kinds := map[string]bool{}
	for _, role := range append(stage.roles, secretive(t)) {
		kinds[role.Kind] = true
		body, err := json.Marshal(role)
		require.NoError(t, err)
		s := &server{Options: Options{Kind: role.Kind}}
		got, err := s.roleOf(body)
		require.NoError(t, err)
		assert.Equal(t, role, got)
		assert.Less(t, len(body), maxRole/10)
	}
	assert.Len(t, kinds, len(harness.Roles()))
}

// FuzzRole feeds the decoder of POST /serve.
func FuzzRole(f *testing.F) {
	whole, err := json.Marshal(secretive(f))
	require.NoError(f, err)
	f.Add(whole)
	for _, body := range []string{
		``, `null`, `[]`, `{}`, `{"Kind":"authority"}`, `{"kind":"authority"}`, `{"Kind":"authority"}{}`, `{"Kind":"authority","x":1}`,
		`{"Kind":"authority","Links":{"":{"Seed":18446744073709551616}}}`, `{"Kind":"authority","RootKeys":{"keys":[{"kty":"EC"}]}}`,
		`{"Kind":"authority","Authority":{"Ring":"e30="}}`, `{"Kind":"gateway"}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		s := &server{Options: Options{Kind: "authority"}}
		role, err := s.roleOf(body)
		if err != nil {
			assert.Less(t, len(err.Error()), 200, "an error repeats nothing of the body")
			return
		}
		assert.Equal(t, "authority", role.Kind)
		again, err := json.Marshal(role)
		require.NoError(t, err)
		same, err := s.roleOf(again)
		require.NoError(t, err)
		twice, err := json.Marshal(same)
		require.NoError(t, err)
		assert.JSONEq(t, string(again), string(twice))
	})
}
