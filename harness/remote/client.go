package remote

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tokendrill/tokendrill/chaos"
	"github.com/tokendrill/tokendrill/fixtures/pattern"
	"github.com/tokendrill/tokendrill/harness"
)

// Client is a role in another process. It is safe for concurrent use. Changes are
// made one by one. One that the process does not answer is given up with an error; it
// may be carried out all the same until it is taken back, and not after that, even if
// the process was frozen and wakes later.
type Client struct {
	// Audit hears of every fallback, limited operation and step-up of the role; nil
	// throws them away. It is set before Start.
	Audit pattern.Auditor

	control func() string
	key     string
	http    *http.Client
	orders  atomic.Uint64
	turn    chan struct{} // full while somebody changes something

	mu     sync.Mutex
	role   harness.Role
	up     Up
	lease  *lease // nil before Start, and after Close
	verbs  map[chaos.Verb]*told
	faults []*injected
	calls  callCounts
}

const (
	// askLimit bounds a question, and changeGrace what a change may take longer than
	// the process gives itself.
	askLimit    = time.Second
	changeGrace = 2 * time.Second
	// pingEvery is how often a process is asked that does not answer yet.
	pingEvery = 20 * time.Millisecond
	// lossGrace is how long the end of a lease may be unknown after the process died.
	lossGrace = 500 * time.Millisecond
)

// NewClient returns the client of a process whose control listener is at a base URL,
// such as "http://127.0.0.1:9000". Control is called for each request, as the URL may
// change when the process is started again. The key is any text without spaces, of
// at least 128 random bits.
func NewClient(control func() string, key string) *Client {
	return &Client{
		control: control, key: key, turn: make(chan struct{}, 1), verbs: map[chaos.Verb]*told{},
		http: &http.Client{
			Transport:     &http.Transport{MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute}, // no proxy: nobody else gets the key
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// String names the role, and shows no secret.
func (c *Client) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.role.Kind == "" {
		return "role in another process"
	}
	return c.role.String()
}

// GoString is String.
func (c *Client) GoString() string { return c.String() }

// Start waits until the process answers, as long as ctx lasts, and has it serve the
// role. It is called once. The role stays up until Close, also when ctx ends, and ends
// with this process.
func (c *Client) Start(ctx context.Context, role harness.Role) (Up, error) {
	if err := c.take(ctx); err != nil {
		return Up{}, err
	}
	defer c.give()
	if c.held() != nil {
		return Up{}, fmt.Errorf("%v: it has been started", c)
	}
	c.mu.Lock()
	c.role = role
	c.mu.Unlock()
	return c.serve(ctx)
}

// Resume has a process that was started again serve the same role, and repeats what
// is in force: verbs first, then faults in the order of their injection. Counts go on
// from where they were. On an error the role may be up without all of that.
func (c *Client) Resume(ctx context.Context) error {
	if err := c.take(ctx); err != nil {
		return err
	}
	defer c.give()
	old := c.held()
	if old == nil {
		return fmt.Errorf("%v: resume: it is not up", c)
	}
	old.release()
	c.http.CloseIdleConnections() // they lead to the process that is gone
	if _, err := c.serve(ctx); err != nil {
		return err
	}
	return c.repeat(ctx)
}

// Ping asks whether the process answers, for as long as ctx lasts.
func (c *Client) Ping(ctx context.Context) error {
	return c.call(ctx, http.MethodGet, "/ping", nil, nil)
}

// Reach asks whether the role can dial its peers and its own name on the network. The
// error says which not, or that nobody answered.
func (c *Client) Reach(ctx context.Context) error {
	return c.call(ctx, http.MethodGet, "/reach", nil, nil)
}

// Close ends the role and waits until it has ended. It may be called again, and is nil
// if the process has ended by itself.
func (c *Client) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), changeLimit+changeGrace)
	defer cancel()
	if err := c.take(ctx); err != nil {
		return err
	}
	defer c.give()
	l := c.held()
	if l == nil {
		return nil
	}
	err := c.change(ctx, http.MethodDelete, "/serve", nil, nil, true)
	l.release()
	c.http.CloseIdleConnections()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lease = nil
	return err
}

// take waits for the turn to change something.
func (c *Client) take(ctx context.Context) error {
	select {
	case c.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%v: waiting for another change: %w", c, context.Cause(ctx))
	}
}

func (c *Client) give() { <-c.turn }

// held is the lease of the role.
func (c *Client) held() *lease {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lease
}
