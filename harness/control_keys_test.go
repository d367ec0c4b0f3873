package harness

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/chaos"
	"github.com/tokendrill/tokendrill/fixtures/token"
)

// keySet is the key set at a URL, and the cache result that came with it.
func (s *steered) keySet(url string) (kids []string, cache string) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, url, nil)
	require.NoError(s.t, err)
	res, err := s.Transport.RoundTrip(req)
	require.NoError(s.t, err)
	defer res.Body.Close()
	var set struct {
		Keys []struct{ Kid string }
	}
	require.NoError(s.t, json.NewDecoder(res.Body).Decode(&set))
	for _, k := range set.Keys {
		kids = append(kids, k.Kid)
	}
	return kids, res.Header.Get("Cache-Status")
}

func TestARotationPublishesAnotherKeyAndSignsWithIt(t *testing.T) {
	s := steer(t)
	old := s.Ring.ActiveKID()
	s.do("authority", chaos.VerbRotate, 1)
	active := kidOf(t, s.issue(token.JWT))
	assert.NotEqual(t, old, active)
	kids, _ := s.keySet(s.Issuer + "/jwks")
	assert.Contains(t, kids, active)
	assert.Contains(t, kids, old, "what it has signed is good to the end")
	met, clear := s.count("authority", chaos.VerbRotate)
	assert.EqualValues(t, 1, met)
	assert.Positive(t, clear)
}

// kidOf is the kid in the header of a JWS.
func kidOf(t *testing.T, raw string) string {
	head, _, _ := strings.Cut(raw, ".")
	text, err := base64.RawURLEncoding.DecodeString(head)
	require.NoError(t, err)
	var h struct{ Kid string }
	require.NoError(t, json.Unmarshal(text, &h))
	return h.Kid
}

func TestADroppedKeySignsOnAndIsNotPublished(t *testing.T) {
	s := steer(t)
	active := s.Ring.ActiveKID()
	kids, _ := s.keySet(s.Issuer + "/jwks")
	require.Contains(t, kids, active)
	_, before := s.count("authority", chaos.VerbDropKey)

	s.do("authority", chaos.VerbDropKey, 1)
	kids, _ = s.keySet(s.Issuer + "/jwks")
	assert.NotContains(t, kids, active)
	assert.NotEmpty(t, kids, "another key is there in its place")
	assert.Equal(t, active, kidOf(t, s.issue(token.JWT)))
	met, _ := s.count("authority", chaos.VerbDropKey)
	assert.Positive(t, met)

	s.do("authority", chaos.VerbDropKey, 0)
	kids, _ = s.keySet(s.Issuer + "/jwks")
	assert.Contains(t, kids, active)
	_, after := s.count("authority", chaos.VerbDropKey)
	assert.Greater(t, after, before)
}

func TestAFlushOfTheCDNHasItAskTheAuthorityAgain(t *testing.T) {
	s := steer(t)
	s.keySet(s.keys)
	old, cache := s.keySet(s.keys)
	assert.Equal(t, "cdn; hit", cache)
	s.do("authority", chaos.VerbRotate, 1)
	kept, _ := s.keySet(s.keys)
	assert.Equal(t, old, kept)

	s.do("cdn", chaos.VerbFlush, 1)
	kids, cache := s.keySet(s.keys)
	assert.NotEqual(t, "cdn; hit", cache)
	assert.Contains(t, kids, s.Ring.ActiveKID())
	met, clear := s.count("cdn", chaos.VerbFlush)
	assert.EqualValues(t, 1, met)
	assert.GreaterOrEqual(t, clear, int64(4))
}
