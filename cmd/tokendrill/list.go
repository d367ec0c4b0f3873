package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/tokendrill/tokendrill/fixtures/token"
	"github.com/tokendrill/tokendrill/harness/measure"
	"github.com/tokendrill/tokendrill/scenarios"
)

// lists are what can be listed, in the order of the help.
var lists = []struct {
	name, about string
	rows        func() [][]string
}{
	{"scenarios", "the catalogue of scenarios", scenarioRows},
	{"metrics", "what a gate can limit", metricRows},
	{"mutations", "the ways in which tokens are fuzzed", mutationRows},
	{"exit-codes", "what the exit codes mean", exitCodeRows},
}

func listCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "list",
		Short:   "List scenarios, metrics, mutations and exit codes",
		Example: "  tokendrill list scenarios\n  tokendrill list metrics | grep revoke",
		RunE: func(c *cobra.Command, a []string) error {
			var names []string
			for _, sub := range c.Commands() {
				names = append(names, sub.Name())
			}
			return badInput(fmt.Errorf("list what? %q is not one of %s", strings.Join(a, " "), strings.Join(names, ", ")))
		},
	}
	for _, l := range lists {
		c.AddCommand(&cobra.Command{
			Use: l.name, Short: "List " + l.about, Example: "  tokendrill list " + l.name, Args: args(0, 0),
			RunE: func(c *cobra.Command, _ []string) error { return printRows(c.OutOrStdout(), l.rows()) },
		})
	}
	c.AddCommand(&cobra.Command{
		Use: "schema", Short: "Print the JSON Schema of scenario files, for editors",
		Example: "  tokendrill list schema > scenario.schema.json", Args: args(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := c.OutOrStdout().Write(scenarios.Schema())
			return err
		},
	})
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

func scenarioRows() (rows [][]string) {
	for _, sc := range scenarios.Catalogue() {
		rows = append(rows, []string{sc.Name, strings.Join(strings.Fields(sc.About), " ")})
	}
	return rows
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
