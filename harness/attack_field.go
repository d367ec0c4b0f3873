package harness

import (
	"iter"
	"strings"
)

// maxFieldBytes is how much of a response field is read, over all its lines.
const maxFieldBytes = 8 << 10

// fieldParts yields the parts of a field's lines between separators that stand
// outside of quoted strings (RFC 9110 section 5.6), without surrounding space.
func fieldParts(lines []string, sep byte) iter.Seq[string] {
	return func(yield func(string) bool) {
		budget := maxFieldBytes
		for _, line := range lines {
			line = line[:min(len(line), budget)]
			budget -= len(line)
			for more := line != ""; more; {
				var part string
				part, line, more = cutField(line, sep)
				if !yield(strings.Trim(part, " \t")) {
					return
				}
			}
		}
	}
}

// cutField is strings.Cut at the first separator outside of a quoted string.
func cutField(s string, sep byte) (before, after string, found bool) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			quoted = !quoted
		case quoted && c == '\\':
			i++
		case !quoted && c == sep:
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}

// fieldParam is the value of the first parameter of that name, in any case;
// found without a value it is empty.
func fieldParam(params, name string) (value string, found bool) {
	for more := true; more; {
		var param string
		param, params, more = cutField(params, ';')
		key, value, _ := strings.Cut(param, "=")
		if strings.EqualFold(strings.Trim(key, " \t"), name) {
			return fieldValue(value), true
		}
	}
	return "", false
}

// fieldValue is a token, or the content of a quoted string. Escapes are left as
// they are: no word that is looked for needs one.
func fieldValue(s string) string {
	s = strings.Trim(s, " \t")
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		return s[1 : len(s)-1]
	}
	return s
}
