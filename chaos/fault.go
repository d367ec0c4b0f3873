package chaos

import "context"

// Fault is one thing to break. A fault is a value: it holds its parameters and
// nothing about where it is injected.
type Fault interface {
	// Inject breaks the target. On an error nothing is left broken.
	Inject(ctx context.Context, t Target) (*Injected, error)
}

// Injected is a fault in place, with the evidence of what it does. Its functions
// are safe for concurrent use and never nil.
type Injected struct {
	// Heal mends what was broken. It is called once.
	Heal func(context.Context) error
	// Met counts what the fault has acted on so far: while it stays zero, nothing
	// is known about what it would have done.
	Met func() int64
	// Clear counts what has come through the same place unharmed so far; if it does
	// not grow after Heal, nobody knows that it healed.
	Clear func() int64
}

// Target is what a fault may act on; a fault of links gets links and one of nodes
// gets nodes, never none.
type Target struct {
	// Links are the hops that were chosen, one for each node.
	Links []*Link
	// Nodes are the roles that were chosen.
	Nodes []Node
	// Seed is what the fault draws from.
	Seed uint64
}

// Node is one role of a stage that faults can steer, such as "cache/gw-1".
type Node struct {
	Name    string
	Control Control
}

// Control steers one node. It is for the stage only and never reachable from
// outside. It is safe for concurrent use.
type Control interface {
	// Do carries out a command. It is an error if the node does not know the verb.
	Do(ctx context.Context, c Command) error
	// Count tells how often the node acted while the verb was in force, and how
	// often while it was not.
	Count(v Verb) (met, clear int64)
}

// Command tells a node to change one thing about itself.
type Command struct {
	Verb Verb
	// Amount is in seconds for VerbClock and a factor for VerbTTL; for the others
	// 1 begins and 0 ends it.
	Amount float64
}

// Verb is what a node can be told.
type Verb string

const (
	// VerbClock sets the wall clock off by Amount seconds; 0 sets it right. Timers
	// go on as before: a skewed clock is wrong, not fast.
	VerbClock Verb = "clock"
	// VerbTTL multiplies the TTL of what the node caches by Amount; 1 is as configured.
	VerbTTL Verb = "ttl"
	// VerbFlush empties the node's caches, once.
	VerbFlush Verb = "flush"
	// VerbRestart ends the node's process and starts it again, with empty memory.
	VerbRestart Verb = "restart"
	// VerbCredentials makes the node use a client secret that is wrong.
	VerbCredentials Verb = "credentials"
	// VerbLie makes the authority answer as if its database were gone and nobody
	// had noticed: introspection says active:false and a revocation 200.
	VerbLie Verb = "lie"
	// VerbRotate makes the authority sign with a new key, once.
	VerbRotate Verb = "rotate"
	// VerbDropKey takes the authority's signing key out of what it publishes while
	// it still signs with it.
	VerbDropKey Verb = "drop-key"
	// VerbPause freezes the container of the node: its connections stay, and nothing
	// answers.
	VerbPause Verb = "pause"
	// VerbKill kills the container of the node; the end of it starts it again, with
	// the files that it had and empty memory.
	VerbKill Verb = "kill"
	// VerbDisconnect takes the container of the node off the network of the roles.
	VerbDisconnect Verb = "disconnect"
	// VerbCPU lets the container of the node use at most Amount CPUs; 0 is as before.
	VerbCPU Verb = "cpu"
	// VerbMemory lets it use at most Amount bytes; 0 is as before.
	VerbMemory Verb = "memory"
)
