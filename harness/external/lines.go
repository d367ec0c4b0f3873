package external

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/tokendrill/tokendrill/harness"
)

// lines are the tokens of a file, each of which is handed out once. It is safe for
// concurrent use.
type lines struct {
	file string
	mu   sync.Mutex
	next int
	all  []fields
}

// readLines reads a file of tokens, file being the name that errors call it.
func readLines(path, file string) (*lines, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	all, err := parseLines(f, file)
	return &lines{file: file, all: all}, err
}

// parseLines reads a token from each line that is not blank: JSON like the answer of
// a token endpoint, or just a token.
func parseLines(r io.Reader, file string) ([]fields, error) {
	var out []fields
	first := map[string]int{} // line of a token
	s := bufio.NewScanner(r)
	s.Buffer(nil, maxAnswer)
	line := 1
	for ; s.Scan(); line++ {
		if strings.TrimSpace(s.Text()) == "" {
			continue
		}
		f, err := parseToken(s.Bytes())
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, line, err)
		}
		if before := first[f.token()]; before != 0 {
			return nil, fmt.Errorf("%s:%d: the token of line %d again; expected another one", file, line, before)
		}
		first[f.token()] = line
		out = append(out, f)
	}
	switch err := s.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return nil, fmt.Errorf("%s:%d: a line over %d KB; expected a token", file, line, maxAnswer>>10)
	case err != nil:
		return nil, fmt.Errorf("%s:%d: %w", file, line, err)
	}
	return out, nil
}

// take hands out the next token.
func (l *lines) take() (fields, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.next == len(l.all) {
		return nil, l.short(l.next + 1)
	}
	l.next++
	return l.all[l.next-1], nil
}

// short is the error of a file with too few tokens.
func (l *lines) short(needed int) error {
	return fmt.Errorf("%s has %d tokens; expected %d or more, one for each line", l.file, len(l.all), needed)
}

// spareTokens are those that a run needs besides the tokens of its requests: to look
// at the target, and to make others of that only look like tokens.
const spareTokens = 5

// enough says whether the tokens will do for a plan.
func (l *lines) enough(p *harness.Plan, system int) error {
	seen := map[string]bool{}
	for r := range p.Requests() {
		if r.System == system && r.Token != "" {
			seen[string(r.Token)] = true
		}
	}
	if needed := len(seen) + spareTokens; needed > len(l.all) {
		return l.short(needed)
	}
	return nil
}
