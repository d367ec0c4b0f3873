package external

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxAnswer is the most bytes of an answer or an output that are read.
const maxAnswer = 64 << 10

// fields are what is known of a token: the text fields and the numbers of the answer
// that issued it, and its claims if it is a JWT. The token itself is "token" and
// "access_token". None of the values may be shown.
type fields map[string]string

// token is the access token.
func (f fields) token() string { return f["token"] }

// fieldForm is what a placeholder can name.
var fieldForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]{0,63}$`)

// names are those that a placeholder can have.
func (f fields) names() string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(f)) {
		if fieldForm.MatchString(name) {
			out = append(out, name)
		}
	}
	return strings.Join(out[:min(len(out), 30)], ", ")
}

// lifetime is expires_in (RFC 6749 section 5.1); zero if it is not there, or is not
// a number of seconds that makes sense.
func (f fields) lifetime() time.Duration {
	const century = 100 * 365 * 24 * 3600
	s, err := strconv.ParseFloat(f["expires_in"], 64)
	if err != nil || !(s > 0 && s <= century) { // a NaN is neither
		return 0
	}
	return time.Duration(s * float64(time.Second))
}

var (
	errNoToken   = errors.New("no token in it; expected one, or JSON with access_token")
	errNoAccess  = errors.New("no access_token in it; expected JSON with one")
	errSendable  = errors.New("its token has characters that no header can hold; expected a bearer token (RFC 6750 section 2.1)")
	errTokenType = errors.New("its token_type is not Bearer; expected bearer tokens, which need no proof")
)

// parseToken reads JSON like the answer of a token endpoint or just a token. Errors
// hold nothing of it.
func parseToken(data []byte) (fields, error) {
	text := bytes.TrimSpace(data)
	switch {
	case bytes.HasPrefix(text, []byte("{")):
		return parseTokenAnswer(text)
	case len(text) == 0:
		return nil, errNoToken
	}
	return tokenFields(string(text), fields{})
}

// parseTokenAnswer reads a successful answer (RFC 6749 section 5.1).
func parseTokenAnswer(data []byte) (fields, error) {
	f := textFields(data)
	raw := f["access_token"]
	switch {
	case raw == "":
		return nil, errNoAccess
	case f["token_type"] != "" && !strings.EqualFold(f["token_type"], "bearer"):
		return nil, errTokenType
	}
	return tokenFields(raw, f)
}

// tokenFields adds a token and its claims to what else is known of it.
func tokenFields(raw string, answer fields) (fields, error) {
	if strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errSendable
	}
	f := claimsOf(raw)
	maps.Copy(f, answer)
	f["token"], f["access_token"] = raw, raw
	return f, nil
}

// claimsOf are the claims of a JWT, which nobody has verified: to revoke a token it
// is enough that the authority said so.
func claimsOf(raw string) fields {
	segments := strings.Split(raw, ".")
	if len(segments) != 3 {
		return fields{}
	}
	payload, err := base64.RawURLEncoding.DecodeString(segments[1])
	if err != nil {
		return fields{}
	}
	return textFields(payload)
}

// textFields are the texts and numbers of a JSON object; of anything else there are none.
func textFields(data []byte) fields {
	f := fields{}
	var members map[string]json.RawMessage
	if json.Unmarshal(data, &members) != nil {
		return f
	}
	for name, value := range members {
		var text string
		switch c := value[0]; {
		case c == '"' && json.Unmarshal(value, &text) == nil:
			f[name] = text
		case c == '-' || c >= '0' && c <= '9':
			f[name] = string(value)
		}
	}
	return f
}
