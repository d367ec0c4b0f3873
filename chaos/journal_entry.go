package chaos

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"time"
)

// Entry is one fault in a journal.
type Entry struct {
	Fault string    `json:"fault"`
	Where string    `json:"where"`
	At    time.Time `json:"at"`
	// Undo is what takes the fault away if its run has died.
	Undo Undo `json:"undo"`
	// Heal is the command of UndoCommand, to be run in Dir; both are absolute.
	Heal []string `json:"heal,omitempty"`
	Dir  string   `json:"dir,omitempty"`
	// Within is how long the command may take, in ns; zero is 5 s.
	Within time.Duration `json:"within,omitempty"`
	// Call is the heal call of UndoCall, with the names of variables and not their
	// values; Hosts are those beyond loopback that it may go to.
	Call  *Call    `json:"call,omitempty"`
	Hosts []string `json:"hosts,omitzero"`
}

// Undo is what takes a fault away.
type Undo string

const (
	// UndoProcess says that the fault ends with the process of its run.
	UndoProcess Undo = "process"
	// UndoCommand says that the heal command of the entry does.
	UndoCommand Undo = "command"
	// UndoCall says that the heal call of the entry does.
	UndoCall Undo = "call"
	// UndoNone says that nothing does: somebody has allowed that.
	UndoNone Undo = "none"
)

// NewEntry describes a fault before it is injected. It is an error if one of its
// commands names a program that is not there, or one of its calls a variable that is
// not set or a host that is not allowed: then nothing should be injected. What
// undoes a fault of containers is for [Entry.SweptBy] to say.
func NewEntry(s Spec, p Params, where string, at time.Time) (Entry, error) {
	e := Entry{Fault: s.Name, Where: where, At: at.Round(0), Undo: UndoProcess}
	if !s.Outlives() {
		return e, nil
	}
	e.Undo = UndoNone
	if s.written == nil { // only its stage can undo it
		return e, nil
	}
	return e, s.written(p, &e)
}

// sweepTimeout bounds a command that takes a whole stage away.
const sweepTimeout = time.Minute

// SweptBy is the entry of a fault of containers with the command that takes away the
// stage that they belong to: nobody uses it once its run is dead. It is an error if
// there is no such program.
func (e Entry) SweptBy(argv []string) (Entry, error) {
	heal, err := absolute(argv)
	if err == nil {
		e.Dir, err = here()
	}
	if err != nil {
		return e, fmt.Errorf("sweep command: %w", err)
	}
	e.Undo, e.Heal, e.Within = UndoCommand, heal, sweepTimeout
	return e, nil
}

// outlives says whether the fault stays when its process dies, and something undoes it.
func (e Entry) outlives() bool { return e.Undo == UndoCommand || e.Undo == UndoCall }

const (
	journalSchema = "tokendrill.undo/v1"
	journalExt    = ".ndjson"
	// maxJournal bounds a journal, and maxWords one command in it.
	maxJournal = 1 << 20
	maxWords   = 1024
)

// line is one line of a journal: the head on the first, then one for each fault
// that is injected, and one for each that is not in place any more.
type line struct {
	Head   *journalHead `json:"head,omitempty"`
	Inject *Entry       `json:"inject,omitempty"`
	Healed bool         `json:"healed,omitempty"`
	ID     int          `json:"id,omitempty"`
}

// journalHead says whose journal it is.
type journalHead struct {
	Schema  string        `json:"schema"`
	PID     int           `json:"pid"`
	Started time.Time     `json:"started"`
	Lease   time.Duration `json:"lease"` // in ns
}

// healedLine says that a fault is not in place any more.
func healedLine(id int) ([]byte, error) { return line{ID: id, Healed: true}.encode() }

// encode is the line with its end.
func (l line) encode() ([]byte, error) {
	data, err := json.Marshal(l)
	return append(data, '\n'), err
}

// record is a journal as read.
type record struct {
	journalHead
	entries []Entry      // in order; ids count from 1
	healed  map[int]bool // by id
}

// parseJournal reads a journal. A last line without an end is left out: its fault
// was not injected. Anything else that no journal of ours says is an error with
// its line, as a journal holds commands.
func parseJournal(data []byte) (*record, error) {
	if len(data) > maxJournal {
		return nil, fmt.Errorf("over %d bytes, expected an undo journal", maxJournal)
	}
	r := &record{healed: map[int]bool{}}
	lines := bytes.Split(data, []byte{'\n'})
	for i, text := range lines[:len(lines)-1] {
		if err := r.add(i, text); err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
	}
	if r.Schema == "" {
		return nil, errors.New("line 1: no head of an undo journal")
	}
	return r, nil
}

// add takes line i, from 0.
func (r *record) add(i int, text []byte) error {
	var l line
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&l); err != nil {
		return fmt.Errorf("not of an undo journal: %w", err)
	}
	switch {
	case dec.More():
		return errors.New("goes on after its object")
	case i == 0 && l.Head != nil && l.Head.Schema == journalSchema && l.Head.Lease > 0:
		r.journalHead = *l.Head
	case i > 0 && l.Inject != nil && l.ID == len(r.entries)+1:
		r.entries = append(r.entries, *l.Inject)
		return l.Inject.check()
	case i > 0 && l.Healed && l.ID >= 1 && l.ID <= len(r.entries):
		r.healed[l.ID] = true
	default:
		return errors.New("out of place")
	}
	return nil
}

// check refuses an entry that NewEntry does not make.
func (e Entry) check() error {
	command, call := e.Heal != nil || e.Dir != "" || e.Within != 0, e.Call != nil || e.Hosts != nil
	switch {
	case command && e.Undo != UndoCommand || call && e.Undo != UndoCall:
		return fmt.Errorf("undo %q with a command %q or a call", e.Undo, e.Heal)
	case e.Undo == UndoCommand:
		return e.checkCommand()
	case e.Undo == UndoCall:
		return e.checkCall()
	case e.Undo != UndoProcess && e.Undo != UndoNone:
		return fmt.Errorf("undo %q is not known", e.Undo)
	}
	return nil
}

func (e Entry) checkCommand() error {
	if len(e.Heal) == 0 || len(e.Heal) > maxWords || !filepath.IsAbs(e.Heal[0]) || !filepath.IsAbs(e.Dir) {
		return errors.New("a heal command without the whole path of its program and folder")
	}
	if e.Within < 0 || e.Within > sweepTimeout {
		return fmt.Errorf("a heal command that may take %v", e.Within)
	}
	return nil
}

func (e Entry) checkCall() error {
	if e.Call == nil {
		return errors.New("no heal call")
	}
	if wrong := e.Call.mistake(); wrong != nil {
		return fmt.Errorf("heal call: %w", wrong)
	}
	return nil
}
