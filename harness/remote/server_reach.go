package remote

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tokendrill/tokendrill/harness"
)

// dialLimit bounds one dial of GET /reach.
const dialLimit = 500 * time.Millisecond

// reach dials the peers of the role and its own name, side by side.
func (s *server) reach(r *http.Request, _ []byte) (any, error) {
	targets := append(peers(s.role), ownName(s.role, s.up.URL))
	failed := make([]error, len(targets))
	ctx, cancel := context.WithTimeout(r.Context(), dialLimit)
	defer cancel()
	var all sync.WaitGroup
	for i, at := range targets {
		all.Go(func() { failed[i] = dial(ctx, at) })
	}
	all.Wait()
	failed = slices.DeleteFunc(failed, func(err error) bool { return err == nil })
	if len(failed) == 0 {
		return struct{}{}, nil
	}
	said := make([]string, len(failed))
	for i, err := range failed {
		said[i] = err.Error()
	}
	return nil, rejected{http.StatusServiceUnavailable, errors.New(strings.Join(said, "; "))}
}

// peers are the addresses of the others, without those that it does not have.
func peers(r harness.Role) (out []string) {
	for _, base := range []string{r.Peers.Authority, r.Peers.Registry, r.Peers.CDN, r.Peers.Upstream} {
		if u, err := url.Parse(base); err == nil && u.Host != "" {
			out = append(out, u.Host)
		}
	}
	return out
}

// ownName is the address at which others reach the role: the one that it listens on,
// or if that is every interface, the name of its node with "-" for "/".
func ownName(r harness.Role, base string) string {
	u, err := url.Parse(base)
	if err != nil {
		return base
	}
	if ip := net.ParseIP(u.Hostname()); u.Hostname() != "" && !ip.IsUnspecified() {
		return u.Host
	}
	return net.JoinHostPort(strings.ReplaceAll(r.Node, "/", "-"), u.Port())
}

func dial(ctx context.Context, address string) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("%s is out of reach: %w", address, cmp.Or(ctx.Err(), err))
	}
	return conn.Close()
}
