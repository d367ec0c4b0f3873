package chaos

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCallsAreCheckedBeforeAnythingStarts(t *testing.T) {
	const url = "http://127.0.0.1/down"
	header := func(name, value string) Call { return Call{URL: url, Headers: map[string]string{name: value}} }
	many := map[string]string{}
	for i := range maxHeaders + 1 {
		many[fmt.Sprint("h", i)] = ""
	}
	for _, row := range []struct {
		name string
		call Call
		want string // empty is fine
	}{
		{"the least", Call{URL: url}, ""},
		{"all that there is", Call{Method: "PATCH", URL: "https://[::1]:8443/a?b=c", Headers: map[string]string{"Content-Type": "text/plain"}, Body: "x\ny", Status: []int{204, 404}}, ""},
		{"variables everywhere", Call{URL: "${BASE}/a/${B}?access_token=${C}", Headers: map[string]string{"Cookie": "sid=${D}"}, Body: "${E}"}, ""},
		{"a variable for the port", Call{URL: "http://127.0.0.1:${PORT}/"}, ""},
		{"a key that is no secret", header("Idempotency-Key", "1"), ""},
		{"a query that is no secret", Call{URL: url + "?monkey=1&page=2"}, ""},

		{"no URL", Call{}, "url is not the URL of an HTTP request; expected such as http://127.0.0.1:8080/down"},
		{"a URL without a host", Call{URL: "http:///down"}, "url is not the URL of an HTTP request; expected such as http://127.0.0.1:8080/down"},
		{"a path", Call{URL: "/down"}, "url is not the URL of an HTTP request; expected such as http://127.0.0.1:8080/down"},
		{"a file", Call{URL: "file:///etc/passwd"}, "url is not the URL of an HTTP request; expected such as http://127.0.0.1:8080/down"},
		{"a user in the URL", Call{URL: "http://me:pw@127.0.0.1/"}, "url is a URL with a user or a password; expected a header with ${NAME} in the place of them"},
		{"a user in the URL, from a variable", Call{URL: "http://${USER}:${PW}@127.0.0.1/"}, "url is a URL with a user or a password; expected a header with ${NAME} in the place of them"},
		{"a secret in the query", Call{URL: url + "?a=b&api_key=pw"}, "url is a URL with a secret in api_key, which the undo journal would hold; expected ${NAME} of an environment variable there"},
		{"a query that is none", Call{URL: url + "?a=%zz"}, "url is a URL with a query that is none; expected such as ?a=b&c=d"},
		{"a method that is not known", Call{Method: "post", URL: url}, `method is "post"; expected one of POST, PUT, PATCH, DELETE, GET`},
		{"a literal bearer token", header("Authorization", "Bearer pw"), "headers.Authorization is a literal secret, which the undo journal would hold; expected ${NAME} of an environment variable in it"},
		{"a literal cookie", header("cookie", "sid=pw"), "headers.cookie is a literal secret, which the undo journal would hold; expected ${NAME} of an environment variable in it"},
		{"a literal API key", header("X-Api-Key", "pw"), "headers.X-Api-Key is a literal secret, which the undo journal would hold; expected ${NAME} of an environment variable in it"},
		{"a literal token by another name", header("X-Vault-Token", "pw"), "headers.X-Vault-Token is a literal secret, which the undo journal would hold; expected ${NAME} of an environment variable in it"},
		{"credentials under a name that says nothing", header("X-Pass-On", "Basic pw"), "headers.X-Pass-On is a literal secret, which the undo journal would hold; expected ${NAME} of an environment variable in it"},
		{"a header with a space", header("A B", "x"), `headers is "A B"; expected the name of a header`},
		{"a header of the connection", header("host", "x"), "headers.host is of the connection; expected no such header"},
		{"a header of two lines", header("A", "x\ny"), "headers.A is not printable; expected one line"},
		{"too many headers", Call{URL: url, Headers: many}, "headers is 65 headers; expected at most 64"},
		{"a variable without a name", Call{URL: url, Body: "${}"}, "body is a text with ${ and no name after it; expected such as ${NAME}"},
		{"a variable with a default", header("A", "${B:-c}"), "headers.A is a text with ${ and no name after it; expected such as ${NAME}"},
		{"a variable that does not end", Call{URL: url + "/${A"}, "url is a text with ${ and no name after it; expected such as ${NAME}"},
		{"a body over the bound", Call{URL: url, Body: strings.Repeat("x", maxCallBody+1)}, "body is 65537 bytes long; expected at most 65536"},
		{"a status that is none", Call{URL: url, Status: []int{200, 99}}, "status is 99; expected 200 to 599"},
	} {
		t.Run(row.name, func(t *testing.T) {
			wrong := row.call.mistake()
			spec, _ := Find("call")
			params := Params{InjectCall: &Call{URL: url}, HealCall: &row.call}
			if row.want == "" {
				assert.Nil(t, wrong)
				require.NoError(t, spec.Check(params))
				return
			}
			require.EqualError(t, wrong, row.want)
			assert.NotContains(t, wrong.Error(), "pw")
			require.EqualError(t, spec.Check(params), "heal_call."+row.want)
		})
	}
}

func TestALocalNameForAnotherMachineIsNotDialled(t *testing.T) {
	for _, row := range []struct {
		name, host, address string
		want                error
	}{
		{"localhost that is this machine", "localhost", "[::1]:80", nil},
		{"localhost that is another one", "localhost", "10.0.0.1:80", errElsewhere},
		{"a host that was named", "idp.example", "10.0.0.1:80", nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			assert.Equal(t, row.want, Hosts{"idp.example"}.Control(row.host)("tcp", row.address, nil))
		})
	}
}
