package remote

import (
	"bufio"
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/fixtures/pattern"
	"github.com/tokendrill/tokendrill/fixtures/token"
	"github.com/tokendrill/tokendrill/harness"
)

// heard are the events that somebody was told of; the auditor fails after so many.
type heard struct {
	events chan pattern.AuditEvent
	fails  error
}

func (h heard) Audit(e pattern.AuditEvent) error {
	h.events <- e
	return h.fails
}

func TestWhatARoleAuditsIsHeardWhereItsLeaseIs(t *testing.T) {
	var audit pattern.Auditor
	p := launchWith(t, Options{Kind: "upstream", KeyHash: HashKey(controlKey), Start: func(ctx context.Context, r harness.Role, to pattern.Auditor) (*harness.Served, error) {
		audit = to
		return harness.Serve(ctx, r, harness.ServeOptions{Audit: to})
	}})
	c := NewClient(func() string { return p.at }, controlKey)
	to := heard{events: make(chan pattern.AuditEvent, 2)}
	c.Audit = to
	_, err := c.Start(t.Context(), upstreamRole)
	require.NoError(t, err)
	want := pattern.AuditEvent{
		Time: time.Unix(1, 0).UTC(), Node: "cache/gw-1", Method: http.MethodGet, Cause: pattern.CauseFailOpen,
		Outcome: token.Outcome{Verdict: token.Accept}, Token: "sha256:0123456789abcdef",
	}
	for range 2 {
		require.EventuallyWithT(t, func(t *assert.CollectT) { assert.NoError(t, audit.Audit(want)) }, 5*time.Second, time.Millisecond)
		assert.Equal(t, want, <-to.events)
	}
	require.NoError(t, c.Close())
	p.endsByItself(t)
	assert.Error(t, audit.Audit(want), "an event that nobody hears must let nobody in")
}

func TestEventsAreReadUntilOneCannotBe(t *testing.T) {
	for _, row := range []struct {
		name, lines string
		fails       error
		heard       int
	}{
		{"two events", `{"cause":"a"}` + "\n" + `{"cause":"b"}` + "\n", nil, 2},
		{"something else ends it", "no JSON\n" + `{"cause":"b"}` + "\n", nil, 0},
		{"an auditor that cannot keep one ends it", `{"cause":"a"}` + "\n" + `{"cause":"b"}` + "\n", errors.New("disk full"), 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			to := heard{make(chan pattern.AuditEvent, 3), row.fails}
			listen(bufio.NewReader(strings.NewReader(row.lines)), to)
			assert.Len(t, to.events, row.heard)
		})
	}
	lines := bufio.NewReader(strings.NewReader(`{"cause":"a"}` + "\n" + `{"cause":"b"}` + "\n"))
	listen(lines, nil)
	assert.Zero(t, lines.Buffered(), "they are read and thrown away")
}
