package external

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/tokendrill/tokendrill/fixtures/undisturbed"
)

// hostile is a server that answers every request with what speak writes to its
// connection. It goes on until the connection or the test ends.
func hostile(t testing.TB, speak func(ctx context.Context, c net.Conn)) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			group.Go(func() {
				defer context.AfterFunc(ctx, func() { c.Close() })()
				defer c.Close()
				if req, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
					_, _ = io.Copy(io.Discard, req.Body)
					speak(ctx, c)
				}
			})
		}
	})
	t.Cleanup(func() { cancel(); l.Close(); group.Wait() })
	return "http://" + l.Addr().String()
}

// drip writes a text again and again, until the connection or the test ends.
func drip(ctx context.Context, c net.Conn, text string, gap time.Duration) {
	for {
		if _, err := io.WriteString(c, text); err != nil || pause(ctx, gap) != nil {
			return
		}
	}
}

func begin(c net.Conn, head string) { fmt.Fprint(c, "HTTP/1.1 200 OK\r\n"+head) }

// mischief are the ways of a hostile server, and what a check says about a gateway
// that is one.
var mischief = []struct {
	name  string
	speak func(ctx context.Context, c net.Conn)
	line  string
}{
	{"slow headers", func(ctx context.Context, c net.Conn) { begin(c, ""); drip(ctx, c, "A: b\r\n", 20*time.Millisecond) },
		`gateway eu: no answer within 500ms; see why it is slow, or raise connection.timeout`},
	{"nothing at all", func(ctx context.Context, _ net.Conn) { <-ctx.Done() },
		`gateway eu: no answer within 500ms; see why it is slow, or raise connection.timeout`},
	{"endless headers", func(ctx context.Context, c net.Conn) { begin(c, ""); drip(ctx, c, strings.Repeat("A: b\r\n", 1000), 0) },
		`gateway eu: the header of its answer is longer than 64 KB; see what it sends`},
	{"an endless body", func(ctx context.Context, c net.Conn) { begin(c, "\r\n"); drip(ctx, c, strings.Repeat("x", 64<<10), 0) },
		`gateway eu: 200, but the body of the answer is longer than 1 MB; probe a path with a short answer`},
	{"a body that drips", func(ctx context.Context, c net.Conn) { begin(c, "\r\n"); drip(ctx, c, "x", 20*time.Millisecond) },
		`gateway eu: 200, but the body of the answer has no end within 500ms; probe a path with a short answer`},
	{"a body that breaks off", func(_ context.Context, c net.Conn) { begin(c, "Content-Length: 100\r\n\r\nx") },
		`gateway eu: 200, but the body of the answer breaks off; probe a path with a short answer`},
	{"a reset", func(_ context.Context, c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0) },
		`gateway eu: it closed the connection before an answer; see its log, and whether url has the right scheme and port`},
	{"a connection that is closed", func(context.Context, net.Conn) {},
		`gateway eu: it closed the connection before an answer; see its log, and whether url has the right scheme and port`},
	{"garbage", func(_ context.Context, c net.Conn) { fmt.Fprint(c, "\x00\x1b[31mSSH-2.0-x\r\n\r\n") },
		`gateway eu: what it answers is not HTTP; correct the port or the scheme of url`},
	{"a header that is none", func(_ context.Context, c net.Conn) { begin(c, "no colon\r\n\r\n") },
		`gateway eu: what it answers is not HTTP; correct the port or the scheme of url`},
	{"a redirect to itself", func(_ context.Context, c net.Conn) {
		fmt.Fprint(c, "HTTP/1.1 307 Temporary Redirect\r\nLocation: /protected\r\nContent-Length: 0\r\n\r\n")
	}, `canary: eu answers a token that was never issued with 307 to /protected; write in url and probe.path where it redirects to`},
	{"informational answers without end", func(ctx context.Context, c net.Conn) { drip(ctx, c, "HTTP/1.1 103 Early Hints\r\n\r\n", 0) },
		`gateway eu: the header of its answer is longer than 64 KB; see what it sends`},
}

func TestAHostileGatewayCannotHoldUpACheck(t *testing.T) {
	for _, row := range mischief {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			undisturbed.Again(t, func(t *undisturbed.Attempt) {
				w := up(t, func(w *world) { w.url, w.more = hostile(t, row.speak), "connection: {timeout: 500ms}" })
				began := time.Now()
				line := w.unfitLine(w.check().err)
				assert.Equal(t, row.line, line)
				assert.Less(t, time.Since(began), 20*time.Second)
				assert.Equal(t, line, w.unfitLine(w.fit()))
			})
		})
	}
}
