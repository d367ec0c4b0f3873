package containers

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestARoleAnswersIfItSaysSomething(t *testing.T) {
	for _, row := range []struct {
		name, says string
		nats       bool
		want       string
	}{
		{"NATS, by its first line", "INFO {}\r\n", true, ""},
		{"something else in the place of NATS", "220 mail\r\n", true, "that is not NATS"},
		{"nobody behind the engine's proxy of NATS", "", true, "EOF"},
		{"HTTP, whatever the status", "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", false, ""},
		{"nobody behind the engine's proxy of HTTP", "", false, "EOF"},
	} {
		t.Run(row.name, func(t *testing.T) {
			b := &box{node: "cdn", port: "80", nats: row.nats, out: map[string]string{"80": saying(t, row.says, !row.nats)}}
			err := b.answers(t.Context())
			if row.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, "cdn does not answer: ")
			assert.ErrorContains(t, err, row.want)
		})
	}
}

func TestARoleThatSaysNothingIsNotWaitedFor(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0") // it takes connections, and nobody accepts them
	require.NoError(t, err)
	defer ln.Close()
	for _, nats := range []bool{false, true} {
		b := &box{port: "80", nats: nats, out: map[string]string{"80": ln.Addr().String()}}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		require.Error(t, b.answers(ctx))
	}
}

func TestAPortIsPublishedOnceTheContainerRuns(t *testing.T) {
	_, err := (&box{node: "cdn"}).published("80")
	require.EqualError(t, err, "cdn: port 80 is not published")
}

// saying is the address of a listener that says something to whoever connects, and
// hangs up. One that is asked waits for a question before.
func saying(t *testing.T, text string, asked bool) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	t.Cleanup(func() { ln.Close(); <-done })
	go func() {
		defer close(done)
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		if asked {
			conn.Read(make([]byte, 1<<10))
		}
		conn.Write([]byte(text))
	}()
	return ln.Addr().String()
}
