package harness

import (
	"context"
	"strconv"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// attackLabelHeader carries a hit's place in the table from the target to the
// sender. It never leaves the process. vegeta's own sequence number would not
// do: targets are not drawn in its order.
const attackLabelHeader = "Tokendrill-Hit"

// attackEntry is the place of one hit between its falling due and its end.
type attackEntry struct {
	hit Hit
	// label is the entry's index, as the values of attackLabelHeader.
	label []string
}

// attackTable holds the hits that are due or in flight. Free entries and due
// hits are passed on by index.
type attackTable struct {
	entries []attackEntry
	free    chan int
	due     chan int
}

// newAttackTable has an entry for the hit of every worker and one for the hit
// that waits for a worker, so the pacer never waits for a free one.
func newAttackTable(workers int) *attackTable {
	n := workers + 1
	t := &attackTable{entries: make([]attackEntry, n), free: make(chan int, n), due: make(chan int, n)}
	for i := range t.entries {
		t.entries[i].label = []string{strconv.Itoa(i)}
		t.free <- i
	}
	return t
}

// target is a vegeta.Targeter. A worker calls it once for each tick, and a tick
// comes after its hit: there is always one due.
func (t *attackTable) target(tgt *vegeta.Target) error {
	e := &t.entries[<-t.due]
	tgt.Method, tgt.URL = e.hit.Method, e.hit.URL
	tgt.Header = map[string][]string{attackLabelHeader: e.label}
	if e.hit.Authorization != nil {
		tgt.Header["Authorization"] = e.hit.Authorization
	}
	return nil
}

// attackPacer is a vegeta.Pacer that keeps a recorded schedule.
type attackPacer struct {
	ctx   context.Context
	start time.Time
	next  func() (Hit, bool)
	table *attackTable
	timer *time.Timer
	drawn int64
}

// Pace waits itself and then asks vegeta for no further wait: vegeta sleeps
// through a stop. The offset is absolute, so no lateness is handed on.
func (p *attackPacer) Pace(time.Duration, uint64) (wait time.Duration, stop bool) {
	hit, ok := p.next()
	if !ok || !p.sleep(hit.At-time.Since(p.start)) {
		return 0, true
	}
	select {
	case i := <-p.table.free:
		p.table.entries[i].hit = hit
		p.table.due <- i
		p.drawn++
		return 0, false
	case <-p.ctx.Done(): // an unsendable hit kept its entry
		return 0, true
	}
}

// sleep says whether d passed before the attack was cancelled.
func (p *attackPacer) sleep(d time.Duration) bool {
	if d <= 0 {
		return p.ctx.Err() == nil
	}
	if p.timer == nil {
		p.timer = time.NewTimer(d)
	} else {
		p.timer.Reset(d)
	}
	select {
	case <-p.timer.C:
		return true
	case <-p.ctx.Done():
		return false
	}
}

// Rate is part of vegeta.Pacer; a recorded schedule has no formula for it, and
// vegeta asks for it only to plot one.
func (p *attackPacer) Rate(time.Duration) float64 { return 0 }
