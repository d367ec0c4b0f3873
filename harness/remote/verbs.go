package remote

import (
	"fmt"
	"slices"

	"github.com/tokendrill/tokendrill/chaos"
)

// lasting are the verbs that stay in force until they are taken back.
func lasting() []chaos.Verb {
	return []chaos.Verb{chaos.VerbClock, chaos.VerbTTL, chaos.VerbCredentials, chaos.VerbLie, chaos.VerbDropKey}
}

// known says whether a verb is one for a role. The others are for its container.
func known(v chaos.Verb) bool {
	return slices.Contains(append(lasting(), chaos.VerbFlush, chaos.VerbRestart, chaos.VerbRotate), v)
}

// back is the amount that takes a verb back.
func back(v chaos.Verb) float64 {
	if v == chaos.VerbTTL {
		return 1
	}
	return 0
}

// mistake says what is wrong with a command for a role, by the bounds of the fault
// that gives it.
func mistake(c chaos.Command) error {
	low, high := 0.0, 1.0
	switch c.Verb {
	case chaos.VerbClock:
		low, high = bounds("clock.skew", "offset")
	case chaos.VerbTTL:
		low, high = bounds("ttl.skew", "factor")
	}
	if !known(c.Verb) {
		return fmt.Errorf("no role knows the verb %q", c.Verb)
	}
	if !(c.Amount >= low && c.Amount <= high) {
		return fmt.Errorf("the amount of %s is %g; expected %g to %g", c.Verb, c.Amount, low, high)
	}
	return nil
}

// bounds are those of a parameter in the catalogue.
func bounds(fault, param string) (low, high float64) {
	spec, _ := chaos.Find(fault)
	for _, p := range spec.Params {
		if p.Name == param {
			low, high = p.Min, p.Max
		}
	}
	return low, high
}
