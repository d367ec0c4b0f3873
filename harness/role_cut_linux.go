package harness

import "syscall"

// tcpUserTimeout is TCP_USER_TIMEOUT (RFC 5482), which package syscall does not name
// everywhere.
const tcpUserTimeout = 0x12

// noticeCut ends a connection when nothing of what was sent has arrived for a while:
// the network of one of the two may have been cut off, and nobody tells a connection.
// A peer that only does not answer is waited for.
func noticeCut(_, _ string, c syscall.RawConn) error {
	var failed error
	err := c.Control(func(fd uintptr) {
		failed = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout, int(peerSilence.Milliseconds()))
	})
	if err == nil {
		err = failed
	}
	return err
}
