package external

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"
)

const (
	// oddSkew and badSkew are how far a clock may be off ours before that is worth a
	// word, and before tokens are judged by another time than ours.
	oddSkew, badSkew = 5 * time.Second, time.Minute
)

// clocks compares the Date of the gateways and of the authority with our clock. (A
// Date counts whole seconds, so that half a second is nothing.)
func (e *examiner) clocks(ctx context.Context) {
	var right []string
	look := func(name, whose string, a answer) {
		if off, ok := skew(a); ok && e.clock(ctx, whose, off) {
			right = append(right, name)
		}
	}
	for g, a := range e.bare {
		if name := e.Target.Gateways[g].Name; e.reached[g] {
			look(name, "gateway "+name, a)
		}
	}
	if a, ok := e.authorityAnswer(); ok {
		look("the authority", "the authority", a)
	}
	if len(right) > 0 {
		e.say(ctx, Finding{What: "clock", State: Works, Says: fmt.Sprintf("within %v of ours: %s", oddSkew, strings.Join(right, ", "))})
	}
}

// clock tells that a clock is off; true says that it is not.
func (e *examiner) clock(ctx context.Context, whose string, off time.Duration) bool {
	if off.Abs() <= oddSkew {
		return true
	}
	f := Finding{What: "clock", State: Doubt, Says: fmt.Sprintf("that of %s is %s ours", whose, apart(off)), Fix: "set the clock that is wrong (NTP)"}
	if off.Abs() > badSkew {
		f.State = Fails
		f.Fix += ": tokens expire by it"
	}
	e.say(ctx, f)
	return false
}

// apart says how far and which way a clock is off.
func apart(off time.Duration) string {
	way := "ahead of"
	if off < 0 {
		way, off = "behind", -off
	}
	switch {
	case off < 2*time.Minute:
		return fmt.Sprintf("%.0f s %s", off.Seconds(), way)
	case off < 2*time.Hour:
		return fmt.Sprintf("%.0f min %s", off.Minutes(), way)
	}
	return fmt.Sprintf("%.0f h %s", off.Hours(), way)
}

// skew is how far ahead of ours the clock of an answer's Date is; false if it has
// none, or one that a cache has kept.
func skew(a answer) (time.Duration, bool) {
	date, err := http.ParseTime(a.Header.Get("Date"))
	if err != nil || a.Header.Get("Age") != "" {
		return 0, false
	}
	middle := a.sent.Add(a.got.Sub(a.sent) / 2)
	return date.Add(time.Second / 2).Sub(middle), true
}
