package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tokendrill/tokendrill/chaos"
	"github.com/tokendrill/tokendrill/scenarios"
)

// faultSheet is all that a person has to know before injecting a fault.
func faultSheet(name string) *sheet {
	f, _ := chaos.Find(name) // the caller has seen that it is there
	var s sheet
	s.text(f.Name)
	s.gap()
	s.text(f.Does)
	s.gap()
	s.item("acts on", actsOn(f))
	s.item("models", f.Models)
	s.item("source", f.Source)
	s.item("landed", counted("if this is over 0: ", f.Met))
	s.item("healed", counted("if this grows after its end: ", f.Clear))
	s.item("undone", undoneBy(f))
	s.gap()
	if len(f.Params) == 0 {
		s.text("It takes no parameters.")
	}
	for _, p := range f.Params {
		s.key(p.Name, fmt.Sprintf("%s; %s. %s.", capital(accepts(p)), defaultOf(p), capital(p.Doc)))
	}
	s.block("In a scenario:", faultExample(f))
	return &s
}

// counted is a condition on what was counted, "" without a name for it.
func counted(condition, what string) string {
	if what == "" {
		return ""
	}
	return condition + what
}

// actsOn says where the fault can be.
func actsOn(f chaos.Spec) string {
	switch f.Place {
	case chaos.OnLink:
		if len(f.Links) == 0 {
			return "every link: " + strings.Join(scenarios.Links(), ", ")
		}
		return "the link " + strings.Join(f.Links, " or ")
	case chaos.OnNode:
		return "the nodes of a role: " + strings.Join(f.Roles, ", ")
	case chaos.OnContainer:
		return "the containers of a role, with --stage containers: " + strings.Join(f.Roles, ", ")
	}
	if byCall(f) {
		return "whatever an HTTP request can break, on this machine or on a host that --allow-host names"
	}
	return "anything that a command can break"
}

// byCall says whether HTTP requests break and mend it.
func byCall(f chaos.Spec) bool {
	return slices.ContainsFunc(f.Params, func(p chaos.Param) bool { return p.Unit == chaos.UnitCall })
}

// undoneBy says how the fault ends.
func undoneBy(f chaos.Spec) string {
	switch {
	case f.Once:
		return "there is nothing to undo"
	case f.Place == chaos.OnContainer:
		return "at its end, on every way out; if the run is killed, a journal on disk and a watchdog see to it that the stage is taken away"
	case f.Outlives():
		healer := "heal command"
		if byCall(f) {
			healer = "heal call"
		}
		return "by its " + healer + ", on every way out: a journal on disk and a watchdog see to that if the run is killed"
	}
	return "at its end, and with the run however that ends"
}

// capital begins a text with a capital letter.
func capital(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// accepts says what a parameter can be, with its unit and bounds.
func accepts(p chaos.Param) string {
	switch p.Unit {
	case chaos.UnitDuration:
		return fmt.Sprintf("a duration from %s to %s", duration(p.Min), duration(p.Max))
	case chaos.UnitDelay:
		return fmt.Sprintf("a duration, or {p50: …, p95: …}, from %s to %s", duration(p.Min), duration(p.Max))
	case chaos.UnitShare:
		return fmt.Sprintf("a share of up to %s%%, such as 50%%", number(100*p.Max))
	case chaos.UnitNumber:
		return fmt.Sprintf("a number from %s to %s", number(p.Min), number(p.Max))
	case chaos.UnitSize:
		return fmt.Sprintf("a size from %v to %v", chaos.Size(p.Min), chaos.Size(p.Max))
	case chaos.UnitCommand:
		return "a list: a program and its arguments"
	case chaos.UnitCall:
		return "keys: url and, if need be, method (else POST), headers, body, status"
	}
	return "a text"
}

// defaultOf says what holds without the parameter.
func defaultOf(p chaos.Param) string {
	if p.Required {
		return "required"
	}
	if share, err := strconv.ParseFloat(p.Default, 64); err == nil && p.Unit == chaos.UnitShare {
		return "default " + number(100*share) + "%"
	}
	return "default " + cmp.Or(p.Default, "none")
}

// duration writes seconds as a scenario does: "1m" and not "1m0s".
func duration(seconds float64) string {
	s := time.Duration(seconds * float64(time.Second)).String()
	for _, zero := range []string{"m0s", "h0m"} {
		if head, ok := strings.CutSuffix(s, zero); ok {
			s = head + zero[:1]
		}
	}
	return s
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// faultExample is a part of a scenario file that injects the fault.
func faultExample(f chaos.Spec) string {
	var b strings.Builder
	fmt.Fprintf(&b, "faults:\n  - name: %s\n", f.Name)
	switch f.Place {
	case chaos.OnLink:
		fmt.Fprintf(&b, "    link: %s\n", append(f.Links, "gateway-authority")[0])
	case chaos.OnNode, chaos.OnContainer:
		fmt.Fprintf(&b, "    node: %s\n", f.Roles[0])
	}
	fmt.Fprintf(&b, "    at: 1s\n    for: %v\n", max(f.Least, 2*time.Second))
	for _, p := range f.Params {
		if p.Required || p.Unit == chaos.UnitCommand || p.Unit == chaos.UnitCall {
			fmt.Fprintf(&b, "    %s: %s\n", p.Name, sampleOf(p))
		}
	}
	return b.String()
}

// sampleOf is a value that the parameter can have.
func sampleOf(p chaos.Param) string {
	within := func(v float64) float64 { return math.Min(math.Max(v, p.Min), p.Max) }
	switch p.Unit {
	case chaos.UnitDuration:
		return duration(within(60))
	case chaos.UnitDelay:
		return fmt.Sprintf("{p50: %s, p95: %s}", duration(within(0.1)), duration(within(0.3)))
	case chaos.UnitShare:
		return "50%"
	case chaos.UnitNumber:
		if p.Name == "cpus" {
			return "0.1"
		}
		return number(within(10))
	case chaos.UnitSize:
		return chaos.Size(within(float64(64 << 20))).String()
	case chaos.UnitCommand:
		if p.Name == "heal" {
			return "[systemctl, start, authority]"
		}
		return "[systemctl, stop, authority]"
	case chaos.UnitCall:
		up := p.Name == "heal_call"
		return fmt.Sprintf(`{url: "http://127.0.0.1:8474/proxies/idp", body: '{"enabled": %t}'}`, up)
	}
	return "/introspect"
}
