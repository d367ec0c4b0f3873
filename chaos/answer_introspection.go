package chaos

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
)

// mediaIntrospection is the type of a signed answer (RFC 9701 section 5).
const mediaIntrospection = "application/token-introspection+jwt"

// signedAnswer says whether an answer is a signed introspection answer.
func signedAnswer(resp *http.Response) bool {
	return plainAnswer(resp) && media(resp) == mediaIntrospection
}

// introspection is a signed answer, taken apart. It is not verified: whoever
// tampers with it has no keys.
type introspection struct {
	header, payload map[string]any
	members         map[string]any // token_introspection
}

// readIntrospection takes a compact JWS apart; false if it is none.
func readIntrospection(jws []byte) (introspection, bool) {
	parts := bytes.Split(jws, []byte("."))
	if len(parts) != 3 {
		return introspection{}, false
	}
	var i introspection
	var ok bool
	if i.header, ok = decodeObject(parts[0]); !ok {
		return introspection{}, false
	}
	if i.payload, ok = decodeObject(parts[1]); !ok {
		return introspection{}, false
	}
	i.members, ok = i.payload["token_introspection"].(map[string]any)
	return i, ok
}

// decodeObject reads a JSON object, its numbers as they are written.
func decodeObject(b64 []byte) (map[string]any, bool) {
	text, err := base64.RawURLEncoding.DecodeString(string(b64))
	if err != nil {
		return nil, false
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var object map[string]any
	err = d.Decode(&object)
	return object, err == nil && object != nil
}

func encodeObject(object map[string]any) (string, error) {
	text, err := json.Marshal(object)
	return base64.RawURLEncoding.EncodeToString(text), err
}

// activator makes answers say that a token is active.
type activator struct {
	seen map[string]any // members of the last answer that said so by itself
}

// activate changes what an answer says. One about a token that is not active says
// nothing else, so it gets what was last said about one that is: the same scope,
// audience and expiry.
func (a *activator) activate(i introspection) {
	if active, _ := i.members["active"].(bool); active {
		a.seen = maps.Clone(i.members)
		return
	}
	maps.Copy(i.members, a.seen)
	i.members["active"] = true
}

// activated makes signed answers say that a token is active. What is written of one
// takes its place, with the media type; an answer of which nothing can be written
// stays as it is.
func (s scope) activated(media string, written func(introspection) ([]byte, error)) tamper {
	return tamper{scope: s, concerns: signedAnswer, begin: func() func(string, *answer) bool {
		var says activator
		return func(_ string, a *answer) bool {
			i, ok := readIntrospection(a.body)
			if !ok {
				return false
			}
			says.activate(i)
			body, err := written(i)
			if err != nil {
				return false
			}
			a.replace(body, media)
			return true
		}
	}}
}
