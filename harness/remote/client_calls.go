package remote

import (
	"maps"
	"sync"
	"time"
)

// callsEvery is for how long the counts of calls are taken for the present ones.
const callsEvery = 50 * time.Millisecond

// callCounts are the checks that each client has asked of an authority. They go on
// from process to process.
type callCounts struct {
	asking       sync.Mutex // held while the process is asked
	asked        time.Time
	before, last map[string]int64
}

// again is for a process that counts from zero.
func (n *callCounts) again() { n.before, n.last = n.sum(), nil }

func (n *callCounts) sum() map[string]int64 {
	out := maps.Clone(n.before)
	if out == nil {
		out = map[string]int64{}
	}
	for client, calls := range n.last {
		out[client] += calls
	}
	return out
}

// Calls are the checks that each client has asked of an authority, at most 50 ms ago
// or as they were last known; empty for another role.
func (c *Client) Calls() map[string]int64 {
	c.calls.asking.Lock()
	defer c.calls.asking.Unlock()
	if time.Since(c.calls.asked) < callsEvery {
		return c.callsKnown(nil, nil)
	}
	defer func() { c.calls.asked = time.Now() }()
	var now map[string]int64
	l, err := c.ask("/calls", &now)
	if err != nil {
		now = nil
	}
	return c.callsKnown(l, now)
}

// callsKnown takes what the process of a lease says, nil if nothing.
func (c *Client) callsKnown(l *lease, now map[string]int64) map[string]int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now != nil && l == c.lease {
		c.calls.last = now
	}
	return c.calls.sum()
}
