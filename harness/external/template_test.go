package external

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tokendrill/tokendrill/scenarios"
)

// text writes a template as it was.
func (t template) text() string {
	var b strings.Builder
	for _, p := range t {
		switch {
		case p.variable != "":
			b.WriteString("${" + p.variable + "}")
		case p.field != "":
			b.WriteString("{" + p.field + "}")
		default:
			b.WriteString(p.text)
		}
	}
	return b.String()
}

func sampleValues() values {
	return values{
		fields: fields{"token": "t0", "sid": `a/b?c&d"e`, "dots": "..", "empty": "", "minus": "-1"},
		getenv: func(name string) string {
			return map[string]string{"HOST": "https://127.0.0.1:8443/base", "KEY": `k&"y`}[name]
		},
	}
}

func TestURLsAreFilledIn(t *testing.T) {
	for _, row := range []struct{ name, text, want, says string }{
		{"nothing to fill in", "http://127.0.0.1/x", "http://127.0.0.1/x", ""},
		{"a field in the path is escaped", "http://127.0.0.1/s/{sid}/end", "http://127.0.0.1/s/a%2Fb%3Fc&d%22e/end", ""},
		{"a field in the query is escaped", "http://127.0.0.1/s?id={sid}", "http://127.0.0.1/s?id=a%2Fb%3Fc%26d%22e", ""},
		{"a variable may be what the URL begins with", "${HOST}/s", "https://127.0.0.1:8443/base/s", ""},
		{"a variable in the query is escaped", "http://127.0.0.1/s?key=${KEY}", "http://127.0.0.1/s?key=k%26%22y", ""},
		{"a field may not choose the host", "http://{sid}.example.com/", "", "a {field} stands before the path of the URL; expected it after that"},
		{"a field may not climb", "http://127.0.0.1/s/{dots}", "", "a field of the token is a path of dots"},
		{"a field that is empty would name all", "http://127.0.0.1/s/{empty}", "", "the token has no field empty; it has dots, empty, minus, sid, token"},
		{"a field that is not there", "http://127.0.0.1/s/{jti}", "", "the token has no field jti; it has dots, empty, minus, sid, token"},
		{"a variable that is not set", "http://127.0.0.1/${NO}", "", "environment variable NO is not set"},
		{"what only looks like a place", "http://127.0.0.1/{}/{a b}/$HOST/${a.b}", "http://127.0.0.1/{}/{a b}/$HOST/${a.b}", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := parseTemplate(row.text, true).fillURL(sampleValues())
			if row.says != "" {
				require.EqualError(t, err, row.says)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, row.want, got)
		})
	}
}

func TestBodiesAreFilledInByTheirForm(t *testing.T) {
	for _, row := range []struct{ name, text, given, want, media string }{
		{"JSON by its looks", `{"sid": "{sid}", "key": "${KEY}"}`, "", `{"sid": "a/b?c\u0026d\"e", "key": "k\u0026\"y"}`, "application/json"},
		{"a list of numbers", `[{minus}]`, "", `[-1]`, "application/json"},
		{"JSON by its media type", `x{sid}`, "application/scim+json; charset=utf-8", `xa/b?c\u0026d\"e`, "application/scim+json"},
		{"a form by its looks", `sid={sid}&key=${KEY}`, "", `sid=a%2Fb%3Fc%26d%22e&key=k%26%22y`, "application/x-www-form-urlencoded"},
		{"a place alone is no JSON", `{token}`, "", `t0`, "application/x-www-form-urlencoded"},
		{"any other type is as it is", `<id>{minus}</id>`, "text/xml", `<id>-1</id>`, "text/xml"},
		{"no body", "", "", "", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			body := parseTemplate(row.text, true)
			media, escape := bodyForm(body, row.given)
			assert.Equal(t, row.media, media)
			got, err := body.fill(sampleValues(), escape)
			require.NoError(t, err)
			assert.Equal(t, row.want, got)
		})
	}
}

// Whatever a field holds, the JSON around it stays what it was.
func TestNoFieldBreaksOutOfJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.StringN(1, -1, -1).Draw(t, "value")
		body := parseTemplate(`{"id": "{sid}", "all": false}`, true)
		_, escape := bodyForm(body, "")
		text, err := body.fill(values{fields: fields{"sid": value}}, escape)
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]any
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			t.Fatal(err)
		}
		if got["id"] != strings.ToValidUTF8(value, "\ufffd") || got["all"] != false || len(got) != 2 {
			t.Fatalf("%q became %v", value, got)
		}
	})
}

// Whatever a field holds, the URL around it stays what it was.
func TestNoFieldBreaksOutOfAURL(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.StringN(1, -1, -1).Draw(t, "value")
		got, err := parseTemplate("http://127.0.0.1/a/{sid}/b?x={sid}", true).fillURL(values{fields: fields{"sid": value}})
		if err != nil {
			if strings.Trim(value, ".") == "" {
				return
			}
			t.Fatal(err)
		}
		u, err := url.Parse(got)
		if err != nil {
			t.Fatal(err)
		}
		if u.Host != "127.0.0.1" || u.Path != "/a/"+value+"/b" || u.Query().Get("x") != value || u.Fragment != "" || strings.Count(u.EscapedPath(), "/") != 3 {
			t.Fatalf("%q became %q", value, got)
		}
	})
}

func FuzzTemplate(f *testing.F) {
	for _, text := range []string{"", "{a}", "${A}", "${a.b}", "{a{b}}", "$${A}{b.c-d}", "{}", "${", "{a}${B}c"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := parseTemplate(text, true)
		require.Equal(t, text, got.text())
		var named []string
		for _, p := range got {
			if p.field != "" {
				named = append(named, p.field)
			}
		}
		require.Equal(t, scenarios.Fields(text), named, "a target is checked by the same rules")
		for _, p := range parseTemplate(text, false) {
			require.Empty(t, p.field)
		}
	})
}
