package main

import (
	"fmt"
	"strings"

	"github.com/tokendrill/tokendrill/scenarios"
)

// scenarioSheet is the header of a shipped scenario and an extract of it.
func scenarioSheet(name string) *sheet {
	source, err := scenarios.Source(name)
	sc, also := scenarios.Load(name)
	var s sheet
	if err != nil || also != nil { // the caller has seen that it is there, and a test parses every one
		return &s
	}
	s.text(sc.Name)
	s.gap()
	s.text(sc.About)
	for _, paragraph := range header(source) {
		s.gap()
		s.text(paragraph)
	}
	s.gap()
	s.item("patterns", strings.Join(sc.Patterns, ", "))
	for _, f := range sc.Faults {
		s.item("fault", fmt.Sprintf("%s on %s, from %v for %v", f.Name, where(f), f.At, f.For))
	}
	for _, st := range sc.Stimuli {
		s.item("stimulus", st.Name)
	}
	for _, stop := range sc.AbortWhen {
		s.item("stops when", stop)
	}
	for _, gate := range sc.Gates {
		s.item("gate", gate)
	}
	s.gap()
	s.item("run it", "tokendrill run "+sc.Name)
	return &s
}

// where a fault acts.
func where(f scenarios.Fault) string {
	what := f.Link + f.Node
	if what == "" {
		what = "this machine"
	}
	if at := strings.Trim(f.Pattern+"/"+f.Gateway, "/"); at != "" {
		what += " at " + at
	}
	return what
}

// header is the comment at the head of a scenario file as paragraphs, without
// what it says to editors.
func header(source []byte) []string {
	var out []string
	open := false
	for line := range strings.Lines(string(source)) {
		words, comment := strings.CutPrefix(line, "#")
		if !comment {
			break
		}
		words = strings.TrimSpace(words)
		switch {
		case strings.HasPrefix(words, "yaml-language-server:"):
		case words == "":
			open = false
		case open:
			out[len(out)-1] += " " + words
		default:
			out, open = append(out, words), true
		}
	}
	return out
}
