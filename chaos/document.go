package chaos

import (
	"bytes"
	"net/http"
)

// document is an answer that was kept to be served again.
type document struct {
	header http.Header
	body   []byte
}

func keep(a *answer) *document { return &document{a.Header.Clone(), a.body} }

func (d *document) same(a *answer) bool { return bytes.Equal(d.body, a.body) }

// instead serves the document instead of another one; false if they are the same.
func (d *document) instead(a *answer) bool {
	if d.same(a) {
		return false
	}
	for name := range a.Header {
		delete(a.Header, name)
	}
	for name, values := range d.header.Clone() {
		a.Header[name] = values
	}
	a.body = d.body
	return true
}

// cacheable says whether an answer is a document that caches may keep: a 304 gives
// one a new life too (RFC 9111 section 4.3.4).
func cacheable(resp *http.Response) bool {
	get := resp.Request == nil || resp.Request.Method == http.MethodGet
	return get && (resp.StatusCode == http.StatusOK || resp.StatusCode == http.StatusNotModified)
}
