package remote

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tokendrill/tokendrill/fixtures/pattern"
	"github.com/tokendrill/tokendrill/harness"
)

// Options are what a process that serves a role is told when it is started. None of
// it is a secret.
type Options struct {
	// Kind is that of the role, one of harness.Roles.
	Kind string
	// KeyHash is the HashKey of the control key.
	KeyHash string
	// Start starts the role, which audits to whoever holds the lease.
	Start func(context.Context, harness.Role, pattern.Auditor) (*harness.Served, error)
}

const (
	// patience is how long nobody may call while there is no role.
	patience = time.Minute
	// bodyLimit bounds the reading of a body, and changeLimit the carrying out of a
	// command.
	bodyLimit   = 10 * time.Second
	changeLimit = 10 * time.Second
	// goodbye is how long answers may take that are being written at the end.
	goodbye = time.Second
)

// Check says what is wrong with the options.
func (o Options) Check() error {
	if !slices.Contains(harness.Roles(), o.Kind) {
		return fmt.Errorf("no role is called %q; expected one of %s", o.Kind, strings.Join(harness.Roles(), ", "))
	}
	if sum, err := hex.DecodeString(o.KeyHash); err != nil || len(sum) != sha256.Size {
		return errors.New("the hash of the control key is no SHA-256 as 64 hexadecimal digits")
	}
	return nil
}

// Serve serves one role, which a client names on the control listener, until the
// client goes away or closes it, nobody calls for a minute, or ctx ends. Then the role
// is down, the listener closed, and the error nil unless closing failed. The package
// comment has the protocol.
func Serve(ctx context.Context, control net.Listener, o Options) error {
	if err := o.Check(); err != nil {
		control.Close()
		return fmt.Errorf("serve: %w", err)
	}
	ctx, end := context.WithCancel(ctx)
	defer end()
	s := &server{Options: o, end: end, orders: map[string]uint64{}, faults: map[string]*fault{}}
	s.alone = time.AfterFunc(patience, end)
	defer s.alone.Stop()
	srv := &http.Server{
		Handler: s.handler(), BaseContext: func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: bodyLimit, MaxHeaderBytes: maxBody, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(control) }()
	var err error
	select {
	case err = <-failed: // never ErrServerClosed: nobody has closed it
	case <-ctx.Done():
	}
	end()
	s.over()
	err = errors.Join(err, s.down())
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), goodbye)
	defer cancel()
	if srv.Shutdown(last) != nil {
		_ = srv.Close() // whoever is left does not read
	}
	return err
}

// server is one process that serves a role, or waits for one.
type server struct {
	Options
	end   func()
	alone *time.Timer // ends it if nobody calls

	turn sync.Mutex // held by whoever changes something

	mu     sync.Mutex
	taken  bool // by a role that is up, or on its way
	ended  bool
	role   harness.Role
	up     *harness.Served
	orders map[string]uint64
	faults map[string]*fault
	trail  trail
	leases sync.WaitGroup // of whoever has taken it

	closing sync.Once
	closed  error
}

// handler lets nobody in without the key.
func (s *server) handler() http.Handler {
	want, _ := hex.DecodeString(s.KeyHash) // Check has seen it
	mux := s.routes()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got := sha256.Sum256([]byte(bearer(r)))
		if subtle.ConstantTimeCompare(got[:], want) != 1 {
			w.Header().Set("Connection", "close")
			w.Header().Set("WWW-Authenticate", "Bearer")
			refuse(w, http.StatusUnauthorized, errors.New("the control key is missing or wrong"))
			return
		}
		s.called()
		mux.ServeHTTP(w, r)
	})
}

// called begins the wait for another call anew, while there is no role.
func (s *server) called() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.taken {
		s.alone.Reset(patience)
	}
}

// over lets nobody take the process any more, and waits for whoever has.
func (s *server) over() {
	s.mu.Lock()
	s.ended = true
	s.mu.Unlock()
	s.leases.Wait()
}

// down closes the role, once.
func (s *server) down() error {
	s.closing.Do(func() {
		s.mu.Lock()
		up := s.up
		s.mu.Unlock()
		if up != nil {
			s.closed = up.Close()
		}
	})
	return s.closed
}
