//go:build unix

package main

import (
	"fmt"
	"slices"

	"github.com/tokendrill/tokendrill/harness/measure"
)

// outage is the folder of the run with a fault, where a how-to has one.
const outage = "outage"

// cacheLifeIsSeen: a token lives for what is left of its cache entry.
func cacheLifeIsSeen(c *carriedOut) error {
	p50 := map[string]float64{}
	for name, expiry := range map[string]float64{"apache-2s": 2000, "apache-5s": 5000} {
		p, err := c.measured("targets-7", name)
		if err == nil {
			err = soundUntil(p, expiry+1000)
		}
		if err != nil {
			return err
		}
		p50[name] = (*p.Revoke.FleetLower.P50 + *p.Revoke.FleetUpper.P50) / 2
	}
	if ratio := p50["apache-5s"] / p50["apache-2s"]; ratio < 1.8 || ratio > 3.5 {
		return fmt.Errorf("p50 at 5 s is %.2f times that at 2 s: %v", ratio, p50)
	}
	return nil
}

// staleIsServed: sound without an outage; in one, what was revoked before is let in.
func staleIsServed(c *carriedOut) error {
	p, err := c.measured("nginx-7", "nginx")
	if err == nil {
		err = soundUntil(p, p.Bound)
	}
	if err != nil {
		return err
	}
	p, err = c.measured(outage, "nginx")
	if err != nil {
		return err
	}
	return witnessed(p, "false_accept")
}

// outageLooksLikeABadToken: sound without an outage; in one, good tokens are refused.
func outageLooksLikeABadToken(c *carriedOut) error {
	p, err := c.measured("glewlwyd-7", "glewlwyd")
	if err == nil {
		err = soundUntil(p, p.Bound)
	}
	if err != nil {
		return err
	}
	p, err = c.measured(outage, "glewlwyd")
	if err != nil {
		return err
	}
	if n := p.Safety.FalseAccepts; n > 0 {
		return fmt.Errorf("%d tokens let in that should not be", n)
	}
	return witnessed(p, "false_reject")
}

// measured is what the run in a folder says of a target.
func (c *carriedOut) measured(folder, target string) (*measure.Pattern, error) {
	r := c.reports[folder]
	if r == nil {
		return nil, fmt.Errorf("no report in %s", folder)
	}
	i := slices.IndexFunc(r.Patterns, func(p measure.Pattern) bool { return p.Pattern == target })
	switch {
	case i < 0:
		return nil, fmt.Errorf("the report in %s does not have %s", folder, target)
	case !r.Validity.OK:
		return nil, fmt.Errorf("%s: not valid: %v", folder, r.Validity.Reasons)
	case r.Undo.Healed != r.Undo.Injected:
		return nil, fmt.Errorf("%s: %v left in place", folder, r.Undo.Left)
	}
	return &r.Patterns[i], nil
}

// soundUntil says that enough revocations were seen for a p95, that no token lived
// longer than limit, in ms, and that no decision was wrong.
func soundUntil(p *measure.Pattern, limit float64) error {
	switch v := p.Revoke; {
	case v.Tokens < 59 || v.FleetLower.P50 == nil || v.FleetUpper.P50 == nil:
		return fmt.Errorf("%s: %d tokens revoked, p50 %v", p.Pattern, v.Tokens, v.FleetUpper.P50)
	case v.FleetLower.Max == nil || *v.FleetLower.Max > limit:
		return fmt.Errorf("%s: the longest life is not within %v ms", p.Pattern, limit)
	case v.Censored+v.Resurrections > 0:
		return fmt.Errorf("%s: %d without an end, %d resurrections", p.Pattern, v.Censored, v.Resurrections)
	case p.Safety.FalseAccepts+p.Safety.FalseRejects > 0:
		return fmt.Errorf("%s: wrong decisions %+v", p.Pattern, p.Safety)
	}
	return nil
}

// witnessed says that there are wrong decisions of a kind, each with the requests
// that prove it, and that all of them come after the fault began.
func witnessed(p *measure.Pattern, kind string) error {
	found := 0
	for _, v := range p.Violations {
		if v.Kind == kind && len(v.Requests) > 0 {
			found++
		}
	}
	if found == 0 {
		return fmt.Errorf("%s: no witness of a %s", p.Pattern, kind)
	}
	for _, phase := range p.Phases {
		if s := phase.Safety; phase.Phase == "before" && s.FalseAccepts+s.FalseRejects > 0 {
			return fmt.Errorf("%s: wrong decisions before the fault: %+v", p.Pattern, s)
		}
	}
	return nil
}
