package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tokendrill/tokendrill/chaos"
	"github.com/tokendrill/tokendrill/harness/measure"
	"github.com/tokendrill/tokendrill/scenarios"
)

// explanations are what can be explained, in the order of the help.
var explanations = []struct {
	kind, about, example string
	names                func() []string
	sheet                func(name string) *sheet
}{
	{"scenario", "a scenario of the catalogue: what it shows, its source, what to expect", "quick", scenarioNames, scenarioSheet},
	{"fault", "a fault: what it does and stands for, its parameters, an example", "link.cut", faultNames, faultSheet},
	{"stimulus", "a stimulus: what is sent, which mistake it brings to light, an example", "scope-change", scenarios.StimulusNames, stimulusSheet},
	{"gateway", "a common gateway: what it caches, by which settings, its traps, the bound of a target file", "kong", gatewayNames, gatewaySheet},
}

func explainCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "explain",
		Short: "Explain a scenario, a fault, a stimulus or a common gateway",
		Long: `explain prints all that there is to know about one scenario, fault or stimulus of
the catalogues, with an example to copy, or how a common gateway keeps decisions
about tokens. The names are in tokendrill list scenarios, list faults, list stimuli
and list gateways.`,
		Example: "  tokendrill explain scenario quick\n  tokendrill explain fault link.cut\n  tokendrill explain stimulus scope-change\n  tokendrill explain gateway kong",
		RunE:    needsKind("explain what?"),
	}
	for _, e := range explanations {
		c.AddCommand(&cobra.Command{
			Use: e.kind + " NAME", Short: "Explain " + e.about,
			Example: fmt.Sprintf("  tokendrill explain %s %s", e.kind, e.example),
			Args:    args(1, 1),
			ValidArgsFunction: func(_ *cobra.Command, a []string, _ string) ([]string, cobra.ShellCompDirective) {
				if len(a) > 0 {
					return nil, cobra.ShellCompDirectiveNoFileComp
				}
				return e.names(), cobra.ShellCompDirectiveNoFileComp
			},
			RunE: func(c *cobra.Command, a []string) error {
				if names := e.names(); !slices.Contains(names, a[0]) {
					return badInput(fmt.Errorf("no %s %q; nearest: %s", e.kind, a[0], strings.Join(measure.Nearest(a[0], names), ", ")))
				}
				return e.sheet(a[0]).print(c.OutOrStdout())
			},
		})
	}
	return c
}

// needsKind refuses a command without, or with an unknown, subcommand.
func needsKind(question string) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, a []string) error {
		var names []string
		for _, sub := range c.Commands() {
			names = append(names, sub.Name())
		}
		return badInput(fmt.Errorf("%s %q is not one of %s", question, strings.Join(a, " "), strings.Join(names, ", ")))
	}
}

func scenarioNames() (names []string) {
	for _, sc := range scenarios.Catalogue() {
		names = append(names, sc.Name)
	}
	return names
}

func faultNames() (names []string) {
	for _, f := range chaos.Catalogue() {
		names = append(names, f.Name)
	}
	return names
}
