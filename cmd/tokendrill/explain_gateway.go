package main

import (
	"cmp"
	"fmt"

	"github.com/tokendrill/tokendrill/scenarios"
)

func gatewayNames() (names []string) {
	for _, g := range scenarios.KnownGateways() {
		names = append(names, g.Name)
	}
	return names
}

// gatewaySheet is what is known of how a gateway keeps decisions.
func gatewaySheet(name string) *sheet {
	g, _ := scenarios.FindGateway(name) // the caller has seen that it is there
	var s sheet
	s.text(g.Name)
	s.gap()
	s.text(g.Title + ". " + g.Keeps)
	s.gap()
	for _, k := range g.Knobs {
		s.text(fmt.Sprintf("%s = %s", k.Name, k.Default))
		s.labelled("", 10, k.Says)
	}
	s.gap()
	for _, trap := range g.Traps {
		s.item("trap", trap)
	}
	s.gap()
	s.item("bound", g.Bound)
	s.item("source", fmt.Sprintf("%s; as of %s", g.Source, g.AsOf))
	s.item("measured", cmp.Or(g.Measured, "not run here"))
	s.block("In a target file:", g.Target)
	return &s
}
