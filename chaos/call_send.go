package chaos

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"
	"unicode"
)

const (
	// callTimeout bounds one inject or heal call.
	callTimeout = 5 * time.Second
	// maxAnswer is how much of an answer's header or body is read.
	maxAnswer = 64 << 10
)

// send makes the call, and says whether it may have arrived. Errors show neither
// what the variables hold nor what was answered.
func (c Call) send(ctx context.Context, hosts []string) (began bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { began = true }})
	req, err := c.request(traced, hosts)
	if err != nil {
		return false, err
	}
	// A round trip, and not a client: no redirects, and no URL in errors.
	resp, err := transport(req.URL, hosts).RoundTrip(req)
	if err != nil {
		return began, fmt.Errorf("%s: %w", c, plainly(ctx, err))
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer)) // the status has told
	if !c.succeeded(resp.StatusCode) {
		return true, fmt.Errorf("%s: status %d, expected %s", c, resp.StatusCode, c.success())
	}
	return true, nil
}

// request is the call with its variables looked up.
func (c Call) request(ctx context.Context, hosts []string) (*http.Request, error) {
	req, err := c.build(ctx)
	if err == nil {
		err = Hosts(hosts).Check(req.URL.Hostname())
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c, err)
	}
	return req, nil
}

func (c Call) build(ctx context.Context) (*http.Request, error) {
	if wrong := c.mistake(); wrong != nil {
		return nil, wrong
	}
	target, err := lookedUp(c.URL)
	if err != nil {
		return nil, err
	}
	if wrong := unfit(target); wrong != nil {
		return nil, wrong
	}
	body, err := lookedUp(c.Body)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, c.method(), target, strings.NewReader(body))
	if err != nil {
		return nil, errors.New("not an HTTP request") // the cause shows the URL
	}
	req.Header.Set("User-Agent", "tokendrill")
	for name, text := range c.Headers {
		value, err := lookedUp(text)
		if err != nil {
			return nil, err
		}
		if strings.ContainsFunc(value, unicode.IsControl) {
			return nil, fmt.Errorf("the value of header %s is not printable", name)
		}
		req.Header.Set(name, value)
	}
	return req, nil
}

// lookedUp puts the values of environment variables into a text.
func lookedUp(text string) (string, error) {
	var missing error
	out := variable.ReplaceAllStringFunc(text, func(found string) string {
		name := found[2 : len(found)-1]
		value, set := os.LookupEnv(name)
		if !set {
			missing = fmt.Errorf("environment variable %s is not set", name)
		}
		return value
	})
	return out, missing
}

// transport makes one connection, to the host of the URL and through no proxy.
func transport(u *url.URL, hosts []string) *http.Transport {
	d := &net.Dialer{Control: Hosts(hosts).Control(u.Hostname())}
	return &http.Transport{DialContext: d.DialContext, DisableKeepAlives: true, MaxResponseHeaderBytes: maxAnswer}
}

// plainly says why there is no answer, without what was sent or received.
func plainly(ctx context.Context, err error) error {
	var cause syscall.Errno
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return errors.New("no answer in time")
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, errElsewhere):
		return errElsewhere
	case errors.As(err, new(*net.DNSError)):
		return errors.New("its host is not known")
	case errors.As(err, new(*tls.CertificateVerificationError)):
		return errors.New("its certificate is not trusted")
	case errors.As(err, &cause):
		return cause
	}
	return errors.New("no HTTP answer")
}
