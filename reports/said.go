package reports

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tokendrill/tokendrill/harness/measure"
)

// block is a labelled text in at most so many lines.
type block struct {
	label, text string
	most        int
}

// lines are the block's in the terminal.
func (b block) lines() []string { return labelled(b.label, b.text, b.most) }

// blocks are the sentences of a run, the most important first, without what the
// run does not show.
func blocks(r *measure.Report) []block {
	floor := block{"floor", floorSentence(r), 2}
	said := []block{{"fast", fastSentence(r), 2}, {"", derivedLegend(r), 1}, floor, {"revoked", revokedSentence(r), 2}}
	switch {
	case broke(r):
		said = []block{{"broken", fit(brokenSentences(r), Columns-indent, 3), 3}, {"answers", answersSentence(r), 2}, floor, {"revoked", meanwhileSentence(r), 2}}
	case !speedMeasured(r) && sum(r, decisions) > 0:
		said = said[1:] // the limits say so
	}
	said = append(said, block{"audit", fallbackSentence(r), 2}, block{"wrong", wrongSentence(r), 2}, block{"cited", referenceSentence(r), 2})
	return slices.DeleteFunc(said, func(b block) bool { return b.text == "" })
}

// saidLines are the sentences, in at most room lines. What the run does not
// show takes what the others leave; the legend gives way to it.
func saidLines(r *measure.Report, room int) []string {
	said := squeeze(blocks(r), room-1)
	limits := limitSentences(r)
	left := room
	for _, b := range said {
		left -= len(b.lines())
	}
	legend := legendOf(r)
	if all := Fill(clean(strings.Join(limits, " ")), Columns-indent); legend == "" || len(all) >= left {
		legend = ""
	} else {
		left--
	}
	var lines []string
	for _, b := range said {
		lines = append(lines, b.lines()...)
		if b.label == "revoked" {
			lines = append(lines, labelled("", legend, 1)...)
		}
	}
	return append(lines, labelled("limits", fit(limits, Columns-indent, left), left)...)
}

// squeeze takes lines from the blocks, the last one first, until all of them
// have room; if one line for each is too much, the last ones fall away.
func squeeze(said []block, room int) []block {
	said = said[:min(len(said), room)]
	used := 0
	for i, b := range said {
		said[i].most = len(b.lines())
		used += said[i].most
	}
	for i := len(said) - 1; i >= 0 && used > room; i-- {
		spare := min(said[i].most-1, used-room)
		said[i].most -= spare
		used -= spare
	}
	return said
}

// legendOf explains the table's words for the life of a revoked token, if it has one.
func legendOf(r *measure.Report) string {
	switch {
	case broke(r):
		return "a to b: last let in at a, refused by b. back: since the end of the last fault."
	case len(livesOf(r)) > 0:
		return lifeLegend
	}
	return ""
}

// fit joins as many whole sentences as so many lines take, and counts the rest.
func fit(sentences []string, width, lines int) string {
	for n := len(sentences); n > 0; n-- {
		text := clean(strings.Join(sentences[:n], " ") + more(len(sentences)-n))
		if len(Fill(text, width)) <= lines {
			return text
		}
	}
	if len(sentences) == 0 {
		return ""
	}
	tail, room := more(len(sentences)-1), width*lines
	for ; room > 0 && len(Fill(clean(short(sentences[0], room)+tail), width)) > lines; room-- {
	}
	return short(sentences[0], room) + tail
}

// more counts the sentences that were left out; "" if none was.
func more(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" %d more in the report.", n)
}
