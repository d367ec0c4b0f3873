package measure

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// History is a saved history, ready to be judged again.
type History struct {
	Meta   Meta
	Events []Event
	// Ended is Stopped or Interrupted if the run did not come to its own end; a
	// history without a last line is of one that was interrupted.
	Ended RunVerdict
	// Elapsed is the length of the run in ns; without a last line, as far as there
	// are events.
	Elapsed int64
	// Ending is what the last line says.
	Ending Ending
	// Warnings tell what was tolerated, such as a last line that was cut off.
	Warnings []string
}

// mostLine bounds one line of a history, in bytes.
const mostLine = 1 << 20

// ReadHistory reads history.ndjson. It is strict: unknown fields, kinds and
// patterns, and lines over 1 MiB, are errors that start with name:line. Only a
// last line without its line break, as an interrupted run leaves it, is dropped
// with a warning.
func ReadHistory(r io.Reader, name string) (*History, error) {
	h := &History{Ended: Interrupted}
	in := bufio.NewReaderSize(r, 1<<16)
	for number := 1; ; number++ {
		line, err := readLine(in)
		switch {
		case errors.Is(err, io.EOF) && number > 1:
			if len(line) > 0 {
				h.Warnings = append(h.Warnings, fmt.Sprintf("%s:%d: the last line is cut off and left out", name, number))
			}
			return h, nil
		case errors.Is(err, io.EOF):
			return nil, fmt.Errorf("%s:1: no complete first line with the meta of a run", name)
		case err != nil:
			return nil, fmt.Errorf("%s:%d: %w", name, number, err)
		}
		if err := h.add(line, number == 1); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, number, err)
		}
	}
}

// readLine returns the next line without its line break. With io.EOF it returns
// what was left.
func readLine(in *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		if line = append(line, part...); len(line) > mostLine {
			return nil, fmt.Errorf("line is over %d bytes", mostLine)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case err != nil:
			return line, err
		default:
			return line[:len(line)-1], nil
		}
	}
}

// add parses one line.
func (h *History) add(line []byte, first bool) error {
	var e Event
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&e); err != nil {
		return fmt.Errorf("parse event: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("parse event: more than one value on the line")
	}
	switch {
	case first:
		return h.start(&e)
	case e.Kind == KindEnd:
		return h.finish(&e)
	}
	if err := h.valid(&e); err != nil {
		return err
	}
	h.Events = append(h.Events, e)
	h.Elapsed = max(h.Elapsed, e.End)
	return nil
}

// start takes the meta from the first event.
func (h *History) start(e *Event) error {
	switch {
	case e.Kind != KindRun || e.Meta == nil:
		return fmt.Errorf("first event is %q, want %q with meta", e.Kind, KindRun)
	case e.Meta.Schema != HistorySchema:
		return fmt.Errorf("schema is %q, want %q", e.Meta.Schema, HistorySchema)
	case len(e.Meta.Patterns) == 0:
		return errors.New("the run has no pattern")
	}
	h.Meta = *e.Meta
	return nil
}

// finish takes how the run ended from its last event.
func (h *History) finish(e *Event) error {
	h.Elapsed = e.End
	if e.Ending != nil {
		h.Ending = *e.Ending
	}
	switch h.Ended = RunVerdict(e.Detail); h.Ended {
	case "", Stopped, Interrupted:
		return nil
	}
	return fmt.Errorf("a run cannot have ended as %q", e.Detail)
}

// valid checks an event after the first.
func (h *History) valid(e *Event) error {
	switch e.Kind {
	case KindFault:
		return nil
	case KindRequest, KindRevoke, KindViolation:
	default:
		return fmt.Errorf("unknown kind %q of event", e.Kind)
	}
	if !slices.ContainsFunc(h.Meta.Patterns, func(p PatternMeta) bool { return p.Pattern == e.Pattern }) {
		return fmt.Errorf("pattern %q is not one of the run", e.Pattern)
	}
	if e.Kind == KindViolation && judge(e).kind != e.Violation {
		return fmt.Errorf("request is listed as %q, but is %q", e.Violation, judge(e).kind)
	}
	if e.End < e.Start {
		return fmt.Errorf("ends at %d, before its start %d", e.End, e.Start)
	}
	return nil
}
