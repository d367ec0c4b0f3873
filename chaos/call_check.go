package chaos

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

const (
	// maxCallBody and maxHeaders bound a call, which a journal has to hold.
	maxCallBody = 64 << 10
	maxHeaders  = 64
)

var (
	variable   = regexp.MustCompile(`\$\{[A-Za-z_][A-Za-z0-9_]*\}`)
	headerForm = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")
	// secretName is what carries a secret in headers and queries, and secretValue how
	// one begins in a header (RFC 9110 section 11.4).
	secretName  = regexp.MustCompile(`(?i)authorization|cookie|token|secret|passw|credential|api.?key|auth.?key|access.?key|^key$|^sig(nature)?$`)
	secretValue = regexp.MustCompile(`(?i)^(bearer|basic|digest|dpop)\s`)
	// ownHeaders are of the connection, and not of the request.
	ownHeaders = []string{"Host", "Content-Length", "Transfer-Encoding", "Connection", "Trailer", "Upgrade"}
)

// CallMethods are the methods that a call can have; the first is the default.
func CallMethods() []string {
	return []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodGet}
}

func (c Call) method() string { return cmp.Or(c.Method, http.MethodPost) }

// String is the method and the URL, with the names of variables and not their values.
func (c Call) String() string { return c.method() + " " + c.URL }

// succeeded says whether a status means success.
func (c Call) succeeded(status int) bool {
	if len(c.Status) == 0 {
		return status/100 == 2
	}
	return slices.Contains(c.Status, status)
}

// success says which statuses mean success.
func (c Call) success() string {
	if len(c.Status) == 0 {
		return "2xx"
	}
	words := make([]string, len(c.Status))
	for i, s := range c.Status {
		words[i] = strconv.Itoa(s)
	}
	return strings.Join(words, " or ")
}

// mistake is what is wrong about the text of the call, nil if nothing is. Its Param
// is the key within the call. It never shows a value that may be a secret.
func (c Call) mistake() *ParamError {
	if methods := CallMethods(); !slices.Contains(methods, c.method()) {
		return &ParamError{"method", strconv.Quote(c.Method), "one of " + strings.Join(methods, ", ")}
	}
	if wrong := c.wrongURL(); wrong != nil {
		return wrong
	}
	if wrong := c.wrongHeaders(); wrong != nil {
		return wrong
	}
	if len(c.Body) > maxCallBody {
		return &ParamError{"body", fmt.Sprintf("%d bytes long", len(c.Body)), fmt.Sprintf("at most %d", maxCallBody)}
	}
	if wrong := wrongVariable("body", c.Body); wrong != nil {
		return wrong
	}
	for _, s := range c.Status {
		if s < 200 || s > 599 {
			return &ParamError{"status", strconv.Itoa(s), "200 to 599"}
		}
	}
	return nil
}

func (c Call) wrongURL() *ParamError {
	if wrong := wrongVariable("url", c.URL); wrong != nil {
		return wrong
	}
	sample := variable.ReplaceAllString(c.URL, "1") // can be a part of a host, a port and a path
	if at := variable.FindStringIndex(c.URL); at != nil && at[0] == 0 {
		sample = "http://" + sample
	}
	if wrong := unfit(sample); wrong != nil {
		return wrong
	}
	_, query, _ := strings.Cut(c.URL, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		return &ParamError{"url", "a URL with a query that is none", "such as ?a=b&c=d"}
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if secretName.MatchString(name) && !variable.MatchString(strings.Join(values[name], "")) {
			return &ParamError{"url", "a URL with a secret in " + name + ", which the undo journal would hold", "${NAME} of an environment variable there"}
		}
	}
	return nil
}

// unfit is why a text without variables is no URL of a call, nil if it is one.
func unfit(text string) *ParamError {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return &ParamError{"url", "not the URL of an HTTP request", "such as http://127.0.0.1:8080/down"}
	case u.User != nil:
		return &ParamError{"url", "a URL with a user or a password", "a header with ${NAME} in the place of them"}
	}
	return nil
}

func (c Call) wrongHeaders() *ParamError {
	if len(c.Headers) > maxHeaders {
		return &ParamError{"headers", fmt.Sprintf("%d headers", len(c.Headers)), fmt.Sprintf("at most %d", maxHeaders)}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Headers)) {
		key, value := "headers."+name, c.Headers[name]
		secret := secretName.MatchString(name) || secretValue.MatchString(value)
		switch {
		case !headerForm.MatchString(name):
			return &ParamError{"headers", strconv.Quote(name), "the name of a header"}
		case slices.Contains(ownHeaders, http.CanonicalHeaderKey(name)):
			return &ParamError{key, "of the connection", "no such header"}
		case secret && !variable.MatchString(value):
			return &ParamError{key, "a literal secret, which the undo journal would hold", "${NAME} of an environment variable in it"}
		case strings.ContainsFunc(value, unicode.IsControl):
			return &ParamError{key, "not printable", "one line"}
		}
		if wrong := wrongVariable(key, value); wrong != nil {
			return wrong
		}
	}
	return nil
}

// wrongVariable refuses what looks like a variable and is none.
func wrongVariable(key, text string) *ParamError {
	if !strings.Contains(variable.ReplaceAllString(text, ""), "${") {
		return nil
	}
	return &ParamError{key, "a text with ${ and no name after it", "such as ${NAME}"}
}
