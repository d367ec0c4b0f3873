package chaos

import (
	"context"
	"net"
	"slices"
	"sync"
	"time"
)

const (
	// maxAhead bounds what is read ahead of a reader, and maxUnsent what a stalled
	// connection takes before a write blocks, as the buffers of a socket do.
	maxAhead  = 1 << 20
	maxUnsent = 1 << 20
)

// DialContext dials over the link. What the peer sends arrives later by the
// link's delay, in order; faults may hold it back, break the connection and, if
// it speaks NATS without TLS, act on the pushes of the registry.
func (l *Link) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	rules := *l.rules.Load()
	for _, u := range rules {
		if err := u.meetDial(ctx); err != nil {
			return nil, err
		}
	}
	var d net.Dialer
	inner, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return l.attach(inner, rules), nil
}

// attach puts an open connection behind the link. A rule that came while it was
// dialled has not met it yet.
func (l *Link) attach(inner net.Conn, met []*rule) *conn {
	c := &conn{
		Conn: inner, link: l, closed: make(chan struct{}),
		changed: make(chan struct{}, 1), taken: make(chan struct{}, 1), drained: make(chan struct{}, 1),
	}
	l.mu.Lock()
	l.serial++
	c.serial = l.serial
	l.conns[c] = struct{}{}
	now := *l.rules.Load()
	l.mu.Unlock()
	for _, u := range now {
		if !slices.Contains(met, u) {
			u.meetOpen(c)
		}
	}
	go c.pump()
	return c
}

// conn is a connection behind a link. A goroutine reads ahead from the one inside
// it, so that a delay adds latency and takes no throughput.
type conn struct {
	net.Conn
	link   *Link
	serial int
	frames frames // owned by pump

	once    sync.Once
	closed  chan struct{}
	changed chan struct{} // has an element when a reader should look again
	taken   chan struct{} // has one when a reader has taken something
	drained chan struct{} // has one when something kept was sent

	mu     sync.Mutex
	why    error // that it is closed
	gates  []hold
	plain  []parcel // in the order in which they were sent
	pushes []parcel // that were held back, and those behind them
	ahead  int      // bytes in both
	rest   []byte   // of what is being read
	end    error    // that comes after all

	readBy, writeBy time.Time

	unsent []byte
	sender bool // runs
}

// parcel is a piece of what the peer sent, and what holds it back.
type parcel struct {
	data  []byte
	holds []hold
	late  bool // held back by itself: what is not a push may overtake it
}

func (d parcel) left(now time.Time) time.Duration {
	for _, h := range d.holds {
		if left := h.left(now); left > 0 {
			return left
		}
	}
	return 0
}

// pump reads and hands on, through the rules.
func (c *conn) pump() {
	buf := make([]byte, 16<<10)
	for {
		n, err := c.Conn.Read(buf)
		if !c.unblocked() {
			return
		}
		if n > 0 {
			if broken := c.arrive(buf[:n]); broken != nil {
				c.reset(broken)
				return
			}
		}
		if err != nil {
			c.finish(err)
			return
		}
		if !c.room() {
			return
		}
	}
}

// arrive takes what one read got through the rules.
func (c *conn) arrive(data []byte) error {
	rules := *c.link.rules.Load()
	var holds []hold
	for _, u := range rules {
		h, err := u.meetData()
		if err != nil {
			return err
		}
		if h != nil {
			holds = append(holds, *h)
		}
	}
	c.frames.feed(data, func(piece []byte, push bool) {
		pieces := []parcel{{data: piece, holds: holds}}
		if push {
			for _, u := range rules {
				pieces = u.meetPush(c, pieces)
			}
		}
		c.enqueue(pieces, push)
	})
	return nil
}

// enqueue hands pieces to the reader. Pushes keep their order among themselves.
func (c *conn) enqueue(pieces []parcel, push bool) {
	c.mu.Lock()
	for _, d := range pieces {
		if d.late || push && len(c.pushes) > 0 {
			c.pushes = append(c.pushes, d)
		} else {
			c.plain = append(c.plain, d)
		}
		c.ahead += len(d.data)
	}
	c.mu.Unlock()
	c.wake()
}

// finish tells the reader what ended the connection, after all that came before.
func (c *conn) finish(err error) {
	c.frames.flush(func(piece []byte, push bool) { c.enqueue([]parcel{{data: piece}}, push) })
	c.mu.Lock()
	c.end = err
	c.mu.Unlock()
	c.wake()
}

// unblocked waits for the gates; false means that the connection was closed.
func (c *conn) unblocked() bool {
	for {
		c.mu.Lock()
		h := c.gate()
		c.mu.Unlock()
		if h == nil {
			return true
		}
		select {
		case <-h.over:
		case <-c.closed:
			return false
		}
	}
}

// gate returns one that is shut, or nil. Those that opened are forgotten.
func (c *conn) gate() *hold {
	c.gates = slices.DeleteFunc(c.gates, func(h hold) bool { return h.left(time.Time{}) == 0 })
	if len(c.gates) == 0 {
		return nil
	}
	return &c.gates[0]
}

// stall lets nothing pass in either direction until h is over.
func (c *conn) stall(h hold) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gates = append(c.gates, h)
}

// room waits until the reader is not too far behind.
func (c *conn) room() bool {
	for {
		c.mu.Lock()
		full := c.ahead > maxAhead
		c.mu.Unlock()
		if !full {
			return true
		}
		select {
		case <-c.taken:
		case <-c.closed:
			return false
		}
	}
}

func (c *conn) wake() { signal(c.changed) }

// signal leaves an element in a channel of capacity 1.
func signal(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}
