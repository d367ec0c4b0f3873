package chaos

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"
)

// DialContext dials over the link. What the peer sends arrives later by the
// link's delay, in order; the connection is closed when the link is cut.
func (l *Link) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if err := l.pass(ctx); err != nil {
		return nil, err
	}
	var d net.Dialer
	inner, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: inner, link: l, chunks: make(chan chunk, 64), closed: make(chan struct{})}
	if err := l.attach(c); err != nil {
		inner.Close()
		return nil, err
	}
	go c.pump()
	return c, nil
}

// attach registers an open connection, unless the link was cut meanwhile.
func (l *Link) attach(c *conn) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cut {
		return fmt.Errorf("%v: %w", l, ErrCut)
	}
	l.conns[c] = struct{}{}
	return nil
}

// conn delays what is read from the connection inside it.
type conn struct {
	net.Conn
	link   *Link
	chunks chan chunk
	closed chan struct{}
	once   sync.Once
	rest   []byte // of the chunk being read
	err    error  // that comes after rest
}

// chunk is what one read gave, and when the reader may have it.
type chunk struct {
	data []byte
	err  error
	due  time.Time
}

// pump reads ahead so that a delay adds latency and takes no throughput. Due
// times never go back: a connection keeps the order of its bytes.
func (c *conn) pump() {
	var last time.Time
	for {
		buf := make([]byte, 16<<10)
		n, err := c.Conn.Read(buf)
		var d time.Duration
		if err == nil {
			d, err = c.link.admit()
		}
		due := time.Now().Add(d)
		if due.Before(last) {
			due = last
		}
		last = due
		select {
		case c.chunks <- chunk{buf[:n], err, due}:
		case <-c.closed:
			return
		}
		if err != nil {
			return
		}
	}
}

// Read gives what arrived, once its delay is over. Deadlines act on the
// connection inside: one that passes ends the connection for good.
func (c *conn) Read(p []byte) (int, error) {
	for len(c.rest) == 0 {
		if c.err != nil {
			return 0, c.err
		}
		select {
		case ch := <-c.chunks:
			if err := c.wait(ch.due); err != nil {
				return 0, err
			}
			c.rest, c.err = ch.data, ch.err
		case <-c.closed:
			return 0, net.ErrClosed
		}
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

func (c *conn) wait(due time.Time) error {
	d := time.Until(due)
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-c.closed:
		return net.ErrClosed
	}
}

// Close closes the connection; it may be called more than once.
func (c *conn) Close() error {
	err := net.ErrClosed
	c.once.Do(func() {
		close(c.closed)
		c.link.mu.Lock()
		delete(c.link.conns, c)
		c.link.mu.Unlock()
		err = c.Conn.Close()
	})
	return err
}
