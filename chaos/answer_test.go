package chaos

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// signedSaying is an introspection answer of an authority that has a key.
func signedSaying(t *testing.T, key *ecdsa.PrivateKey, members map[string]any) string {
	t.Helper()
	raw, err := introspection{
		header:  map[string]any{"kid": "k1", "typ": "token-introspection+jwt"},
		payload: map[string]any{"iss": "https://as", "aud": "gw", "iat": json.Number("1700000000"), "token_introspection": members},
	}.sign(key)
	require.NoError(t, err)
	return string(raw)
}

// authority answers introspection: a body with "good" in it is about an active token.
func authority(t *testing.T, key *ecdsa.PrivateKey) peer {
	return func(r *http.Request, body string) (int, map[string]string, string) {
		members := map[string]any{"active": false}
		if strings.Contains(body, "good") {
			members = map[string]any{"active": true, "scope": "read", "exp": json.Number("1700000600"), "jti": body}
		}
		if r.URL.Path != "/introspect" {
			return 200, map[string]string{"Content-Type": "application/json"}, `{"path":"` + r.URL.Path + `"}`
		}
		return 200, map[string]string{"Content-Type": mediaIntrospection, "ETag": `"e"`}, signedSaying(t, key, members)
	}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return key
}

func TestAForgedAnswerSaysActiveAndIsSignedWithAnotherKey(t *testing.T) {
	key := newKey(t)
	as := authority(t, key)
	hit, other := two()
	i := inject(t, "answer.forge", Params{}, hit)

	got, err := call(t, hit, as, "POST", "/introspect", "good")
	require.NoError(t, err)
	assert.False(t, verifies(t, &key.PublicKey, got.body), "also an answer that said so by itself is forged")
	got, err = call(t, hit, as, "POST", "/introspect", "bad")
	require.NoError(t, err)
	assert.False(t, verifies(t, &key.PublicKey, got.body))
	assert.Empty(t, got.header.Get("ETag"), "the validator was of another body")
	forged, ok := readIntrospection([]byte(got.body))
	require.True(t, ok)
	assert.Equal(t, "k1", forged.header["kid"])
	assert.Equal(t, map[string]any{"active": true, "scope": "read", "exp": json.Number("1700000600"), "jti": "good"}, forged.members, "as good as one that was seen")
	assert.Equal(t, "gw", forged.payload["aud"])
	got, err = call(t, hit, as, "GET", "/jwks", "")
	require.NoError(t, err)
	assert.JSONEq(t, `{"path":"/jwks"}`, got.body)
	assert.EqualValues(t, 2, i.Met())
	assert.Zero(t, i.Clear())

	sound(t, other, as, &key.PublicKey)
	require.NoError(t, i.Heal(t.Context()))
	_, err = call(t, hit, as, "GET", "/jwks", "")
	require.NoError(t, err)
	assert.Zero(t, i.Clear(), "a key set says nothing about introspection answers")
	sound(t, hit, as, &key.PublicKey)
	assert.EqualValues(t, 2, i.Met())
	assert.EqualValues(t, 1, i.Clear())
}

// sound requires that an answer comes through as the authority gave it.
func sound(t *testing.T, l *Link, as peer, key *ecdsa.PublicKey) {
	t.Helper()
	got, err := call(t, l, as, "POST", "/introspect", "bad")
	require.NoError(t, err)
	assert.Equal(t, mediaIntrospection, got.header.Get("Content-Type"))
	assert.True(t, verifies(t, key, got.body))
	answer, ok := readIntrospection([]byte(got.body))
	require.True(t, ok)
	assert.Equal(t, map[string]any{"active": false}, answer.members)
}

func TestAnUnsignedAnswerIsPlainJSONThatSaysActive(t *testing.T) {
	key := newKey(t)
	as := authority(t, key)
	hit, other := two()
	i := inject(t, "answer.unsign", Params{}, hit)
	got, err := call(t, hit, as, "POST", "/introspect", "bad")
	require.NoError(t, err)
	assert.Equal(t, "application/json", got.header.Get("Content-Type"))
	assert.JSONEq(t, `{"active":true}`, got.body, "nothing was seen yet that it could look like")
	_, err = call(t, hit, as, "POST", "/introspect", "good")
	require.NoError(t, err)
	got, err = call(t, hit, as, "POST", "/introspect", "bad")
	require.NoError(t, err)
	assert.JSONEq(t, `{"active":true,"scope":"read","exp":1700000600,"jti":"good"}`, got.body)
	assert.EqualValues(t, 3, i.Met())
	sound(t, other, as, &key.PublicKey)
	require.NoError(t, i.Heal(t.Context()))
	sound(t, hit, as, &key.PublicKey)
	assert.EqualValues(t, 1, i.Clear())
}

