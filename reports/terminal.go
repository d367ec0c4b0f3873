package reports

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/tokendrill/tokendrill/harness/measure"
)

// Columns and Lines bound what Terminal writes, escape sequences not counted.
const (
	Columns = 100
	Lines   = 25
)

// TerminalOptions say what Terminal adds to the report. The zero value adds nothing.
type TerminalOptions struct {
	// Color adds ANSI escape sequences; the words are the same without them.
	Color bool
	// Path is where report.html is; empty leaves the line out.
	Path string
	// Next is the next useful command, with a few words why; empty leaves the line out.
	Next string
}

// leastSaid is how many lines the sentences keep before gateways have a table.
const leastSaid = 7

// Terminal writes the block that ends a run: what was run, the table of the
// three questions, what the figures say and do not say, the verdict. It takes
// at most [Lines] lines of [Columns] columns. Text of the report is stripped of
// control characters. The error is that of w.
func Terminal(w io.Writer, r *measure.Report, opts TerminalOptions) error {
	lines := append([]string{headline(r), ""}, tableLines(r)...)
	lines = append(lines, "")
	tail := tailLines(r, opts)
	if table := gatewayLines(r, Lines-len(lines)-len(tail)-leastSaid-2); len(table) > 0 {
		lines = append(append(lines, table...), "")
	}
	lines = append(lines, saidLines(r, Lines-len(lines)-len(tail)-1)...)
	lines = append(append(lines, ""), tail...)
	for i := range lines {
		lines[i] = paint(short(strings.TrimRight(lines[i], " "), Columns), opts.Color)
	}
	_, err := io.WriteString(w, strings.Join(lines, "\n")+"\n")
	return err
}

// headline says what was run.
func headline(r *measure.Report) string {
	size := systems(r)
	switch n, same := gateways(r); {
	case !same:
		size += ", " + plural(sum(r, gatewaysOf), "gateway")
	case n > 0:
		size += " x " + plural(n, "gateway")
	}
	parts := []string{
		size,
		plural(sum(r, func(p *measure.Pattern) int { return p.Requests.Sent }), "request"),
		length(r.Elapsed),
		fmt.Sprintf("seed %d", r.Seed),
		stage(r),
	}
	say := func() string { return fmt.Sprintf("tokendrill %s: %s", clean(r.Scenario), strings.Join(parts, ", ")) }
	said := say()
	if utf8.RuneCountInString(said) > Columns { // the limits tell about the network too
		said, _, _ = strings.Cut(said, " (")
	}
	if last := len(parts) - 1; utf8.RuneCountInString(said) > Columns {
		parts = parts[:last] // the page has the stage
		said = say()
	}
	return said
}

// tailLines are the verdict, what is doubtful about the faults, and where to go from here.
func tailLines(r *measure.Report, opts TerminalOptions) []string {
	word, text := verdictLine(r)
	lines := labelled(word, text, 3)
	for _, n := range faultNotes(r) {
		lines = append(lines, labelled(n.Key, n.Text, n.most)...)
	}
	if opts.Path != "" {
		lines = append(lines, fmt.Sprintf("%-*s%s", indent, "report", ending(opts.Path, Columns-indent)))
	}
	if opts.Next != "" {
		lines = append(lines, fmt.Sprintf("%-*s%s", indent, "next", clean(opts.Next)))
	}
	return lines
}

// indent is the width of a label; only a longer one takes more.
const indent = 9

// labelled wraps text behind a label, nothing if there is none; what does not fit into the lines ends in "…".
func labelled(label, text string, lines int) []string {
	if text == "" {
		return nil
	}
	indent := max(indent, utf8.RuneCountInString(label)+2)
	wrapped := wrap(clean(text), Columns-indent, lines)
	for i := range wrapped {
		head := ""
		if i == 0 {
			head = label
		}
		wrapped[i] = fmt.Sprintf("%-*s%s", indent, head, wrapped[i])
	}
	return wrapped
}

// wrap breaks text at blanks into at most lines lines of width columns.
func wrap(text string, width, lines int) []string {
	out := Fill(text, width)
	if len(out) > lines {
		out[lines-1] = strings.Join(out[lines-1:], " ")
		out = out[:lines]
	}
	for i := range out {
		out[i] = short(out[i], width)
	}
	return out
}

// Fill breaks text at blanks into lines of width columns; a longer word has one to
// itself. Without text there is one empty line.
func Fill(text string, width int) []string {
	out := []string{""}
	for _, word := range strings.Fields(text) {
		last := &out[len(out)-1]
		switch {
		case *last == "":
			*last = word
		case utf8.RuneCountInString(*last)+1+utf8.RuneCountInString(word) <= width:
			*last += " " + word
		default:
			out = append(out, word)
		}
	}
	return out
}

// paint colours the word of the verdict, if it begins the line.
func paint(line string, color bool) string {
	if !color {
		return line
	}
	for word, code := range map[string]string{
		"PASS": "32", "FAIL": "31", "INCONCLUSIVE": "33", "STOPPED": "33", "INTERRUPTED": "33",
		"UNDO": "31", "UNKNOWN": "33",
	} {
		if rest, ok := strings.CutPrefix(line, word+" "); ok {
			return "\x1b[1;" + code + "m" + word + "\x1b[0m " + rest
		}
	}
	return line
}
