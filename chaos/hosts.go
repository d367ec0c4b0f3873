package chaos

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"syscall"
)

// errElsewhere is the error of a name for this machine that is one for another.
var errElsewhere = errors.New("localhost is not this machine")

// Hosts are those beyond loopback that may be reached, by the name or the address
// that a URL calls them. The zero value is none.
type Hosts []string

// Check refuses a host that is neither loopback nor among them. It resolves no
// names: Control does the rest.
func (h Hosts) Check(host string) error {
	if local(host) || h.name(host) {
		return nil
	}
	return fmt.Errorf("host %s is not allowed; expected --allow-host %s", host, host)
}

// Control is for a net.Dialer on its way to host: it refuses what the name resolves
// to beyond loopback, unless the host is among them.
func (h Hosts) Control(host string) func(network, address string, _ syscall.RawConn) error {
	return func(_, address string, _ syscall.RawConn) error {
		if at, err := netip.ParseAddrPort(address); h.name(host) || err == nil && at.Addr().IsLoopback() {
			return nil
		}
		return cmp.Or(h.Check(host), errElsewhere)
	}
}

func (h Hosts) name(host string) bool {
	return slices.ContainsFunc(h, func(allowed string) bool { return strings.EqualFold(allowed, host) })
}

func local(host string) bool {
	ip, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && ip.IsLoopback()
}