func TestAReplayedAnswerIsThatOfAnotherRequestOfThePath(t *testing.T) {
	key := newKey(t)
	as := authority(t, key)
	hit, other := two()
	i := inject(t, "answer.replay", Params{}, hit)
	ask := func(l *Link, path, body string) string {
		got, err := call(t, l, as, "POST", path, body)
		require.NoError(t, err)
		return got.body
	}
	ask(hit, "/introspect", "bad") // what says no is not worth keeping
	first := ask(hit, "/introspect", "good")
	assert.True(t, verifies(t, &key.PublicKey, first))
	ask(hit, "/introspect", "good again")
	assert.Equal(t, first, ask(hit, "/introspect", "bad"), "signature and all")
	assert.NotEqual(t, first, ask(hit, "/introspect", "good"), "never its own answer")
	assert.JSONEq(t, `{"path":"/token"}`, ask(hit, "/token", "bad"), "nor that of another path")
	assert.EqualValues(t, 3, i.Met())
	sound(t, other, as, &key.PublicKey)
	require.NoError(t, i.Heal(t.Context()))
	sound(t, hit, as, &key.PublicKey)
	assert.EqualValues(t, 3, i.Met())
}

// An answer that says no gains nobody anything: it is not kept, signed or plain.
func TestOnlyAnAnswerThatSaysNoIsNotWorthReplaying(t *testing.T) {
	key := newKey(t)
	for body, want := range map[string]bool{
		signedSaying(t, key, map[string]any{"active": false}): true,
		signedSaying(t, key, map[string]any{"active": true}):  false,
		`{"active":false}`: true,
		`{"active":true}`:  false,
		`{"keys":[]}`:      false,
		`[1]`:              false,
		`a.b.c`:            false,
		"":                 false,
	} {
		assert.Equal(t, want, saysInactive([]byte(body)), body)
	}
}

// Bodies are looked at up to a bound; what is longer passes as it is.
func TestWhatCannotBeReadPassesUntouched(t *testing.T) {
	long := strings.Repeat("x", maxBody+1)
	for name, answer := range map[string]struct {
		status int
		header map[string]string
		body   string
	}{
		"a body that is too long":          {200, map[string]string{"Content-Type": mediaIntrospection}, long},
		"a compressed body":                {200, map[string]string{"Content-Type": mediaIntrospection, "Content-Encoding": "gzip"}, "xx"},
		"an error":                         {401, map[string]string{"Content-Type": "application/json"}, `{"error":"invalid_client"}`},
		"a signed answer that is none":     {200, map[string]string{"Content-Type": mediaIntrospection}, "a.b.c"},
		"one that holds no introspection":  {200, map[string]string{"Content-Type": mediaIntrospection}, "e30.e30.c2ln"},
		"an answer that is something else": {200, map[string]string{"Content-Type": "text/plain"}, "hello"},
	} {
		t.Run(name, func(t *testing.T) {
			hit, _ := two()
			forge, unsign := inject(t, "answer.forge", Params{}, hit), inject(t, "answer.unsign", Params{}, hit)
			got, err := call(t, hit, func(*http.Request, string) (int, map[string]string, string) {
				return answer.status, answer.header, answer.body
			}, "POST", "/introspect", "x")
			require.NoError(t, err)
			assert.Equal(t, answer.status, got.status)
			assert.True(t, answer.body == got.body)
			assert.Zero(t, forge.Met()+unsign.Met())
		})
	}
}

// What began before the end must not be seen after it.
func TestAnAnswerThatArrivesAfterTheEndIsLeftAlone(t *testing.T) {
	key := newKey(t)
	for fault, p := range map[string]Params{"answer.forge": {}, "answer.unsign": {}, "answer.max-age": {MaxAge: time.Hour}, "link.reset": {}} {
		t.Run(fault, func(t *testing.T) {
			hit, _ := two()
			i := inject(t, fault, p, hit)
			got, err := call(t, hit, func(r *http.Request, body string) (int, map[string]string, string) {
				require.NoError(t, i.Heal(t.Context()))
				return authority(t, key)(r, body)
			}, "GET", "/introspect", "bad")
			require.NoError(t, err)
			assert.True(t, verifies(t, &key.PublicKey, got.body))
			assert.Empty(t, got.header.Get("Cache-Control"))
			assert.Zero(t, i.Met())
			assert.EqualValues(t, 1, i.Clear())
		})
	}
}
