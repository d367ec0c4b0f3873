package external

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
	"unicode"

	"github.com/tokendrill/tokendrill/chaos"
	"github.com/tokendrill/tokendrill/scenarios"
)

// caller makes the calls to the authorization server of a target.
type caller struct {
	door
	reach  reach
	dir    string
	getenv func(string) string
	// last is the last answer that came, without its body.
	last atomic.Pointer[answer]
}

func newCaller(t *scenarios.Target, r reach, getenv func(string) string) *caller {
	return &caller{door: r.door(""), reach: r, dir: t.Dir, getenv: getenv}
}

var errTooLong = fmt.Errorf("the answer is longer than %d KB", maxAnswer>>10)

// send sends a request, to the last byte of the answer. It is a round trip, and not
// the call of a client: no redirects, no cookies, and no URL in errors.
func (c *caller) send(ctx context.Context, req *http.Request) (reply, error) {
	bounded, cancel := context.WithTimeout(ctx, c.reach.how.Timeout)
	defer cancel()
	req.Header.Set("User-Agent", "tokendrill")
	seen := answer{sent: time.Now()}
	res, err := c.RoundTrip(req.WithContext(bounded))
	if err != nil {
		return reply{}, c.quiet(ctx, err)
	}
	defer res.Body.Close()
	seen.Response, seen.got = res, time.Now()
	c.last.Store(&seen)
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case err != nil:
		return reply{}, c.quiet(ctx, err)
	case len(body) > maxAnswer:
		return reply{}, errTooLong
	}
	media, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	return reply{res.StatusCode, media == "text/html", body}, nil
}

// call is an HTTP call that is ready to be filled in.
type call struct {
	*chaos.Call
	url, body template
	headers   map[string]template
	escape    func(string) string // for the body
	media     string              // of the body, if no header says it
}

// newCall reads the places of a call, and looks at what can be known before it is
// made: its variables, and where it goes.
func (c *caller) newCall(from *chaos.Call, withFields bool) (*call, error) {
	out := &call{Call: from, url: parseTemplate(from.URL, withFields), body: parseTemplate(from.Body, withFields), headers: map[string]template{}}
	given := ""
	for name, text := range from.Headers {
		out.headers[name] = parseTemplate(text, withFields)
		if strings.EqualFold(name, "Content-Type") {
			given = text
		}
	}
	out.media, out.escape = bodyForm(out.body, given)
	sample := fields{}
	if withFields {
		for _, name := range callFields(from) {
			sample[name] = "1"
		}
	}
	_, err := c.request(context.Background(), out, sample)
	return out, err
}

// callFields are the fields of a token that a call names.
func callFields(c *chaos.Call) []string {
	texts := []string{c.URL, c.Body}
	for _, text := range c.Headers {
		texts = append(texts, text)
	}
	return scenarios.Fields(strings.Join(texts, "\n"))
}

// bodyForm is what a body is and how values are written in it: by its media type or,
// without one, by its looks.
func bodyForm(body template, given string) (media string, escape func(string) string) {
	media, _, _ = mime.ParseMediaType(given)
	if len(body) > 0 && given == "" {
		if media = "application/x-www-form-urlencoded"; body.isJSON() {
			media = "application/json"
		}
	}
	switch {
	case media == "application/json" || strings.HasSuffix(media, "+json"):
		return media, escapeJSON
	case media == "application/x-www-form-urlencoded":
		return media, url.QueryEscape
	}
	return media, verbatim
}

// isJSON says whether a body is JSON if numbers are put in.
func (t template) isJSON() bool {
	text := ""
	for _, p := range t {
		text += cmp.Or(p.text, "0")
	}
	return strings.IndexAny(strings.TrimSpace(text), "{[") == 0 && json.Valid([]byte(text))
}

// escapeJSON writes a value inside the quotes of a JSON string.
func escapeJSON(s string) string {
	quoted, _ := json.Marshal(s) // a string never fails
	return string(quoted[1 : len(quoted)-1])
}

// request fills a call in.
func (c *caller) request(ctx context.Context, from *call, f fields) (*http.Request, error) {
	v := values{f, c.getenv}
	target, err := from.url.fillURL(v)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(target)
	if err != nil || u.Hostname() == "" {
		return nil, errors.New("its URL is not that of a server")
	}
	if err := c.reach.hosts.Check(u.Hostname()); err != nil {
		return nil, err
	}
	body, err := from.body.fill(v, from.escape)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, from.method(), target, strings.NewReader(body))
	if err != nil {
		return nil, errors.New("not an HTTP request") // the cause shows the URL
	}
	if from.media != "" {
		req.Header.Set("Content-Type", from.media)
	}
	for name, text := range from.headers {
		value, err := text.fill(v, verbatim)
		if err != nil {
			return nil, err
		}
		if strings.ContainsFunc(value, unicode.IsControl) {
			return nil, fmt.Errorf("the value of header %s has a control character in it", name)
		}
		req.Header.Set(name, value)
	}
	return req, nil
}

func (c *call) method() string { return cmp.Or(c.Method, http.MethodPost) }

// String is the method and the URL without its query, with the names of variables
// and fields and not their values.
func (c *call) String() string {
	at, _, _ := strings.Cut(c.URL, "?")
	return c.method() + " " + at
}

// make makes a call.
func (c *caller) make(ctx context.Context, from *call, f fields) (reply, error) {
	req, err := c.request(ctx, from, f)
	if err != nil {
		return reply{}, err
	}
	return c.send(ctx, req)
}

// issuing makes tokens by a call.
func (c *caller) issuing(by *chaos.Call) (func(context.Context) (fields, error), error) {
	from, err := c.newCall(by, false)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", from, err)
	}
	return func(ctx context.Context) (fields, error) {
		got, err := c.make(ctx, from, nil)
		if err == nil {
			var status int
			if status, err = acknowledged(got.status, by.Status); err == nil && status != http.StatusOK {
				err = fmt.Errorf("%s; expected %s", got, oneOf(by.Status))
			}
		}
		var f fields
		if err == nil {
			f, err = got.token()
		}
		if err != nil {
			return nil, fmt.Errorf("issue: %s: %w", from, err)
		}
		return f, nil
	}, nil
}

// revoking revokes tokens by a call.
func (c *caller) revoking(by *chaos.Call) (func(context.Context, fields) (int, error), error) {
	from, err := c.newCall(by, true)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", from, err)
	}
	return func(ctx context.Context, f fields) (int, error) {
		got, err := c.make(ctx, from, f)
		status := got.status
		if err == nil {
			status, err = acknowledged(status, by.Status)
		}
		if err != nil {
			return 0, fmt.Errorf("revoke: %s: %w", from, err)
		}
		return status, nil
	}, nil
}
