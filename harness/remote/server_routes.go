package remote

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/tokendrill/tokendrill/chaos"
	"github.com/tokendrill/tokendrill/fixtures/token"
	"github.com/tokendrill/tokendrill/harness"
)

// rejected is an error with the status that it is answered with.
type rejected struct {
	status int
	error
}

func (e rejected) Unwrap() error { return e.error }

// handler answers a request with what it returns, as JSON.
type handler func(r *http.Request, body []byte) (any, error)

func bearer(r *http.Request) string {
	key, _ := token.Bearer(r.Header.Values("Authorization"))
	return key
}

// routes are the protocol.
func (s *server) routes() http.Handler {
	mux := http.NewServeMux()
	for pattern, h := range map[string]handler{
		"GET /ping":           func(*http.Request, []byte) (any, error) { return struct{}{}, nil },
		"GET /reach":          s.withRole(s.reach),
		"GET /calls":          s.withRole(s.calls),
		"DELETE /serve":       s.ordered(s.withRole(s.close)),
		"PUT /faults/{id}":    s.ordered(s.withRole(s.inject)),
		"DELETE /faults/{id}": s.ordered(s.withRole(s.heal)),
		"GET /faults/{id}":    s.withRole(s.countFault),
		"PUT /control/{verb}": s.ordered(s.withRole(s.do)),
		"GET /control/{verb}": s.withRole(s.countVerb),
	} {
		mux.HandleFunc(pattern, answer(h))
	}
	mux.HandleFunc("POST /serve", s.serve)
	return mux
}

// answer answers with what h returns.
func answer(h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := read(w, r, maxBody)
		var out any
		if err == nil {
			out, err = h(r, body)
		}
		if err != nil {
			refuse(w, statusOf(err), err)
			return
		}
		say(w, http.StatusOK, out)
	}
}

// read reads the body of a request, of so many bytes at most.
func read(w http.ResponseWriter, r *http.Request, most int64) ([]byte, error) {
	conn := http.NewResponseController(w)
	_ = conn.SetReadDeadline(time.Now().Add(bodyLimit)) // a connection can
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	_ = conn.SetReadDeadline(time.Time{})
	switch {
	case errors.As(err, new(*http.MaxBytesError)):
		return nil, rejected{http.StatusRequestEntityTooLarge, fmt.Errorf("the body is longer than %d bytes", most)}
	case err != nil:
		return nil, bad("the body cannot be read: %w", err)
	}
	return body, nil
}

func statusOf(err error) int {
	if r, ok := errors.AsType[rejected](err); ok {
		return r.status
	}
	return http.StatusInternalServerError
}

func refuse(w http.ResponseWriter, status int, err error) { say(w, status, failure{err.Error()}) }

func say(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client has gone if it fails
}

func bad(format string, args ...any) error {
	return rejected{http.StatusBadRequest, fmt.Errorf(format, args...)}
}

// ordered carries out changes one by one, and refuses one that was overtaken.
func (s *server) ordered(h handler) handler {
	return func(r *http.Request, body []byte) (any, error) {
		order, err := strconv.ParseUint(r.Header.Get(headerOrder), 10, 64)
		if err != nil {
			return nil, bad("the header %s is missing or no number", headerOrder)
		}
		s.turn.Lock()
		defer s.turn.Unlock()
		if order <= s.orders[r.URL.Path] {
			return nil, rejected{http.StatusConflict, errors.New("a later order has been carried out")}
		}
		s.orders[r.URL.Path] = order
		return h(r, body)
	}
}

// withRole refuses what needs a role, before there is one.
func (s *server) withRole(h handler) handler {
	return func(r *http.Request, body []byte) (any, error) {
		s.mu.Lock()
		up := s.up
		s.mu.Unlock()
		if up == nil {
			return nil, rejected{http.StatusConflict, errors.New("no role is up")}
		}
		return h(r, body)
	}
}

// serve serves the role for as long as the client is there.
func (s *server) serve(w http.ResponseWriter, r *http.Request) {
	up, err := s.start(w, r)
	if err != nil {
		refuse(w, statusOf(err), err)
		return
	}
	defer s.leases.Done()
	defer s.end()
	say(w, http.StatusOK, Up{up.URL, hops(up)})
	_ = http.NewResponseController(w).Flush() // the client has gone if it fails
	s.trail.follow(w)
	defer s.trail.lose()
	<-r.Context().Done()
}

// start starts the role that the body is. If that succeeds the lease is the caller's.
func (s *server) start(w http.ResponseWriter, r *http.Request) (up *harness.Served, err error) {
	body, err := read(w, r, maxRole)
	if err != nil {
		return nil, err
	}
	role, err := s.roleOf(body)
	if err != nil {
		return nil, err
	}
	if err := s.claim(); err != nil {
		return nil, err
	}
	err = errors.New("it panicked") // net/http catches that
	defer func() { s.put(role, up, err) }()
	return s.Start(r.Context(), role, &s.trail)
}

// roleOf reads the role, which must be of the kind that this process is for.
func (s *server) roleOf(body []byte) (role harness.Role, err error) {
	if err := decode(body, &role); err != nil {
		return role, bad("the body is no role: %w", err)
	}
	if role.Kind != s.Kind {
		return role, bad("the role is not of the kind %s", s.Kind)
	}
	return role, nil
}

// claim says that a role is on its way, if there is none.
func (s *server) claim() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken || s.ended {
		return rejected{http.StatusConflict, errors.New("there is a role already")}
	}
	s.taken = true
	s.leases.Add(1)
	s.alone.Stop()
	return nil
}

// put says what became of the role that was on its way.
func (s *server) put(role harness.Role, up *harness.Served, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.role, s.up = role, up
		return
	}
	s.taken = false
	s.leases.Done()
	s.alone.Reset(patience)
}

func hops(up *harness.Served) []string {
	out := []string{}
	for _, l := range up.Links {
		out = append(out, l.Name)
	}
	slices.Sort(out)
	return out
}

// close closes the role. The process ends when that was answered.
func (s *server) close(*http.Request, []byte) (any, error) {
	defer s.end()
	return struct{}{}, s.down()
}

func (s *server) calls(*http.Request, []byte) (any, error) {
	if s.up.Calls == nil {
		return map[string]int64{}, nil
	}
	return s.up.Calls(), nil
}

// do carries out a command. It goes on when the client has gone: half a restart would
// be worse.
func (s *server) do(r *http.Request, body []byte) (any, error) {
	var t telling
	if err := decode(body, &t); err != nil {
		return nil, bad("the body is no command: %w", err)
	}
	cmd := chaos.Command{Verb: chaos.Verb(r.PathValue("verb")), Amount: t.Amount}
	if err := mistake(cmd); err != nil {
		return nil, rejected{http.StatusBadRequest, err}
	}
	if s.up.Control == nil {
		return nil, bad("%s knows no verbs", s.role.Node)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), changeLimit)
	defer cancel()
	if err := s.up.Control.Do(ctx, cmd); err != nil {
		return nil, err
	}
	return s.counted(cmd.Verb), nil
}

func (s *server) countVerb(r *http.Request, _ []byte) (any, error) {
	v := chaos.Verb(r.PathValue("verb"))
	if !known(v) || s.up.Control == nil {
		return nil, rejected{http.StatusNotFound, fmt.Errorf("%s does not know the verb %q", s.role.Node, v)}
	}
	return s.counted(v), nil
}

func (s *server) counted(v chaos.Verb) counts {
	met, clear := s.up.Control.Count(v)
	return counts{met, clear}
}
