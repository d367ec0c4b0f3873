package scenarios

import (
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/tokendrill/tokendrill/chaos"
)

// fieldForm is a "{field}", or a "${NAME}", which is none.
var fieldForm = regexp.MustCompile(`\$?\{([A-Za-z_][A-Za-z0-9_.-]*)\}`)

// Fields are the names that stand as "{name}" in a text, in their order: those of
// the fields of a token to put there. "${NAME}" is none of them.
func Fields(text string) []string {
	var out []string
	for _, found := range fieldForm.FindAllStringSubmatch(text, -1) {
		if found[0][0] != '$' {
			out = append(out, found[1])
		}
	}
	return out
}

// isSecret says whether a field of a token lets somebody in, or gets such a one.
func isSecret(field string) bool { return field == "token" || strings.HasSuffix(field, "_token") }

// call checks an HTTP request by the rules for faults, which have a journal.
func (r *targetReview) call(c *chaos.Call, path string) {
	if c == nil {
		return
	}
	spec, _ := chaos.Find("call") // a test sees that it is there
	var bad *chaos.ParamError
	if errors.As(spec.Check(chaos.Params{InjectCall: c}), &bad) {
		at := path + strings.TrimPrefix(bad.Param, "inject_call")
		got := strings.Replace(bad.Got, "the undo journal", "this file", 1)
		r.must(false, at, "%s is %s; expected %s", at, got, bad.Expected)
	}
	r.noSecret(c.Body, path+".body")
}

// command checks the arguments of a program.
func (r *targetReview) command(argv []string, path string) {
	r.must(len(argv) == 0 || argv[0] != "", path, "%s names no program; expected one, and its arguments", path)
	for _, arg := range argv {
		r.noSecret(arg, path)
	}
}

// naming is a field that names what a revocation of a kind takes away.
var naming = map[string]string{KindSession: "{sid}", KindUser: "{sub}", KindClient: "{client_id}"}

// revocation checks the call or the command that revokes, and that it says what.
func (r *targetReview) revocation() {
	const at = "authority.revoke"
	v := r.Authority.Revoke
	var open, closed []string // to everybody who reads logs, and to nobody
	if v.HTTP != nil {
		r.ownCall(v.HTTP, at+".http")
		open = Fields(v.HTTP.URL)
		r.must(!slices.ContainsFunc(open, isSecret), at+".http.url", "%s.http.url has a token in it, which logs would keep; expected it in body or headers", at)
		closed = Fields(strings.Join(append(slices.Sorted(maps.Values(v.HTTP.Headers)), v.HTTP.Body), "\n"))
		r.must(v.Kind != KindToken || len(open)+len(closed) > 0, at+".http", "%s.http does not say which token; expected {token} in body or headers, or another {field} of it", at)
	}
	if len(v.Command) > 0 {
		r.command(v.Command, at+".command")
		open = append(open, Fields(strings.Join(v.Command, "\n"))...)
		r.must(!slices.ContainsFunc(open, isSecret), at+".command", "%s.command has a token in its arguments, which everybody on the machine can see; expected the environment variable TOKENDRILL_TOKEN in its place", at)
	}
	if name := naming[v.Kind]; name != "" && v.given() {
		named := slices.ContainsFunc(append(open, closed...), func(f string) bool { return f != "token" && f != "access_token" })
		r.must(named, at, "%s takes away the same %s each time; expected a {field} that names the token's own, such as %s", at, v.Kind, name)
	}
}

// ownCall checks a request of the authority, in which "{field}" is no literal, and
// which no journal has to hold.
func (r *targetReview) ownCall(c *chaos.Call, path string) {
	if c == nil {
		return
	}
	like := *c
	like.URL, _, _ = strings.Cut(fieldForm.ReplaceAllString(c.URL, "$${FIELD}"), "?")
	like.Headers = map[string]string{}
	for name, value := range c.Headers {
		like.Headers[name] = fieldForm.ReplaceAllString(value, "$${FIELD}")
	}
	r.call(&like, path)
	r.noSecret(c.URL, path+".url")
	_, address, _ := strings.Cut(c.URL, "://")
	host := strings.SplitN(strings.ReplaceAll(address, "?", "/"), "/", 2)[0]
	r.must(len(Fields(host)) == 0, path+".url", "%s.url has a {field} before its path; expected it after that", path)
}
