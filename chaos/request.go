package chaos

import (
	"bytes"
	"crypto/sha256"
	"io"
	"net/http"
)

// fingerprint tells requests apart without keeping what is in them. It reads the
// body, up to maxBody, and returns a request that has it again.
func fingerprint(r *http.Request) (string, *http.Request, error) {
	sum := sha256.New()
	sum.Write([]byte(r.Method + " " + r.URL.String() + "\n"))
	if r.Body != nil && r.Body != http.NoBody {
		head, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
		if err != nil {
			forget(r)
			return "", nil, err
		}
		sum.Write(head)
		again := r.Clone(r.Context())
		again.Body = body{io.MultiReader(bytes.NewReader(head), r.Body), r.Body}
		r = again
	}
	return string(sum.Sum(nil)), r, nil
}

// unconditional is the request without its conditions (RFC 9110 section 13.1): the
// answer has a body then.
func unconditional(r *http.Request) *http.Request {
	r = r.Clone(r.Context())
	for _, name := range []string{"If-None-Match", "If-Modified-Since", "If-Match", "If-Unmodified-Since", "If-Range", "Range"} {
		r.Header.Del(name)
	}
	return r
}
