package external

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// reply is the answer to a call.
type reply struct {
	status int
	html   bool
	body   []byte
}

// code is the error code of an answer (RFC 6749 section 5.2), empty if it has none.
// What does not look like one might be anything.
func (r reply) code() string {
	var answer struct{ Error string }
	if json.Unmarshal(r.body, &answer) != nil || !codeForm.MatchString(answer.Error) {
		return ""
	}
	return answer.Error
}

var codeForm = regexp.MustCompile(`^[a-z][a-z_]{2,39}$`)

// String is the status with the error code, if there is one.
func (r reply) String() string {
	if code := r.code(); code != "" {
		return fmt.Sprintf("status %d, error %q", r.status, code)
	}
	return fmt.Sprintf("status %d", r.status)
}

// token reads the token of an answer.
func (r reply) token() (fields, error) {
	if r.html {
		return nil, fmt.Errorf("%s and a page of HTML; expected JSON with access_token", r)
	}
	f, err := parseTokenAnswer(r.body)
	if err != nil {
		return nil, fmt.Errorf("%s, %w", r, err)
	}
	return f, nil
}

// quietError is an error that shows nothing of what was sent or received.
type quietError struct {
	says  string
	cause error
}

func (e *quietError) Error() string { return e.says }
func (e *quietError) Unwrap() error { return e.cause }

// quiet says why no answer came, ctx being that of whoever asked.
func (c *caller) quiet(ctx context.Context, err error) error {
	says, _ := trouble(err, c.reach.how.Timeout)
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return context.Canceled
	case ctx.Err() != nil:
		return &quietError{"no answer in time", ctx.Err()}
	case strings.HasPrefix(says, "no TLS with it: "): // what follows may be anything
		return errNotTLS
	case strings.HasPrefix(says, "no answer: "), says == errNotHTTP.Error():
		return errNotHTTP
	}
	return &quietError{says, err}
}

var (
	errNotTLS  = errors.New("no TLS with it")
	errNotHTTP = errors.New("what it answers is not HTTP")
)
