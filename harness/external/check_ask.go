package external

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/tokendrill/tokendrill/fixtures/token"
	"github.com/tokendrill/tokendrill/harness"
	"github.com/tokendrill/tokendrill/scenarios"
)

const (
	// judgedBody is how much of a body the rules of a verdict get to see, and
	// mostBody the most that an answer may have to be one, as in a run.
	judgedBody, mostBody = scenarios.JudgedBody, 1 << 20
)

// spread keeps a second at a server from having more in it than one has here: what was
// sent first may come a little late, and what was sent last may not.
const spread = 1.05

var (
	errBodyTooLong = errors.New("the body of the answer is longer than 1 MB")
	errPlainToTLS  = errors.New("it speaks TLS where plain HTTP was sent")
)

// plainToTLS is what servers say to plain HTTP on a port of TLS.
var plainToTLS = regexp.MustCompile(`(?i)HTTP request (was sent )?to an? HTTPS (server|port)`)

// answer is what a gateway made of a request.
type answer struct {
	*http.Response // its body is closed; nil if none came
	outcome        token.Outcome
	sent, got      time.Time
	err            error
}

// examiner looks at one system.
type examiner struct {
	*System
	tell    func(Finding)
	pace    pacer
	timeout time.Duration // of one request
	// unfit is the first finding that failed.
	unfit *Unfit
	// secret are the tokens that must not be told.
	secret []string

	// reached and accepted are the gateways that answer, and that take the tokens.
	reached, accepted []bool
	bare              []answer // without a token, by gateway
	taken             []answer // with a token that was issued, by gateway
	tokens            []harness.Issued
	notIssued         error

	mu       sync.Mutex // guards what follows
	trips    []time.Duration
	replicas []map[string]bool
}

func newExaminer(s *System, tell func(Finding)) *examiner {
	n := len(s.Target.Gateways)
	gap := time.Duration(spread * float64(time.Second) / cmp.Or(float64(s.Target.Limits.Rate), usualRate))
	return &examiner{
		System: s, tell: tell, timeout: cmp.Or(s.Target.Connection.Timeout, usualTimeout),
		pace:    pacer{gap: gap, next: time.Now().Add(gap)}, // the authority may just have been asked
		reached: make([]bool, n), accepted: make([]bool, n), replicas: make([]map[string]bool, n),
	}
}

// say tells a finding, unless ctx has ended: what is seen then says nothing.
func (e *examiner) say(ctx context.Context, f Finding) {
	if ctx.Err() != nil {
		return
	}
	f.Says, f.Fix = e.clean(f.Says), e.clean(f.Fix)
	if f.State == Fails && e.unfit == nil {
		e.unfit = &Unfit{f}
	}
	e.tell(f)
}

// clean is a text on one line, without any token: much of it is what a server said.
func (e *examiner) clean(text string) string {
	for _, raw := range e.secret {
		text = strings.ReplaceAll(text, raw, "[token]")
		text = strings.ReplaceAll(text, url.QueryEscape(raw), "[token]")
	}
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }), " ")
}

// ask sends the probe, or what path says, to the gateways of which is true, all at
// once. The others' answers are zero.
func (e *examiner) ask(ctx context.Context, which []bool, path, raw string) []answer {
	out := make([]answer, len(which))
	var group sync.WaitGroup
	for g := range which {
		if which[g] {
			group.Go(func() { out[g] = e.send(ctx, g, path, raw) })
		}
	}
	group.Wait()
	return out
}

// send sends one request, when its turn comes.
func (e *examiner) send(ctx context.Context, gateway int, path, raw string) (a answer) {
	if a.err = e.pace.wait(ctx); a.err != nil {
		return a
	}
	ctx, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, e.Target.Probe.Method, e.gateways()[gateway]+path, http.NoBody)
	if err != nil {
		return answer{err: err}
	}
	if raw != "" {
		req.Header.Set("Authorization", "Bearer "+raw)
	}
	a.sent = time.Now()
	res, err := e.doors[gateway].RoundTrip(req)
	var body []byte
	if err == nil {
		defer res.Body.Close()
		body, err = readBody(res.Body)
	}
	a.Response, a.err, a.got = res, err, time.Now()
	if a.err != nil {
		return a
	}
	if a.StatusCode == http.StatusBadRequest && plainToTLS.Match(body) {
		a.err = errPlainToTLS
		return a
	}
	a.outcome = e.Target.Verdict.Outcome(a.StatusCode, a.Header, body)
	e.note(gateway, a)
	return a
}

// readBody reads a body to its end and returns its beginning.
func readBody(body io.Reader) ([]byte, error) {
	head, err := io.ReadAll(io.LimitReader(body, judgedBody))
	if err != nil {
		return nil, err
	}
	rest, err := io.Copy(io.Discard, io.LimitReader(body, mostBody-judgedBody+1))
	if err == nil && rest > mostBody-judgedBody {
		err = errBodyTooLong
	}
	return head, err
}

// note keeps what every answer tells.
func (e *examiner) note(gateway int, a answer) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.trips = append(e.trips, a.got.Sub(a.sent))
	name := e.Target.Gateways[gateway].ReplicaHeader
	if name == "" {
		return
	}
	if replica := harness.ReplicaName(a.Header.Get(name)); replica != "" {
		if e.replicas[gateway] == nil {
			e.replicas[gateway] = map[string]bool{}
		}
		e.replicas[gateway][replica] = true
	}
}

// call bounds one call of the authority, when its turn comes.
func (e *examiner) call(ctx context.Context, f func(context.Context) error) error {
	if err := e.pace.wait(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	return f(ctx)
}

// pacer lets one request go in every gap. It is safe for concurrent use.
type pacer struct {
	gap  time.Duration
	mu   sync.Mutex
	next time.Time
}

// wait returns when it is the caller's turn; an error is that of ctx.
func (p *pacer) wait(ctx context.Context) error {
	p.mu.Lock()
	at := p.next
	if now := time.Now(); at.Before(now) {
		at = now
	}
	p.next = at.Add(p.gap)
	p.mu.Unlock()
	return pause(ctx, time.Until(at))
}

// pause waits, at most until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}
