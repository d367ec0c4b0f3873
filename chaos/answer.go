package chaos

import (
	"bytes"
	"context"
	"io"
	"mime"
	"net/http"
	"strconv"
)

// maxBody bounds the bodies that faults look into; a longer one passes untouched.
const maxBody = 1 << 20

// tamper replaces answers on their way back.
type tamper struct {
	scope
	// concerns says by its head which answers can be replaced.
	concerns func(*http.Response) bool
	// whole asks for answers in full: no conditional requests.
	whole bool
	// begin makes, for one link, what changes an answer. The key is the same for the
	// same request; false leaves the answer as it is. Calls come one at a time.
	begin func() func(key string, a *answer) bool
}

// answer is an answer whose body was read.
type answer struct {
	*http.Response
	body []byte
}

// Inject replaces. Met is the answers that were replaced; Clear those of the same
// kind that were not.
func (f tamper) Inject(_ context.Context, t Target) (*Injected, error) {
	return place(t, orderAnswer, f.scope, func(_ *Link, u *rule) {
		change := f.begin()
		u.concerns = func(resp *http.Response) bool {
			return f.concerns(resp) || f.whole && resp.StatusCode == http.StatusNotModified
		}
		u.exchange = func(r *http.Request, next http.RoundTripper) (*http.Response, bool, error) {
			key, r, err := fingerprint(r)
			if err != nil {
				return nil, true, err
			}
			if f.whole {
				r = unconditional(r)
			}
			resp, err := next.RoundTrip(r)
			if err != nil || !f.concerns(resp) {
				return resp, false, err
			}
			a := read(resp)
			if a == nil {
				return resp, false, nil
			}
			u.mu.Lock()
			defer u.mu.Unlock()
			changed := !u.healed() && change(key, a)
			if changed {
				u.met.Add(1)
			}
			a.seal()
			return resp, changed, nil
		}
	})
}

// read reads a body. The answer is nil if that is longer than maxBody, or fails;
// the response then has the body as before.
func read(resp *http.Response) *answer {
	head, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err == nil && len(head) <= maxBody {
		resp.Body.Close()
		return &answer{resp, head}
	}
	rest := io.Reader(resp.Body)
	if err != nil {
		rest = failing{err}
	}
	resp.Body = body{io.MultiReader(bytes.NewReader(head), rest), resp.Body}
	return nil
}

// seal puts the body back.
func (a *answer) seal() {
	a.Body = io.NopCloser(bytes.NewReader(a.body))
	a.ContentLength = int64(len(a.body))
	if a.Header.Get("Content-Length") != "" {
		a.Header.Set("Content-Length", strconv.Itoa(len(a.body)))
	}
}

// replace makes another answer of it, for which no validator of the old one holds.
func (a *answer) replace(body []byte, media string) {
	a.body = body
	a.Header.Set("Content-Type", media)
	for _, name := range []string{"ETag", "Last-Modified", "Digest", "Content-Digest", "Repr-Digest"} {
		a.Header.Del(name)
	}
}

// body reads from one and closes the other.
type body struct {
	io.Reader
	io.Closer
}

// failing is a reader that failed.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// plainAnswer says whether an answer is a 200 that can be read as it is.
func plainAnswer(resp *http.Response) bool {
	return resp.StatusCode == http.StatusOK && resp.Header.Get("Content-Encoding") == ""
}

// media is the answer's media type without its parameters.
func media(resp *http.Response) string {
	name, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return name
}
