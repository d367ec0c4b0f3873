package remote

import (
	"context"
	"net/http"
	"slices"

	"github.com/tokendrill/tokendrill/chaos"
)

// told is what a verb of the role was told last, and its counts.
type told struct {
	amount float64
	tally
}

// tally goes on from process to process.
type tally struct{ before, last counts }

func (t *tally) sum() (met, clear int64) {
	return t.before.Met + t.last.Met, t.before.Clear + t.last.Clear
}

// heard takes what the present process says. Answers may overtake each other.
func (t *tally) heard(n counts) {
	t.last = counts{max(t.last.Met, n.Met), max(t.last.Clear, n.Clear)}
}

// again is for a process that counts from zero.
func (t *tally) again() {
	t.before.Met, t.before.Clear = t.sum()
	t.last = counts{}
}

// Do implements chaos.Control. Taking a verb back is no error if the process has
// ended: its next one begins without.
func (c *Client) Do(ctx context.Context, cmd chaos.Command) error {
	if err := c.take(ctx); err != nil {
		return err
	}
	defer c.give()
	ends := slices.Contains(lasting(), cmd.Verb) && cmd.Amount == back(cmd.Verb)
	if ends {
		c.tell(cmd, counts{}) // also if nobody answers: it must not be repeated
	}
	var now counts
	err := c.change(ctx, http.MethodPut, "/control/"+string(cmd.Verb), telling{cmd.Amount}, &now, ends)
	if err == nil {
		c.tell(cmd, now)
	}
	return err
}

// tell remembers a command, and what was counted when it was carried out.
func (c *Client) tell(cmd chaos.Command, now counts) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.verb(cmd.Verb)
	t.amount = cmd.Amount
	t.heard(now)
}

// verb is what is known of a verb. The caller holds mu.
func (c *Client) verb(v chaos.Verb) *told {
	if c.verbs[v] == nil {
		c.verbs[v] = &told{amount: back(v)}
	}
	return c.verbs[v]
}

// Count implements chaos.Control. It waits for an answer for a second at most, and
// tells what was last known if there is none.
func (c *Client) Count(v chaos.Verb) (met, clear int64) {
	c.mu.Lock()
	t := &c.verb(v).tally
	c.mu.Unlock()
	return c.count(t, "/control/"+string(v))
}

// count brings a tally up to date.
func (c *Client) count(t *tally, path string) (met, clear int64) {
	var now counts
	l, err := c.ask(path, &now)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil && l == c.lease {
		t.heard(now)
	}
	return t.sum()
}

// ask asks the process that holds a lease, for a second at most.
func (c *Client) ask(path string, out any) (*lease, error) {
	l := c.held()
	if l == nil || l.lost(0) {
		return l, context.Canceled
	}
	ctx, cancel := context.WithTimeout(context.Background(), askLimit)
	defer cancel()
	return l, c.call(ctx, http.MethodGet, path, nil, out)
}
