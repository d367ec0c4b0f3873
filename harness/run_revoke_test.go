package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/harness/measure"
)

// revokeAll carries out the revocations of a plan on a press.
func revokeAll(t *testing.T, p *Plan, a *press) (*run, *measure.Recorder) {
	t.Helper()
	b := a.bind(t, p)
	rec, err := measure.NewRecorder(p.meta(b.site, time.Now()), nil)
	require.NoError(t, err)
	r := &run{plan: p, site: b.site, binding: b, recorder: rec, zero: time.Now()}
	b.zero = r.zero
	ctx, cancel := context.WithTimeout(t.Context(), p.Duration())
	defer cancel()
	r.revoke(ctx)
	return r, rec
}

func TestEachKindOfRevocationRevokesWhatItShould(t *testing.T) {
	for _, row := range []struct {
		kind, patterns string
		check          func(t *testing.T, p *Plan, a *press, b *binding)
	}{
		{"bulk", "cache, remote", func(t *testing.T, _ *Plan, a *press, b *binding) {
			assert.ElementsMatch(t, []string{"all of bulk-cache", "all of bulk-remote"}, a.revoked)
			for group, ack := range b.groups {
				assert.Positive(t, ack.Load(), group)
			}
		}},
		{"fresh", "cache", func(t *testing.T, p *Plan, a *press, b *binding) {
			require.Len(t, a.revoked, len(p.Revocations))
			for _, rv := range p.Revocations {
				assert.Contains(t, a.revoked, b.issued(bindKey{rv.System, rv.Token}).raw)
			}
		}},
		{"children", "hybrid", func(t *testing.T, p *Plan, a *press, _ *binding) {
			require.Len(t, a.revoked, len(p.Revocations))
			for _, raw := range a.revoked {
				assert.Contains(t, raw, "parent-of-")
			}
		}},
	} {
		t.Run(row.kind, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, a := kindsPlan(t, row.kind, row.patterns, 1), &press{}
				r, _ := revokeAll(t, p, a)
				assert.Empty(t, r.warnings)
				row.check(t, p, a, r.binding)
			})
		})
	}
}

func TestTokensThatCannotBeIssuedDuringTheRunAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &press{refuse: func(g Grant) error {
			if g.Child {
				return errors.New("no token for you")
			}
			return nil
		}}
		p := kindsPlan(t, "children", "hybrid", 1)
		r, _ := revokeAll(t, p, a)
		assert.Empty(t, a.revoked, "nothing to revoke")
		require.Len(t, r.warnings, 1)
		assert.Regexp(t, `^\d+ tokens could not be issued during the run, the first: issue a token for t-.* at hybrid: no token for you$`, r.warnings[0])
	})
}

// unreachable is an authority whose revocations come to an error.
type unreachable struct {
	press

	err error
}

func (a *unreachable) Revoke(context.Context, string) (int, error) { return 0, a.err }

func TestWhatWasNeverSentRevokesNothing(t *testing.T) {
	for name, row := range map[string]struct {
		err  error
		told bool
	}{
		"nobody to connect to":    {&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, false},
		"reset while it was sent": {&net.OpError{Op: "read", Err: syscall.ECONNRESET}, true},
		"no answer in time":       {context.DeadlineExceeded, true},
	} {
		t.Run(name, func(t *testing.T) {
			p, a := kindsPlan(t, "fresh", "cache", 1), &unreachable{err: fmt.Errorf("revoke: %w", row.err)}
			b := a.bind(t, p)
			b.site.Authority = a
			var history bytes.Buffer
			rec, err := measure.NewRecorder(p.meta(b.site, time.Now()), &history)
			require.NoError(t, err)
			r := &run{plan: p, site: b.site, binding: b, recorder: rec, zero: time.Now()}
			r.revokeBatch(t.Context(), p.Revocations[:1], new(issueDoubts))
			_, err = rec.Report(measure.Run{})
			require.NoError(t, err)
			assert.Equal(t, row.told, strings.Contains(history.String(), `"kind":"revoke"`))
		})
	}
}
