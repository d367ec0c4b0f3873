package harness

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/tokendrill/tokendrill/fixtures/token"
	"github.com/tokendrill/tokendrill/harness/measure"
)

// attackMaxBody is the most bytes of a body that are read. A longer answer has
// no last byte that could be timed.
const attackMaxBody = 1 << 20

// attackKeptBody is how much of it a hit's own Judge gets to see.
const attackKeptBody = 64 << 10

var (
	errAttackBodyTooLong = errors.New("body is longer than 1 MB")
	errAttackHeader      = errors.New("a planned Authorization value holds a control character")
	errAttackURL         = errors.New("a planned URL is not http or https with a host")
)

// attackSender is the http.RoundTripper under vegeta. It runs the whole exchange,
// to the last byte of the body, and observes it; vegeta gets an empty 200, so
// that it neither follows a redirect nor keeps a body.
type attackSender struct {
	AttackConfig
	ctx   context.Context
	table *attackTable
	// fail ends the attack.
	fail context.CancelCauseFunc

	sent, cutOff, inFlight, maxInFlight atomic.Int64
}

// RoundTrip sends the hit that the request's label names.
func (s *attackSender) RoundTrip(req *http.Request) (*http.Response, error) {
	i, err := strconv.Atoi(req.Header.Get(attackLabelHeader))
	if err != nil {
		return nil, fmt.Errorf("attack label: %w", err)
	}
	delete(req.Header, attackLabelHeader)
	delete(req.Header, "X-Vegeta-Seq")
	s.send(req, &s.table.entries[i].hit)
	s.table.free <- i
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: req}, nil
}

// send sends one hit, unless the attack is over, and observes it, unless the
// attack ended meanwhile.
func (s *attackSender) send(req *http.Request, hit *Hit) {
	if err := attackCheck(req); err != nil {
		s.fail(err)
	}
	if s.ctx.Err() != nil {
		return
	}
	s.sent.Add(1)
	s.enter()
	ctx, cancel := context.WithTimeout(s.ctx, cmp.Or(hit.Timeout, s.Timeout))
	var obs measure.Observation
	if hit.Label != nil {
		obs = *hit.Label
	}
	obs.Planned = int64(hit.At)
	obs.Start = int64(time.Since(s.Start))
	via := s.Transport
	if hit.Via != nil {
		via = hit.Via
	}
	got, err := attackExchange(via, req.WithContext(ctx), hit.Judge != nil)
	obs.End = int64(time.Since(s.Start))
	cancel()
	s.inFlight.Add(-1)
	if err != nil && s.ctx.Err() != nil {
		s.cutOff.Add(1)
		return
	}
	attackJudge(&obs, hit, got, err)
	s.Observe(obs)
}

// enter counts a request in.
func (s *attackSender) enter() {
	n := s.inFlight.Add(1)
	for {
		most := s.maxInFlight.Load()
		if n <= most || s.maxInFlight.CompareAndSwap(most, n) {
			return
		}
	}
}

func (s *attackSender) stats() AttackStats {
	return AttackStats{Sent: s.sent.Load(), CutOff: s.cutOff.Load(), MaxInFlight: s.maxInFlight.Load()}
}

// attackAnswer is what came back. With an error the status is 0, or what was known
// before the body failed.
type attackAnswer struct {
	status int
	header http.Header
	body   []byte // its beginning, if it was to be kept
}

// attackExchange sends one request and reads the body to its end.
func attackExchange(t http.RoundTripper, req *http.Request, keep bool) (a attackAnswer, err error) {
	resp, err := t.RoundTrip(req)
	if err != nil {
		return a, err
	}
	defer resp.Body.Close()
	a.status, a.header = resp.StatusCode, resp.Header
	if keep {
		if a.body, err = io.ReadAll(io.LimitReader(resp.Body, attackKeptBody)); err != nil {
			return a, err
		}
	}
	n, err := io.Copy(io.Discard, io.LimitReader(resp.Body, attackMaxBody-int64(len(a.body))+1))
	if err == nil && n+int64(len(a.body)) > attackMaxBody {
		err = errAttackBodyTooLong
	}
	return a, err
}

// attackJudge fills in what was answered. An answer that broke off is none.
func attackJudge(obs *measure.Observation, hit *Hit, a attackAnswer, err error) {
	out := token.Outcome{Verdict: token.Unavailable}
	switch {
	case err != nil:
	case hit.Judge != nil:
		out = hit.Judge(a.status, a.header, a.body)
	default:
		out = answerOutcome(a.status, a.header)
	}
	obs.Status, obs.Verdict, obs.Reason = a.status, out.Verdict, out.Reason
	obs.Check, obs.Cache, obs.Cause = answerCheck(a.header), answerCache(a.header), answerCause(a.header)
	if hit.ReplicaHeader != "" {
		obs.Replica = answerReplica(a.header.Get(hit.ReplicaHeader))
	}
}

// attackCheck refuses what net/http would refuse to send: taken for a failed
// request, it would look like an outage.
func attackCheck(req *http.Request) error {
	if u := req.URL; u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return errAttackURL
	}
	for _, v := range req.Header["Authorization"] {
		for i := range len(v) {
			if c := v[i]; c < ' ' && c != '\t' || c == 0x7f {
				return errAttackHeader
			}
		}
	}
	return nil
}

// attackUnsendable says why no request can be made of a method and a URL,
// without the URL: it may hold a token.
func attackUnsendable(method, rawURL string) error {
	_, err := http.NewRequest(method, rawURL, http.NoBody)
	if bad, ok := errors.AsType[*url.Error](err); ok {
		err = bad.Err
	}
	return fmt.Errorf("a planned request cannot be sent: %w", err)
}

// NewTransport returns an HTTP/1.1 transport that keeps a connection for each of
// so many workers. It takes no proxy from the environment, asks for no
// compression and bounds the header of an answer to 64 KB. Close its idle
// connections when done.
func NewTransport(workers int) *http.Transport {
	return &http.Transport{
		DialContext:            (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		MaxIdleConnsPerHost:    workers,
		DisableCompression:     true,
		MaxResponseHeaderBytes: 64 << 10,
		TLSHandshakeTimeout:    5 * time.Second,
	}
}
