package external

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tokendrill/tokendrill/fixtures/token"
	"github.com/tokendrill/tokendrill/fixtures/traffic"
	"github.com/tokendrill/tokendrill/harness"
	"github.com/tokendrill/tokendrill/scenarios"
)

// surroundings looks at what a measurement can use and does not need.
func (e *examiner) surroundings(ctx context.Context) {
	e.seen(ctx)
	e.control(ctx)
	e.checkLatency(ctx)
	e.http2(ctx)
}

// seen says which replicas have answered, where a header tells.
func (e *examiner) seen(ctx context.Context) {
	for g, gateway := range e.Target.Gateways {
		if gateway.ReplicaHeader == "" || !e.reached[g] {
			continue
		}
		e.mu.Lock()
		found := slices.Sorted(maps.Keys(e.replicas[g]))
		e.mu.Unlock()
		f := Finding{What: "replicas", State: Works, Says: fmt.Sprintf("%d seen at %s: %s", len(found), gateway.Name, strings.Join(found, ", "))}
		switch {
		case len(found) == 0:
			f.State, f.Says = Doubt, fmt.Sprintf("no answer of %s has the header %s", gateway.Name, gateway.ReplicaHeader)
			f.Fix = "correct replica_header, or leave it out"
		case len(found) == 1 && !e.Target.Connection.Fresh:
			f.Says += "; if there are more, connection.fresh reaches them"
		}
		e.say(ctx, f)
	}
}

// control says whether the control path answers without a token.
func (e *examiner) control(ctx context.Context) {
	path := e.Target.Probe.Control
	if path == "" {
		return
	}
	e.judge(ctx, "control path", path+" answers without a token", e.ask(ctx, e.reached, path, ""), func(a answer) *Finding {
		switch {
		case accepts(a):
			return nil
		case a.err == nil && a.outcome.Verdict == token.Reject:
			return &Finding{State: Doubt, Says: fmt.Sprintf("asks for a token at %s (%d)", path, a.StatusCode), Fix: "name a path that needs none in probe.control"}
		}
		says, _ := e.undecided(a)
		return &Finding{State: Doubt, Says: fmt.Sprintf("answers %s with %s", path, says), Fix: "name a path that exists and needs no token in probe.control"}
	})
}

// checkLatency says where the time of a check will be known from.
func (e *examiner) checkLatency(ctx context.Context) {
	var told, silent []string
	for g, a := range e.taken {
		if !accepts(a) {
			continue
		}
		if _, ok := harness.CheckTime(a.Header); ok {
			told = append(told, e.Target.Gateways[g].Name)
		} else {
			silent = append(silent, e.Target.Gateways[g].Name)
		}
	}
	f := Finding{What: "check latency", State: Works}
	if len(told) > 0 {
		f.Says = "by Server-Timing at " + strings.Join(told, ", ")
		e.say(ctx, f)
	}
	if len(silent) == 0 {
		return
	}
	f.Says = "no Server-Timing at " + strings.Join(silent, ", ")
	if control := e.Target.Probe.Control; control != "" {
		f.Says += fmt.Sprintf(": derived, by what %s takes longer than %s", e.Target.Probe.Path, control)
	} else {
		f.State, f.Says = Doubt, f.Says+": only the time of whole answers will be known"
		f.Fix = `send "Server-Timing: token;dur=MILLISECONDS", or name a path without a token in probe.control`
	}
	e.say(ctx, f)
}

// http2 says where HTTP/2 was asked for in vain.
func (e *examiner) http2(ctx context.Context) {
	for g, a := range e.bare {
		if e.Target.Connection.HTTP2 && e.reached[g] && a.ProtoMajor < 2 {
			e.say(ctx, Finding{What: "HTTP/2", State: Doubt, Says: fmt.Sprintf("%s answers over %s", e.Target.Gateways[g].Name, protocol(a.Response)),
				Fix: "turn HTTP/2 on at the gateway, or connection.http2 off"})
		}
	}
}

// resolution says how finely a run will look, as it is planned within the limits.
func (e *examiner) resolution(ctx context.Context) {
	if len(e.tokens) == 0 || !slices.Contains(e.accepted, true) {
		return
	}
	plan, err := planned(e.Target)
	if err != nil {
		e.say(ctx, Finding{What: "resolution", State: Fails, Says: err.Error(), Fix: "change limits or bound"})
		return
	}
	if life := e.tokens[0].ExpiresIn; life > 0 && life < plan.Duration() {
		e.say(ctx, Finding{What: "token", State: Doubt, Says: fmt.Sprintf("expires in %v, and a run takes %v: what expires on the way is not measured to its end", life, plan.Duration().Round(time.Second)),
			Fix: "have tokens issued for longer, or lower limits.duration"})
	}
	e.mu.Lock()
	trip := slices.Sorted(slices.Values(e.trips))[len(e.trips)/2]
	e.mu.Unlock()
	cost := plan.Cost()
	e.say(ctx, Finding{What: "resolution", State: Works, Says: fmt.Sprintf("round trip %s at p50, first probes %s apart: a time-to-revoke is known to about %s at its shortest, %s near the bound",
		brief(trip), brief(cost.FirstGap), brief(cost.FirstGap+trip), brief(cost.Spread(e.Target.Bound)+trip))})
}

// planned is what a run of this target alone would do.
func planned(t *scenarios.Target) (*harness.Plan, error) {
	sc, err := scenarios.Own(scenarios.Given{Targets: []*scenarios.Target{t}})
	if err != nil {
		return nil, err
	}
	rec, err := traffic.Open(sc.Traffic.Recording)
	if err != nil {
		return nil, err
	}
	return harness.NewPlan(sc, rec, 1)
}
