package containers

import (
	"context"
	"time"

	"github.com/tokendrill/tokendrill/chaos"
)

const (
	// lookLimit bounds one look at a container and its role, and silence is how long
	// one that is frozen or dead is listened to.
	lookLimit = time.Second
	silence   = 300 * time.Millisecond
)

// evidence is what has been seen of one verb.
type evidence struct {
	met   int64 // times that it was in force: the engine said so and the role showed it
	clear int64 // times that it was not, and the role answered
}

// Count implements chaos.Control. Each call takes a look, for a second at most; while
// a command is being carried out it tells what was last known.
func (n *node) Count(v chaos.Verb) (met, clear int64) {
	if v != chaos.VerbRestart && !ofContainer(v) {
		if n.role == nil {
			return 0, 0
		}
		return n.role.Count(v)
	}
	ctx, cancel := context.WithTimeout(context.Background(), lookLimit)
	defer cancel()
	_ = n.alone(ctx, func() error { n.look(ctx, v); return nil }) // else somebody else has the turn
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.seen[v].met, n.seen[v].clear
}

// look counts what the engine and the role show of a verb. Whoever has the turn looks.
func (n *node) look(ctx context.Context, v chaos.Verb) {
	ctx, cancel := context.WithTimeout(ctx, lookLimit)
	defer cancel()
	is, err := n.box.inspect(ctx)
	amount := n.force[v]
	switch {
	case err != nil || n.states(is)[v] != amount: // nothing is known
	case amount == 0 && n.well(ctx, v):
		n.count(v, evidence{clear: 1})
	case amount != 0 && !n.landed[v] && n.shows(ctx, v):
		n.landed[v] = true
		n.count(v, evidence{met: 1})
	}
}

func (n *node) count(v chaos.Verb, e evidence) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.seen[v] = evidence{n.seen[v].met + e.met, n.seen[v].clear + e.clear}
}

// shows says whether the role shows that a verb is in force, where that can be seen:
// a limit cannot, nor can what other people's software does without its network.
func (n *node) shows(ctx context.Context, v chaos.Verb) bool {
	switch v {
	case chaos.VerbPause, chaos.VerbKill:
		ctx, cancel := context.WithTimeout(ctx, silence)
		defer cancel()
		return n.answers(ctx) != nil
	case chaos.VerbDisconnect:
		return n.role == nil || n.role.Reach(ctx) != nil
	}
	return true
}

// well says whether the role is up and answers. After a kill somebody asks it where
// its callers do, and after a disconnect it has to reach its peers.
func (n *node) well(ctx context.Context, v chaos.Verb) bool {
	if n.empty || n.answers(ctx) != nil {
		return false
	}
	switch v {
	case chaos.VerbKill, chaos.VerbRestart:
		return n.box.answers(ctx) == nil
	case chaos.VerbDisconnect:
		return n.role == nil || n.role.Reach(ctx) == nil
	}
	return true
}

// answers asks the role whether it is there.
func (n *node) answers(ctx context.Context) error {
	if n.role == nil {
		return n.box.answers(ctx)
	}
	return n.role.Ping(ctx)
}
