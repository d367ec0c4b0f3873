package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/tokendrill/tokendrill/reports"
)

// columns is the width of what list and explain print.
const columns = 100

// sheet is a page for the terminal: paragraphs behind labels, and blocks that
// stay as they are. The zero value is empty.
type sheet struct{ b strings.Builder }

// text adds a paragraph.
func (s *sheet) text(words string) { s.labelled("", 0, words) }

// item adds a paragraph behind a label, unless it is empty.
func (s *sheet) item(label, words string) {
	if words != "" {
		s.labelled(label, 10, words)
	}
}

// key adds a paragraph behind the name of a parameter.
func (s *sheet) key(name, words string) { s.labelled(name, 13, words) }

func (s *sheet) labelled(label string, indent int, words string) {
	for i, line := range reports.Fill(words, columns-indent) {
		if i > 0 {
			label = ""
		}
		fmt.Fprintf(&s.b, "%-*s%s\n", indent, label, line)
	}
}

// gap adds an empty line.
func (s *sheet) gap() { s.b.WriteByte('\n') }

// block adds lines under a heading, indented and otherwise as they are.
func (s *sheet) block(heading, lines string) {
	fmt.Fprintf(&s.b, "\n%s\n\n", heading)
	for line := range strings.Lines(lines) {
		s.b.WriteString(strings.TrimRight("  "+line, " \n") + "\n")
	}
}

func (s *sheet) print(w io.Writer) error {
	_, err := io.WriteString(w, s.b.String())
	return err
}

// brief is what fits into width columns of a text: its first sentence, or the
// first clauses of that, or as many of its words as fit, with "…".
func brief(text string, width int) string {
	text = strings.Join(strings.Fields(text), " ")
	if utf8.RuneCountInString(text) <= width {
		return text
	}
	for _, ends := range []string{".", ";:", ","} {
		if head := clause(text, ends, width); head != "" {
			return head
		}
	}
	return strings.TrimRight(reports.Fill(text, width-2)[0], ",;:") + " …"
}

// clause is the longest head of a text that ends before a blank with one of some
// marks and has at most width columns, and at least a quarter of them.
func clause(text, ends string, width int) string {
	found := ""
	for i := range text {
		head, rest := text[:i], text[i:]
		n := utf8.RuneCountInString(head)
		if n > width {
			break
		}
		if 4*n >= width && len(rest) > 1 && strings.ContainsRune(ends, rune(rest[0])) && rest[1] == ' ' {
			found = head
		}
	}
	return found
}
