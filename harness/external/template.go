package external

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// placeholder is a "${NAME}" or a "{field}".
var placeholder = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\{([A-Za-z_][A-Za-z0-9_.-]*)\}`)

// template is a text with places for values.
type template []part

// part is a text, or the place of an environment variable or of a field of a token:
// only one is not empty.
type part struct{ text, variable, field string }

// parseTemplate finds the places in a text. With none of the token's fields at hand,
// "{field}" is a text like any other.
func parseTemplate(text string, withFields bool) template {
	var out template
	from := 0
	for _, at := range placeholder.FindAllStringSubmatchIndex(text, -1) {
		p := part{}
		switch {
		case at[2] >= 0:
			p.variable = text[at[2]:at[3]]
		case !withFields || at[0] > 0 && text[at[0]-1] == '$': // "${a.b}" is no place
			continue
		default:
			p.field = text[at[4]:at[5]]
		}
		if from < at[0] {
			out = append(out, part{text: text[from:at[0]]})
		}
		out, from = append(out, p), at[1]
	}
	if from < len(text) {
		out = append(out, part{text: text[from:]})
	}
	return out
}

// values are what a template is filled in with.
type values struct {
	fields fields
	getenv func(string) string
}

// of is the value of a part, which is never empty: a call for a session with no name
// might be one for all of them. Errors hold names and no values.
func (v values) of(p part) (string, error) {
	switch {
	case p.variable != "":
		if value := v.getenv(p.variable); value != "" {
			return value, nil
		}
		return "", fmt.Errorf("environment variable %s is not set", p.variable)
	case p.field != "":
		if value := v.fields[p.field]; value != "" {
			return value, nil
		}
		return "", fmt.Errorf("the token has no field %s; it has %s", p.field, v.fields.names())
	}
	return p.text, nil
}

// fill puts the values in, each as escape writes it.
func (t template) fill(v values, escape func(string) string) (string, error) {
	var b strings.Builder
	for _, p := range t {
		value, err := v.of(p)
		if err != nil {
			return "", err
		}
		if p.text == "" {
			value = escape(value)
		}
		b.WriteString(value)
	}
	return b.String(), nil
}

// verbatim escapes nothing.
func verbatim(s string) string { return s }

// errHost and errDots are of fields that would change where a call goes.
var (
	errHost = errors.New("a {field} stands before the path of the URL; expected it after that")
	errDots = errors.New("a field of the token is a path of dots")
)

// fillURL puts the values into a URL: fields, and variables of the query, escaped.
func (t template) fillURL(v values) (string, error) {
	var b strings.Builder
	for _, p := range t {
		value, err := v.of(p)
		if err != nil {
			return "", err
		}
		inPath, inQuery := place(b.String())
		switch {
		case p.text != "":
		case inQuery:
			value = url.QueryEscape(value)
		case p.variable != "":
		case !inPath:
			return "", errHost
		case strings.Trim(value, ".") == "":
			return "", errDots
		default:
			value = url.PathEscape(value)
		}
		b.WriteString(value)
	}
	return b.String(), nil
}

// place says where the next character of a URL is.
func place(before string) (inPath, inQuery bool) {
	if strings.Contains(before, "?") {
		return false, true
	}
	_, after, _ := strings.Cut(before, "://")
	return strings.Contains(after, "/"), false
}
