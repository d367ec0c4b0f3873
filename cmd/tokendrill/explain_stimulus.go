package main

import (
	"fmt"

	"github.com/tokendrill/tokendrill/scenarios"
)

// stimulusSheet is all that a person has to know about a stimulus.
func stimulusSheet(name string) *sheet {
	st, _ := scenarios.FindStimulus(name) // the caller has seen that it is there
	var s sheet
	s.text(st.Name)
	s.gap()
	s.text(st.Does)
	s.gap()
	s.item("provokes", st.Provokes)
	s.item("source", st.Source)
	s.item("needs", st.Needs)
	s.gap()
	s.key("rate", "Requests per second and pattern, such as 20/s; required.")
	s.key("tokens", fmt.Sprintf("How many different tokens it uses; default %d.", st.Tokens))
	s.key("pattern", "Narrows it to one pattern; default all.")
	s.key("at", "When it begins, from the start of the revocation phase; default 0.")
	s.key("for", "How long it lasts; default until the end.")
	s.block("In a scenario:", stimulusExample(st))
	return &s
}

// stimulusExample is a part of a scenario file that sends the stimulus, with the
// routes that it needs where the usual ones lack them.
func stimulusExample(st scenarios.StimulusSpec) string {
	routes := map[string]string{
		scenarios.AudienceChange: `  - {path: /pay/*, scope: read, audience: "https://pay.example"}`,
		scenarios.TwoTenants:     `  - {path: /tenant-b/*, scope: read, audience: "https://b.example"}`,
		scenarios.JustExpired:    "  - {path: /status/*, scope: read, grace: 2s}",
		scenarios.StepUp:         "  - {path: /admin/*, scope: read, acr: mfa}",
	}[st.Name]
	if routes != "" {
		routes = "routes:\n" + routes + "\n  - {scope: read}\n"
	}
	return fmt.Sprintf("%sstimuli:\n  - name: %s\n    rate: 20/s\n", routes, st.Name)
}
