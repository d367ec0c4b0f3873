package harness

import (
	"net"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What a connection does when its network is cut, scenarios show on containers.
func TestAConnectionBetweenRolesGivesUpOnANetworkThatTakesNothing(t *testing.T) {
	ln, err := listen(t.Context(), "")
	require.NoError(t, err)
	defer ln.Close()
	d := net.Dialer{Control: noticeCut}
	conn, err := d.DialContext(t.Context(), "tcp", ln.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	raw, err := conn.(syscall.Conn).SyscallConn()
	require.NoError(t, err)
	var set int
	var failed error
	require.NoError(t, raw.Control(func(fd uintptr) { set, failed = syscall.GetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout) }))
	require.NoError(t, failed)
	assert.EqualValues(t, peerSilence.Milliseconds(), set)
}
