package chaos

import (
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// pair is a connection over a link, and the peer's end of it, in memory so that it
// works with a fake clock.
func pair(t *testing.T, l *Link) (near *conn, peer net.Conn) {
	t.Helper()
	inner, peer := net.Pipe()
	near = l.attach(inner, *l.rules.Load())
	t.Cleanup(func() { near.Close(); peer.Close() })
	return near, peer
}

// contextOf is the context of a test, or of a property in one.
func contextOf(t any) context.Context {
	if c, ok := t.(interface{ Context() context.Context }); ok {
		return c.Context()
	}
	return context.Background()
}

func contextWithTimeout(t *testing.T, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.Context(), d)
}

// verifies checks the signature of a compact JWS, ES256.
func verifies(t *testing.T, key *ecdsa.PublicKey, jws string) bool {
	t.Helper()
	at := strings.LastIndexByte(jws, '.')
	require.Positive(t, at)
	sig, err := base64.RawURLEncoding.DecodeString(jws[at+1:])
	require.NoError(t, err)
	require.Len(t, sig, 64)
	sum := sha256.Sum256([]byte(jws[:at]))
	return ecdsa.Verify(key, sum[:], new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:]))
}
