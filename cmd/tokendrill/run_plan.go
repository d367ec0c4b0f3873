package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/tokendrill/tokendrill/chaos"
	"github.com/tokendrill/tokendrill/fixtures/traffic"
	"github.com/tokendrill/tokendrill/harness"
	"github.com/tokendrill/tokendrill/scenarios"
)

// plan loads the scenario and the recording, applies the flags and plans the run.
func (f runFlags) plan(c *cobra.Command) (*harness.Plan, error) {
	for _, name := range f.irreversible {
		if _, ok := chaos.Find(name); !ok {
			return nil, fmt.Errorf("--irreversible: no fault is called %q; see tokendrill list faults", name)
		}
	}
	sc, err := f.load()
	if err != nil {
		return nil, err
	}
	if err := f.apply(c, sc); err != nil {
		return nil, err
	}
	rec, err := traffic.Open(sc.Traffic.Recording)
	if err != nil {
		return nil, err
	}
	return harness.NewPlan(sc, rec, f.seed)
}

// load reads the scenario, and the targets that are brought to it.
func (f runFlags) load() (*scenarios.Scenario, error) {
	g := scenarios.Given{Irreversible: f.irreversible, Patterns: f.patterns, Midway: f.faults, Hosts: f.allowHost}
	for _, file := range f.targets {
		t, err := scenarios.LoadTarget(file)
		if err != nil {
			return nil, err
		}
		g.Targets = append(g.Targets, t)
	}
	switch {
	case len(g.Targets) == 0 && len(f.patterns)+len(f.faults) > 0:
		return nil, errors.New("--patterns and --fault go with --target; expected a target file")
	case f.scenario == "":
		return scenarios.Own(g)
	}
	return scenarios.LoadFor(g, f.scenario)
}

// apply changes the scenario as the flags say, and checks it again.
func (f runFlags) apply(c *cobra.Command, sc *scenarios.Scenario) error {
	set := c.Flags().Changed
	if set("traffic") {
		sc.Traffic.Recording = f.traffic
	}
	if err := f.pace(c, sc); err != nil {
		return err
	}
	if set("duration") {
		round := sc.Traffic.Slice * time.Duration(len(sc.Names()))
		if sc.Traffic.Rounds = int((f.duration + round/2) / round); sc.Traffic.Rounds < 1 {
			return fmt.Errorf("--duration %v is too short; expected %v or more, the length of one round", f.duration, round)
		}
	}
	if set("tokens") {
		sc.Revoke.Tokens = f.tokens
	}
	if err := f.caps(c, sc); err != nil {
		return err
	}
	sc.Midway()
	if err := sc.Validate(); err != nil {
		return fmt.Errorf("with these flags: %w", err)
	}
	return nil
}

// pace sets a rate or a speed, of which a scenario has one.
func (f runFlags) pace(c *cobra.Command, sc *scenarios.Scenario) error {
	byRate, bySpeed := c.Flags().Changed("rate"), c.Flags().Changed("speed")
	switch {
	case byRate && bySpeed:
		return errors.New("--rate and --speed contradict each other; expected one of them")
	case byRate:
		rate, err := scenarios.ParseRate(f.rate)
		if err != nil {
			return fmt.Errorf("--rate: %w", err)
		}
		if rate == 0 {
			return errors.New("--rate: nothing would be sent; expected more than 0/s, or --speed 1 for the recorded pace")
		}
		sc.Traffic.Rate, sc.Traffic.Speed = rate, 0
	case bySpeed:
		if f.speed == 0 {
			return errors.New("--speed: nothing would be sent; expected more than 0, such as 1 for the recorded pace")
		}
		sc.Traffic.Rate, sc.Traffic.Speed = 0, f.speed
	}
	return nil
}

// caps bounds what the faults may do. A flag makes the scenario's own bounds
// tighter, never wider.
func (f runFlags) caps(c *cobra.Command, sc *scenarios.Scenario) error {
	if c.Flags().Changed("max-fault-time") {
		if f.maxFault <= 0 {
			return fmt.Errorf("--max-fault-time is %v; expected more than 0s", f.maxFault)
		}
		sc.Caps.For = tighter(sc.Caps.For, f.maxFault)
	}
	if c.Flags().Changed("max-share") {
		share, err := scenarios.ParseShare(f.maxShare)
		if err == nil && share == 0 {
			err = errors.New("no fault could act; expected more than 0")
		}
		if err != nil {
			return fmt.Errorf("--max-share: %w", err)
		}
		sc.Caps.Share = tighter(sc.Caps.Share, share)
	}
	return nil
}

// tighter is the tighter of two caps, of which the first may be none.
func tighter[T time.Duration | scenarios.Share](limit, flag T) T {
	if limit == 0 {
		return flag
	}
	return min(limit, flag)
}
