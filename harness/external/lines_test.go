package external

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTokensOfAFile(t *testing.T) {
	got, err := parseLines(strings.NewReader("plain-token\r\n\n"+
		`{"access_token": "other", "expires_in": 60, "sid": "s1", "id": 7, "nested": {"a": 1}, "flag": true}`+"\n  \n"+
		"e30.eyJzdWIiOiJhbGljZSIsInNpZCI6InMyIiwiZXhwIjoxLCJhdWQiOlsiYSJdfQ.c2ln"), "tokens.ndjson")
	require.NoError(t, err)
	assert.Equal(t, []fields{
		{"token": "plain-token", "access_token": "plain-token"},
		{"token": "other", "access_token": "other", "expires_in": "60", "sid": "s1", "id": "7"},
		{"token": "e30.eyJzdWIiOiJhbGljZSIsInNpZCI6InMyIiwiZXhwIjoxLCJhdWQiOlsiYSJdfQ.c2ln",
			"access_token": "e30.eyJzdWIiOiJhbGljZSIsInNpZCI6InMyIiwiZXhwIjoxLCJhdWQiOlsiYSJdfQ.c2ln", "sub": "alice", "sid": "s2", "exp": "1"},
	}, got)
	assert.Equal(t, []time.Duration{0, time.Minute, 0}, []time.Duration{got[0].lifetime(), got[1].lifetime(), got[2].lifetime()})
}

func TestWhatIsNoFileOfTokens(t *testing.T) {
	for _, row := range []struct{ name, text, says string }{
		{"two words in a line", "a\ntwo words\n", "f:2: its token has characters that no header can hold; expected a bearer token (RFC 6750 section 2.1)"},
		{"JSON without a token", "\n{\"token\": \"x\"}", "f:2: no access_token in it; expected JSON with one"},
		{"JSON with something behind it", `{"access_token": "x"} y`, "f:1: no access_token in it; expected JSON with one"},
		{"a token bound to a key", `{"access_token": "x", "token_type": "DPoP"}`, "f:1: its token_type is not Bearer; expected bearer tokens, which need no proof"},
		{"the same token again", "a\nb\n{\"access_token\": \"a\"}", "f:3: the token of line 1 again; expected another one"},
		{"a line without end", "a\n" + strings.Repeat("x", 2*maxAnswer), "f:2: a line over 64 KB; expected a token"},
		{"a line of another tongue", "tökén", "f:1: its token has characters that no header can hold; expected a bearer token (RFC 6750 section 2.1)"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := parseLines(strings.NewReader(row.text), "f")
			require.EqualError(t, err, row.says)
		})
	}
}

func TestLifetimesThatMakeSense(t *testing.T) {
	for told, want := range map[string]time.Duration{
		"3600": time.Hour, "0.5": 500 * time.Millisecond, "": 0, "0": 0, "-1": 0, "soon": 0, "NaN": 0, "Inf": 0, "1e300": 0,
	} {
		assert.Equal(t, want, fields{"expires_in": told}.lifetime(), told)
	}
}

func FuzzTokensOfAFile(f *testing.F) {
	for _, text := range []string{"", "a\nb", `{"access_token":"a","sid":"b"}`, "a.e30.c", "\r\n{", "{}\n", "a b"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parseLines(strings.NewReader(text), "f")
		if err != nil {
			require.Empty(t, got)
			return
		}
		seen := map[string]bool{}
		for _, one := range got {
			require.NotEmpty(t, one.token())
			require.False(t, seen[one.token()], "twice")
			seen[one.token()] = true
			require.NoError(t, func() error { _, err := tokenFields(one.token(), fields{}); return err }())
			require.GreaterOrEqual(t, one.lifetime(), time.Duration(0))
			_ = fmt.Sprint(one.names())
		}
		require.LessOrEqual(t, len(got), strings.Count(text, "\n")+1)
	})
}
