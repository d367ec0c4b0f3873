package chaos

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const info = "INFO {\"server_id\":\"N\",\"headers\":true}\r\n"

// pushed is a push of a JetStream consumer, as a server sends it.
func pushed(body string) string {
	return fmt.Sprintf("MSG $KV.bucket.key 1 $JS.ACK.KV_bucket.c.1.7.7.1700000000.0 %d\r\n%s\r\n", len(body), body)
}

// pushedWithHeader is one with a header.
func pushedWithHeader(body string) string {
	const header = "NATS/1.0\r\nKV-Operation: DEL\r\n\r\n"
	return fmt.Sprintf("HMSG $KV.bucket.key 1 $JS.ACK.KV_bucket.c.1.8.8.1700000000.0 %d %d\r\n%s%s\r\n", len(header), len(header)+len(body), header, body)
}

// cut up in chunks of n bytes; what are pushes and what comes out in all.
func cutUp(stream string, n int) (pushes []string, all string) {
	var f frames
	var out strings.Builder
	give := func(piece []byte, push bool) {
		out.Write(piece)
		if push {
			pushes = append(pushes, string(piece))
		}
	}
	for chunk := range chunks(stream, n) {
		f.feed([]byte(chunk), give)
	}
	f.flush(give)
	return pushes, out.String()
}

func chunks(s string, n int) func(func(string) bool) {
	return func(yield func(string) bool) {
		for len(s) > 0 {
			k := min(n, len(s))
			if !yield(s[:k]) {
				return
			}
			s = s[k:]
		}
	}
}

func TestPushesAreToldFromAllElse(t *testing.T) {
	a, b := pushed("revoked a"), pushedWithHeader("")
	reply := "MSG _INBOX.x 2 12\r\n{\"stream\":1}\r\n"
	for _, row := range []struct {
		name, stream string
		want         []string
	}{
		{"a push", info + a, []string{a}},
		{"a push with a header", info + b, []string{b}},
		{"pushes between other things", info + "PING\r\n" + a + reply + "+OK\r\n" + b + "PONG\r\n-ERR 'x'\r\n" + a, []string{a, b, a}},
		{"lower case", strings.ToLower(info) + strings.Replace(a, "MSG", "msg", 1), []string{strings.Replace(a, "MSG", "msg", 1)}},
		{"a body that looks like a push", info + pushed(a), []string{pushed(a)}},
		{"an answer that quotes a push", info + fmt.Sprintf("MSG _INBOX.x 2 %d\r\n%s\r\n", len(a), a) + a, []string{a}},
		{"an idle heartbeat is none", info + "HMSG d 1 31 33\r\nNATS/1.0 100 Idle Heartbeat\r\n\r\nxx\r\n" + a, []string{a}},
		{"a subject that looks like the reply is none", info + "MSG $JS.ACK.a 1 2\r\nhi\r\n", nil},
		{"a message with a reply of its own is none", info + "MSG a 1 reply 2\r\nhi\r\n", nil},
		{"a message that is too long to look at is none, and one after it is", info + pushed(strings.Repeat("x", maxFrame+1)) + a, []string{a}},
		{"nothing after what is no NATS", info + "GET / HTTP/1.1\r\n" + a, nil},
		{"nothing after TLS has begun", info + "\x16\x03\x01" + a, nil},
		{"nothing without INFO at the beginning", a + info + a, nil},
		{"nothing after a size that is none", info + "MSG a 1 $JS.ACK.x -1\r\n" + a, nil},
		{"one that is cut off is none", info + a[:len(a)-1], nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			for _, n := range []int{1, 2, 7, 1000, len(row.stream)} {
				if n < 7 && len(row.stream) > maxFrame {
					continue // it would take seconds
				}
				pushes, all := cutUp(row.stream, n)
				require.Equal(t, row.want, pushes, "in chunks of %d", n)
				require.True(t, row.stream == all, "in chunks of %d: not byte for byte", n)
			}
		})
	}
}

// TLS begins with the client: bytes of the server must not wait for a line end.
func TestWhatIsNoLineOfNATSGoesOnAtOnce(t *testing.T) {
	for _, hello := range []string{"\x16\x03\x03", "S", "I'm no NATS", "220 mail"} {
		var f frames
		var got []byte
		f.feed([]byte(hello), func(piece []byte, _ bool) { got = append(got, piece...) })
		assert.Equal(t, hello, string(got))
	}
}

// Without a fault, any bytes in any chunks come out as they went in, and every
// piece stays as it was when it was given.
func FuzzFramesChangeNothing(f *testing.F) {
	f.Add([]byte(info+pushed("a")+"PING\r\n"+pushedWithHeader("b")), uint8(3))
	f.Add([]byte(info+"MSG a 1 99999999999999999999\r\n"), uint8(1))
	f.Add([]byte(info+"HMSG a 1 $JS.ACK.b 2 1\r\n\x00\r\n"), uint8(9))
	f.Add([]byte("INF"), uint8(1))
	f.Fuzz(func(t *testing.T, stream []byte, n uint8) {
		var fr frames
		var pieces, copies [][]byte
		give := func(piece []byte, push bool) {
			require.NotEmpty(t, piece)
			if push {
				require.True(t, bytes.HasSuffix(piece, []byte("\r\n")) || len(piece) > 2)
			}
			pieces, copies = append(pieces, piece), append(copies, bytes.Clone(piece))
		}
		for chunk := range chunks(string(stream), int(n)+1) {
			fr.feed([]byte(chunk), give)
		}
		fr.flush(give)
		require.True(t, bytes.Equal(stream, bytes.Join(pieces, nil)))
		require.Equal(t, copies, pieces)
	})
}
