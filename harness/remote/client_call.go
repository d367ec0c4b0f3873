package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// refusal is an error that the process answered.
type refusal struct {
	status int
	text   string
}

func (r *refusal) Error() string { return r.text }

// call asks the process for something. In and out may be nil.
func (c *Client) call(ctx context.Context, method, path string, in, out any) error {
	res, err := c.send(ctx, method, path, in)
	if err == nil {
		defer res.Body.Close()
		if out != nil {
			err = json.NewDecoder(io.LimitReader(res.Body, maxBody)).Decode(out)
		}
	}
	if err != nil {
		return fmt.Errorf("%v: %s %s: %w", c, method, path, err)
	}
	return nil
}

// send sends a request and returns an answer that is no refusal.
func (c *Client) send(ctx context.Context, method, path string, in any) (*http.Response, error) {
	var body bytes.Buffer
	if in != nil {
		if err := json.NewEncoder(&body).Encode(in); err != nil {
			return nil, err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, c.control()+path, &body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.key)
	req.Header.Set("Content-Type", "application/json")
	if method != http.MethodGet {
		req.Header.Set(headerOrder, strconv.FormatUint(c.orders.Add(1), 10))
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	if res.StatusCode == http.StatusOK {
		return res, nil
	}
	defer res.Body.Close()
	said := failure{}
	if err := json.NewDecoder(io.LimitReader(res.Body, maxBody)).Decode(&said); err != nil || said.Error == "" {
		said.Error = res.Status
	}
	return nil, &refusal{res.StatusCode, said.Error}
}

// change changes something about the role, for as long as the process may take for
// it. What it takes back is gone with a process that has ended, which is no error.
func (c *Client) change(ctx context.Context, method, path string, in, out any, back bool) error {
	l := c.held()
	if l == nil {
		return fmt.Errorf("%v: %s %s: it is not up", c, method, path)
	}
	if back && l.lost(0) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, changeLimit+changeGrace)
	defer cancel()
	err := c.call(ctx, method, path, in, out)
	if err != nil && back && !errors.As(err, new(*refusal)) && l.lost(lossGrace) {
		return nil
	}
	return err
}

// lease is a role for as long as it lives.
type lease struct {
	cancel context.CancelFunc
	over   chan struct{} // closed when the role has ended, or is given up
}

// lost says whether the role ends within a time.
func (l *lease) lost(within time.Duration) bool {
	select {
	case <-l.over:
		return true
	default:
	}
	select {
	case <-l.over:
		return true
	case <-time.After(within):
		return false
	}
}

// release gives the role up.
func (l *lease) release() {
	l.cancel()
	<-l.over
}
