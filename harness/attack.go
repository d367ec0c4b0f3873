package harness

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"github.com/tokendrill/tokendrill/fixtures/token"
	"github.com/tokendrill/tokendrill/harness/measure"
)

const (
	// DefaultAttackWorkers caps the requests in flight.
	DefaultAttackWorkers = 2000
	// DefaultAttackTimeout bounds one request, from its send to its last byte.
	DefaultAttackTimeout = 10 * time.Second
)

// Hit is one planned request. It has no body.
type Hit struct {
	// At is the planned send, from the start of the attack.
	At          time.Duration
	Method, URL string
	// Via sends it; nil means the attack's Transport.
	Via http.RoundTripper
	// Judge says what an answer means for the token, of which it gets the first 64 KiB
	// of the body; nil judges as the reference gateways answer.
	Judge func(status int, h http.Header, body []byte) token.Outcome
	// Timeout bounds it; zero means the attack's.
	Timeout time.Duration
	// ReplicaHeader names the response header that tells the replica; empty is none.
	ReplicaHeader string
	// Authorization holds the header's values, one line each; nil sends none.
	Authorization []string
	// Label is what is known about the request beforehand: pattern, token, class,
	// gateway, phase, expected outcome, slice. It is copied, never written to; nil
	// is an empty one.
	Label *measure.Observation
}

// AttackConfig says where an attack sends its requests from and what it reports
// to. The zero value of every field but Observe is usable.
type AttackConfig struct {
	// Transport sends the requests; nil means a NewTransport of the attack's own.
	Transport http.RoundTripper
	// Start is the zero of every instant, At included, and should carry a
	// monotonic reading; zero means now.
	Start time.Time
	// Workers caps the requests in flight; zero means DefaultAttackWorkers. A hit
	// that must wait for a worker is sent late: the wait counts as its lag.
	Workers int
	// Timeout bounds one request; zero means DefaultAttackTimeout.
	Timeout time.Duration
	// Observe is told of each finished request, from many goroutines at once. The
	// request's worker waits for it, so a slow one shows as lag.
	Observe func(measure.Observation)
}

// AttackStats says how much of its plan an attack carried out. Every sent
// request was either observed or cut off.
type AttackStats struct {
	// Planned counts the hits that fell due, Sent those of them that were sent.
	Planned, Sent int64
	// CutOff counts the requests in flight when the attack was cancelled. They
	// were never observed: their end says nothing about who should have answered.
	CutOff int64
	// MaxInFlight is the most requests that were in flight at once.
	MaxInFlight int64
}

// Attack sends hits, which must be in order of At, open-loop: each at its
// absolute offset, whatever became of the ones before, as long as a worker is
// free. It draws a hit when the one before has been handed to a worker, so that
// a plan of any length takes no memory.
//
// Each observation has its label's fields and Planned, Start, End, Status,
// Verdict, Reason, Check, Cache and Cause of its own. Redirects are answers and
// are not followed.
//
// When ctx ends Attack cancels what is in flight and returns the context's
// error with the stats so far. A hit that cannot be sent as it stands, such as
// one with a malformed URL, ends the attack with an error. No goroutine stays
// behind, apart from those of a given Transport's idle connections.
func Attack(ctx context.Context, cfg AttackConfig, hits iter.Seq[Hit]) (AttackStats, error) {
	if cfg.Observe == nil {
		return AttackStats{}, errors.New("attack: no Observe")
	}
	cfg = cfg.withDefaults()
	if cfg.Transport == nil {
		t := NewTransport(cfg.Workers)
		defer t.CloseIdleConnections()
		cfg.Transport = t
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next, end := iter.Pull(hits)
	defer end()

	table := newAttackTable(cfg.Workers)
	pacer := &attackPacer{ctx: ctx, start: cfg.Start, next: next, table: table}
	sender := &attackSender{ctx: ctx, AttackConfig: cfg, table: table, fail: cancel}
	// An Attacker is single-use. Client must come last: the options before it
	// expect the *http.Transport that it replaces.
	attacker := vegeta.NewAttacker(
		vegeta.MaxWorkers(uint64(cfg.Workers)),
		vegeta.MaxBody(0),
		vegeta.Client(&http.Client{Transport: sender}),
	)
	defer context.AfterFunc(ctx, func() { attacker.Stop() })()
	for res := range attacker.Attack(table.target, pacer, 0, "") {
		// The sender answers all that it is given: what has an error never got there.
		if res.Error != "" {
			cancel(attackUnsendable(res.Method, res.URL))
		}
	}
	stats := sender.stats()
	stats.Planned = pacer.drawn
	if err := context.Cause(ctx); err != nil {
		return stats, fmt.Errorf("attack: %w", err)
	}
	return stats, nil
}

func (cfg AttackConfig) withDefaults() AttackConfig {
	if cfg.Start.IsZero() {
		cfg.Start = time.Now()
	}
	if cfg.Workers <= 0 {
		cfg.Workers = DefaultAttackWorkers
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = DefaultAttackTimeout
	}
	return cfg
}
