package remote

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// serve has the process serve the role, once it answers.
func (c *Client) serve(ctx context.Context) (Up, error) {
	if err := c.await(ctx); err != nil {
		return Up{}, err
	}
	l, up, err := c.open(ctx)
	if err != nil {
		return Up{}, fmt.Errorf("%v: %w", c, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lease, c.up = l, up
	return up, nil
}

// await waits until the process answers.
func (c *Client) await(ctx context.Context) error {
	for {
		one, cancel := context.WithTimeout(ctx, askLimit)
		err := c.Ping(one)
		cancel()
		if err == nil || errors.As(err, new(*refusal)) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w; the last time: %w", context.Cause(ctx), err)
		case <-time.After(pingEvery):
		}
	}
}

// open takes a lease of the role. It outlives ctx.
func (c *Client) open(ctx context.Context) (*lease, Up, error) {
	lasting, cancel := context.WithCancel(context.WithoutCancel(ctx))
	settled := context.AfterFunc(ctx, cancel)
	l := &lease{cancel, make(chan struct{})}
	up, err := c.hold(lasting, l)
	if !settled() && err == nil { // ctx has ended just now
		l.release()
		err = context.Cause(ctx)
	}
	if err != nil {
		cancel()
		return nil, Up{}, err
	}
	return l, up, nil
}

// hold takes a lease that lasts as long as ctx and the role.
func (c *Client) hold(ctx context.Context, l *lease) (up Up, err error) {
	res, err := c.send(ctx, http.MethodPost, "/serve", c.role) //nolint:bodyclose // the goroutine closes it
	if err != nil {
		return up, err
	}
	lines := bufio.NewReaderSize(res.Body, maxBody)
	if up, err = readUp(lines); err != nil {
		res.Body.Close()
		return up, err
	}
	go func() {
		defer close(l.over)
		defer res.Body.Close()
		listen(lines, c.Audit)
		l.cancel() // what cannot be audited must not go on
	}()
	return up, nil
}

// readUp reads the line that says that the role is up.
func readUp(r *bufio.Reader) (up Up, err error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return up, fmt.Errorf("it ended before the role was up: %w", err)
	}
	return up, json.Unmarshal(line, &up)
}
