// Command tokendrill replays recorded API traffic and fuzzed tokens against
// token-validation setups and tells how fast they decide, how long a revoked
// token keeps working, and whether any decision is ever wrong.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

// version is set by the linker.
var version = "devel"

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// run carries out one command line and returns its exit code.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := rootCommand()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.Execute()
	if err != nil && strings.HasPrefix(err.Error(), "unknown command") { // cobra has no type for it
		err = badInput(fmt.Errorf("%w; see tokendrill --help", err))
	}
	if err != nil && !errors.As(err, new(judged)) && !errors.As(err, new(unfit)) {
		fmt.Fprintf(stderr, "tokendrill: %s\n", oneLine(err))
	}
	return exitCode(err)
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "tokendrill",
		Short: "Measure how fast, how revocable and how right a token-validation setup is",
		Long: `tokendrill replays recorded API traffic and fuzzed tokens against four ways of
checking OAuth tokens, and answers three questions with evidence: how fast is a
decision, how long does a revoked token keep working, is any decision ever wrong.`,
		Example:       "  tokendrill run\n  tokendrill run field-review --seed 3\n  tokendrill check tokendrill-out/quick-7/history.ndjson",
		Version:       version,
		SilenceErrors: true,
		SilenceUsage:  true,

		DisableSuggestions: true, // they take several lines
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return badInput(fmt.Errorf("%w; see %s --help", err, c.CommandPath()))
	})
	root.AddCommand(runCommand(), healCommand(), checkCommand(), importCommand(), synthCommand(), listCommand(), explainCommand(), doctorCommand(), stageCommand(), initCommand(), targetCommand(), serveCommand())
	return root
}

// oneLine is an error as one line: joined errors are separated by "; ".
func oneLine(err error) string {
	return strings.Join(strings.FieldsFunc(err.Error(), func(r rune) bool { return r == '\n' || r == '\r' }), "; ")
}
