package measure

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"sync"
)

// journal keeps the events that the checker needs, and writes them down in the
// same order. It is safe for concurrent use.
type journal struct {
	mu     sync.Mutex
	events []Event
	buffer *bufio.Writer // nil: nothing is written
	lines  *json.Encoder
	err    error // the first write that failed; nothing is written after it
}

// newJournal starts a history whose first line is meta.
func newJournal(meta Meta, w io.Writer) (*journal, error) {
	j := &journal{}
	if w == nil {
		return j, nil
	}
	j.buffer = bufio.NewWriterSize(w, 1<<16)
	j.lines = json.NewEncoder(j.buffer)
	j.lines.SetEscapeHTML(false)
	j.write(&Event{Kind: KindRun, Meta: &meta})
	return j, j.flush()
}

// add keeps an event and writes it down.
func (j *journal) add(e Event) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.events = append(j.events, e)
	j.write(&e)
}

// note writes an event down without keeping it.
func (j *journal) note(e Event) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.write(&e)
}

func (j *journal) write(e *Event) {
	if j.buffer != nil && j.err == nil {
		j.err = j.lines.Encode(e)
	}
}

// flush hands what is buffered to the writer and returns the first error of any write.
func (j *journal) flush() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.buffer != nil && j.err == nil {
		j.err = j.buffer.Flush()
	}
	if j.err != nil {
		return fmt.Errorf("write history: %w", j.err)
	}
	return nil
}
