package chaos

import (
	"net"
	"os"
	"time"
)

// Write sends, or keeps for later while the connection is stalled, as the buffer of
// a socket does.
func (c *conn) Write(p []byte) (int, error) {
	for {
		c.mu.Lock()
		gate, err := c.gate(), c.why
		switch {
		case err != nil:
			c.mu.Unlock()
			return 0, err
		case gate == nil && !c.sender:
			c.mu.Unlock()
			return c.Conn.Write(p)
		case len(c.unsent) == 0 || len(c.unsent)+len(p) <= maxUnsent:
			c.keep(p)
			c.mu.Unlock()
			return len(p), nil
		}
		by := c.writeBy
		c.mu.Unlock()
		if err := c.sent(by); err != nil {
			return 0, err
		}
	}
}

// keep keeps p for a goroutine that sends it when the connection moves again.
func (c *conn) keep(p []byte) {
	c.unsent = append(c.unsent, p...)
	if !c.sender {
		c.sender = true
		go c.send()
	}
}

// send sends what was kept.
func (c *conn) send() {
	for c.unblocked() {
		c.mu.Lock()
		batch := c.unsent
		c.unsent = nil
		c.sender = len(batch) > 0
		c.mu.Unlock()
		signal(c.drained)
		if len(batch) == 0 {
			return
		}
		if _, err := c.Conn.Write(batch); err != nil {
			_ = c.shut(err) // which is all that can be done about it
			return
		}
	}
}

// sent waits until something that was kept has been sent.
func (c *conn) sent(by time.Time) error {
	t := time.NewTimer(untilDeadline(by, time.Now()))
	defer t.Stop()
	select {
	case <-c.drained:
		return nil
	case <-t.C:
		return os.ErrDeadlineExceeded
	case <-c.closed:
		return net.ErrClosed
	}
}

// Close closes the connection; it may be called more than once.
func (c *conn) Close() error { return c.shut(net.ErrClosed) }

// shut closes the connection for a reason that reads and writes then return.
func (c *conn) shut(why error) error {
	err := net.ErrClosed
	c.once.Do(func() {
		c.mu.Lock()
		c.why = why
		c.mu.Unlock()
		close(c.closed)
		c.link.mu.Lock()
		delete(c.link.conns, c)
		c.link.mu.Unlock()
		err = c.Conn.Close()
	})
	return err
}

// reset closes the connection with a reset (RFC 9293 section 3.10.7) to the peer too.
func (c *conn) reset(why error) {
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // it is being closed: the worst is a FIN
	}
	_ = c.shut(why) // it may be closed already
}

// SetDeadline sets the deadlines of reads and writes.
func (c *conn) SetDeadline(t time.Time) error {
	_ = c.SetReadDeadline(t) // never fails
	return c.SetWriteDeadline(t)
}

// SetReadDeadline sets the deadline of reads. A read that misses it loses nothing.
func (c *conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	c.readBy = t
	c.mu.Unlock()
	c.wake()
	return nil
}

// SetWriteDeadline sets the deadline of writes.
func (c *conn) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	c.writeBy = t
	c.mu.Unlock()
	return c.Conn.SetWriteDeadline(t)
}
