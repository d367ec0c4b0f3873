package chaos

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// documents serves what it holds, with validators as a real authority does.
type documents map[string]string

func (d documents) peer(r *http.Request, _ string) (int, map[string]string, string) {
	body := d[r.URL.Path]
	etag := fmt.Sprintf("%q", body)
	header := map[string]string{"Content-Type": "application/jwk-set+json", "Cache-Control": "public, max-age=5", "ETag": etag, "Age": "3"}
	if r.Header.Get("If-None-Match") == etag {
		return 304, header, ""
	}
	return 200, header, body
}

func (d documents) fetch(t *testing.T, l *Link, path string) said {
	t.Helper()
	got, err := call(t, l, d.peer, "GET", path, "")
	require.NoError(t, err)
	return got
}

func TestFaultsOfDocuments(t *testing.T) {
	for _, row := range []struct {
		name, fault, path string
		params            Params
		versions          []string // what the authority has, one after the other
		want              []string // what arrives
		met               int64
	}{
		{"keys are missing", "keys.missing", "/jwks", Params{}, []string{"k1", "k2"}, []string{`{"keys":[]}`, `{"keys":[]}`}, 2},
		{"keys are missing at a path that was named", "keys.missing", "/keys", Params{Path: "/keys"}, []string{"k1"}, []string{`{"keys":[]}`}, 1},
		{"keys are stale", "keys.stale", "/jwks", Params{}, []string{"k1", "k1", "k2", "k3"}, []string{"k1", "k1", "k1", "k1"}, 2},
		{"keys are only stale where it was said", "keys.stale", "/bundle", Params{}, []string{"b1", "b2"}, []string{"b1", "b2"}, 0},
		{"a bundle is rolled back once a newer one was seen", "bundle.rollback", "/bundle", Params{}, []string{"b1", "b1", "b2", "b2", "b3"}, []string{"b1", "b1", "b2", "b1", "b1"}, 2},
		{"a bundle that never changes cannot be rolled back", "bundle.rollback", "/bundle", Params{}, []string{"b1", "b1", "b1"}, []string{"b1", "b1", "b1"}, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			hit, other := two()
			i := inject(t, row.fault, row.params, hit)
			var got []string
			for _, v := range row.versions {
				d := documents{row.path: v}
				got = append(got, d.fetch(t, hit, row.path).body)
				assert.Equal(t, v, d.fetch(t, other, row.path).body)
			}
			assert.Equal(t, row.want, got)
			assert.Equal(t, row.met, i.Met())
			before := i.Clear()
			require.NoError(t, i.Heal(t.Context()))
			assert.Equal(t, "after", documents{row.path: "after"}.fetch(t, hit, row.path).body)
			assert.Equal(t, row.met, i.Met())
			if row.met > 0 {
				assert.Equal(t, before+1, i.Clear())
			}
		})
	}
}

// A cache that asks whether anything has changed must not be told the truth.
func TestAConditionalRequestDoesNotGetPastAStaleDocument(t *testing.T) {
	hit, _ := two()
	i := inject(t, "keys.missing", Params{}, hit)
	ask := func() *http.Response {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "http://peer/jwks", nil)
		r.Header.Set("If-None-Match", `"k1"`)
		resp, err := hit.Transport(peer(documents{"/jwks": "k1"}.peer)).RoundTrip(r)
		require.NoError(t, err)
		assert.Equal(t, `"k1"`, r.Header.Get("If-None-Match"), "the caller's request is its own")
		return resp
	}
	resp := ask()
	assert.Equal(t, 200, resp.StatusCode)
	assert.Empty(t, resp.Header.Get("ETag"), "so that the next request brings the keys back")
	assert.EqualValues(t, 1, i.Met())
	require.NoError(t, i.Heal(t.Context()))
	assert.Equal(t, 304, ask().StatusCode)
	assert.EqualValues(t, 1, i.Clear(), "that nothing has changed was said by the authority")
}

func TestMaxAgeIsInflatedForDocumentsOnly(t *testing.T) {
	hit, other := two()
	i := inject(t, "answer.max-age", Params{MaxAge: time.Hour}, hit)
	d := documents{"/jwks": "k1"}
	got := d.fetch(t, hit, "/jwks")
	assert.Equal(t, "public, max-age=3600", got.header.Get("Cache-Control"))
	assert.Empty(t, got.header.Get("Age"), "or it would not look fresh")
	assert.Equal(t, "k1", got.body)
	got, err := call(t, hit, d.peer, "POST", "/jwks", "")
	require.NoError(t, err)
	assert.Equal(t, "public, max-age=5", got.header.Get("Cache-Control"))
	assert.EqualValues(t, 1, i.Met())
	assert.Equal(t, "public, max-age=5", d.fetch(t, other, "/jwks").header.Get("Cache-Control"))
	require.NoError(t, i.Heal(t.Context()))
	assert.Equal(t, "public, max-age=5", d.fetch(t, hit, "/jwks").header.Get("Cache-Control"))
	assert.EqualValues(t, 1, i.Clear())
}
