package remote

import (
	"bufio"
	"encoding/json"
	"errors"
	"net/http"
	"sync"

	"github.com/tokendrill/tokendrill/fixtures/pattern"
)

// trail sends the audit events of a role to whoever holds the lease: each is a line of
// the answer that the lease is. The zero value has nobody yet.
type trail struct {
	mu  sync.Mutex
	out http.ResponseWriter // nil while nobody listens
}

// follow sends events to w until lose.
func (t *trail) follow(w http.ResponseWriter) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.out = w
}

func (t *trail) lose() { t.follow(nil) }

// Audit implements pattern.Auditor.
func (t *trail) Audit(e pattern.AuditEvent) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.out == nil {
		return errors.New("audit: nobody listens")
	}
	if err := json.NewEncoder(t.out).Encode(e); err != nil {
		return err
	}
	return http.NewResponseController(t.out).Flush()
}

// listen hands the events on that come over a lease, until it ends. One that cannot be
// read ends it: nobody would know what was let in.
func listen(lines *bufio.Reader, to pattern.Auditor) {
	for {
		line, err := lines.ReadSlice('\n')
		if err != nil {
			return
		}
		var e pattern.AuditEvent
		if json.Unmarshal(line, &e) != nil || to != nil && to.Audit(e) != nil {
			return
		}
	}
}
