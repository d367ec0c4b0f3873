package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/tokendrill/tokendrill/chaos"
	"github.com/tokendrill/tokendrill/fixtures/token"
	"github.com/tokendrill/tokendrill/harness/measure"
	"github.com/tokendrill/tokendrill/scenarios"
)

// lists are what can be listed, in the order of the help.
var lists = []struct {
	name, about string
	rows        func() [][]string
}{
	{"scenarios", "the catalogue of scenarios", scenarioList},
	{"faults", "what can be broken on purpose", faultList},
	{"stimuli", "crafted traffic that provokes mistakes", stimulusList},
	{"metrics", "what a gate can limit", metricRows},
	{"mutations", "the ways in which tokens are fuzzed", mutationRows},
	{"presets", "the presets of target files, by authorization server", presetList},
	{"gateways", "the common gateways that can be explained", gatewayList},
	{"exit-codes", "what the exit codes mean", exitCodeRows},
}

func listCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "list",
		Short:   "List scenarios, faults, stimuli, metrics, mutations, presets, gateways and exit codes",
		Example: "  tokendrill list scenarios\n  tokendrill list faults\n  tokendrill list metrics | grep revoke",
		RunE:    needsKind("list what?"),
	}
	for _, l := range lists {
		c.AddCommand(&cobra.Command{
			Use: l.name, Short: "List " + l.about, Example: "  tokendrill list " + l.name, Args: args(0, 0),
			RunE: func(c *cobra.Command, _ []string) error { return printRows(c.OutOrStdout(), l.rows()) },
		})
	}
	c.AddCommand(schemaCommand())
	return c
}

func schemaCommand() *cobra.Command {
	target := false
	c := &cobra.Command{
		Use: "schema", Short: "Print the JSON Schema of scenario files, or of target files, for editors",
		Example: "  tokendrill list schema > scenario.schema.json\n  tokendrill list schema --target > target.schema.json", Args: args(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			schema := scenarios.Schema()
			if target {
				schema = scenarios.TargetSchema()
			}
			_, err := c.OutOrStdout().Write(schema)
			return err
		},
	}
	c.Flags().BoolVar(&target, "target", false, "that of target files")
	return c
}

// printRows prints rows as aligned columns.
func printRows(w io.Writer, rows [][]string) error {
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(tab, strings.Join(row, "\t"))
	}
	return tab.Flush()
}

// named is a name with a text behind it, under a heading.
type named struct{ heading, name, text string }

// grouped are rows of names and texts in one line each of at most columns, under
// their headings in the order of these.
func grouped(all []named, headings ...string) (rows [][]string) {
	widest := 0
	for _, n := range all {
		widest = max(widest, len(n.name))
	}
	for _, heading := range headings {
		first := true
		for _, n := range all {
			if n.heading != heading {
				continue
			}
			if first && len(rows) > 0 {
				rows = append(rows, nil)
			}
			if first && len(headings) > 1 {
				rows = append(rows, []string{"# " + heading})
			}
			first = false
			rows = append(rows, []string{fmt.Sprintf("%-*s  %s", widest, n.name, strings.TrimSuffix(brief(n.text, columns-widest-2), "."))})
		}
	}
	return rows
}

func scenarioList() [][]string {
	const compares, breaks, provokes = "compare patterns", "break something", "provoke a mistake"
	var all []named
	for _, sc := range scenarios.Catalogue() {
		heading := compares
		switch {
		case len(sc.Faults) > 0:
			heading = breaks
		case len(sc.Stimuli) > 0:
			heading = provokes
		}
		all = append(all, named{heading, sc.Name, sc.About})
	}
	return grouped(all, compares, breaks, provokes)
}

func faultList() [][]string {
	headings := map[chaos.Place]string{
		chaos.OnLink: "on a link", chaos.OnNode: "on a node", chaos.OnContainer: "on the container of a node", chaos.OnHost: "anywhere",
	}
	var all []named
	for _, f := range chaos.Catalogue() {
		all = append(all, named{headings[f.Place], f.Name, f.Does})
	}
	return grouped(all, headings[chaos.OnLink], headings[chaos.OnNode], headings[chaos.OnContainer], headings[chaos.OnHost])
}

func stimulusList() [][]string {
	var all []named
	for _, st := range scenarios.StimulusSpecs() {
		all = append(all, named{"", st.Name, st.Does})
	}
	return grouped(all, "")
}

func presetList() [][]string {
	var all []named
	for _, name := range scenarios.Presets() {
		text, err := scenarios.Preset(name)
		if head := header(text); err == nil && len(head) > 0 { // it is there, and a test reads every one
			all = append(all, named{"", name, strings.TrimPrefix(head[0], name+": ")})
		}
	}
	return grouped(all, "")
}

func gatewayList() [][]string {
	var all []named
	for _, g := range scenarios.KnownGateways() {
		all = append(all, named{"", g.Name, g.Keeps})
	}
	return grouped(all, "")
}

func metricRows() (rows [][]string) {
	for _, m := range measure.Metrics() {
		rows = append(rows, []string{m.Name, m.Unit, m.Doc})
	}
	return rows
}

func mutationRows() (rows [][]string) {
	for _, m := range token.Mutations() {
		rows = append(rows, []string{m.Name, m.Title, cmp.Or(m.Source, "-")})
	}
	return rows
}

func exitCodeRows() (rows [][]string) {
	for _, e := range exitCodes {
		rows = append(rows, []string{fmt.Sprint(e.code), e.means})
	}
	return rows
}
