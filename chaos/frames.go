package chaos

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
)

const (
	// maxLine bounds a control line: the server's INFO is the longest.
	maxLine = 64 << 10
	// maxFrame bounds a message that is looked at as a whole; NATS' own default limit.
	maxFrame = 1 << 20
	// pushReply begins the reply subject of what a JetStream consumer is sent.
	pushReply = "$JS.ACK."
)

// frames cuts what a NATS server sends into pieces: each push of a JetStream
// consumer is one, and what is between goes on as it comes. A stream that is
// something else, or becomes so (TLS), goes on untouched. The zero value is ready.
//
// Source: the NATS client protocol, messages MSG and HMSG.
type frames struct {
	buf    []byte
	skip   int  // bytes still to come of a message that is too long
	begun  bool // INFO was seen
	opaque bool
}

// feed takes bytes in and gives pieces out, in order; what is incomplete waits for
// more. The pieces are the callee's to keep.
func (f *frames) feed(data []byte, give func(piece []byte, push bool)) {
	f.buf = append(f.buf, data...)
	for len(f.buf) > 0 {
		n, push := f.first()
		if n == 0 {
			return
		}
		give(f.buf[:n:n], push)
		if f.buf = f.buf[n:]; len(f.buf) > 0 {
			continue
		}
		f.buf = nil // what was given is no longer ours
	}
}

// flush gives what waits: there is no more to come.
func (f *frames) flush(give func(piece []byte, push bool)) {
	if len(f.buf) > 0 {
		give(f.buf, false)
		f.buf = nil
	}
}

// first says how long the first piece is, 0 if that cannot be told yet.
func (f *frames) first() (n int, push bool) {
	if f.skip > 0 {
		n = min(f.skip, len(f.buf))
		f.skip -= n
		return n, false
	}
	if f.opaque || !f.plausible() {
		f.opaque = true
		return len(f.buf), false
	}
	end := bytes.Index(f.buf, []byte("\r\n"))
	switch {
	case end < 0 && len(f.buf) > maxLine:
		f.opaque = true
		return len(f.buf), false
	case end < 0:
		return 0, false
	}
	return f.message(end + 2)
}

// message is first for a complete control line of n bytes.
func (f *frames) message(n int) (int, bool) {
	f.begun = true
	words := strings.Fields(string(f.buf[:n]))
	if len(words) == 0 || !payload(words[0]) {
		return n, false
	}
	size, err := strconv.ParseUint(words[len(words)-1], 10, 31)
	if err != nil {
		f.opaque = true
		return len(f.buf), false
	}
	whole := n + int(size) + 2
	switch {
	case size > maxFrame:
		f.skip = int(size) + 2
		return n, false
	case len(f.buf) < whole:
		return 0, false
	}
	return whole, isPush(words)
}

// payload says whether a control line is followed by a message.
func payload(op string) bool { return strings.EqualFold(op, "MSG") || strings.EqualFold(op, "HMSG") }

// isPush reads MSG subject sid [reply] size, or HMSG subject sid [reply] header size.
func isPush(words []string) bool {
	with := 5
	if strings.EqualFold(words[0], "HMSG") {
		with = 6
	}
	return len(words) == with && strings.HasPrefix(words[3], pushReply)
}

// plausible says whether what waits may begin a line of a NATS server. The first is
// INFO, whoever speaks.
func (f *frames) plausible() bool {
	ops := []string{"INFO", "MSG", "HMSG", "PING", "PONG", "+OK", "-ERR"}
	if !f.begun {
		ops = ops[:1]
	}
	return slices.ContainsFunc(ops, func(op string) bool {
		n := min(len(op), len(f.buf))
		return strings.EqualFold(op[:n], string(f.buf[:n]))
	})
}
