package chaos

import (
	"os"
	"time"
)

// Read gives what arrived, once nothing holds it back.
func (c *conn) Read(p []byte) (int, error) {
	for {
		n, wait, err := c.take(p)
		if n > 0 || err != nil || len(p) == 0 {
			return n, err
		}
		c.pause(wait)
	}
}

// take gives what can be read now, or says how long to wait.
func (c *conn) take(p []byte) (n int, wait time.Duration, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	switch wait = untilDeadline(c.readBy, now); {
	case c.why != nil:
		return 0, 0, c.why
	case wait <= 0:
		return 0, 0, os.ErrDeadlineExceeded
	case len(c.rest) == 0:
		wait = min(wait, c.next(now))
	}
	n = copy(p, c.rest)
	c.rest = c.rest[n:]
	if n == 0 && c.end != nil && len(c.plain)+len(c.pushes) == 0 {
		err = c.end
	}
	return n, wait, err
}

// next takes the first piece of either lane that nothing holds, or says how long
// the nearest is held.
func (c *conn) next(now time.Time) time.Duration {
	wait := forever
	for _, lane := range []*[]parcel{&c.pushes, &c.plain} {
		if len(*lane) == 0 {
			continue
		}
		d := (*lane)[0]
		left := d.left(now)
		if left == 0 {
			*lane = (*lane)[1:]
			c.rest = d.data
			c.ahead -= len(d.data)
			signal(c.taken)
			return 0
		}
		wait = min(wait, left)
	}
	return wait
}

func untilDeadline(by, now time.Time) time.Duration {
	if by.IsZero() {
		return forever
	}
	return by.Sub(now)
}

func (c *conn) pause(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-c.changed:
	case <-c.closed:
	}
}
