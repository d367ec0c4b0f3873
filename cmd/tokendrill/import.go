package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/tokendrill/tokendrill/fixtures/traffic"
)

// maxShown is how many skipped lines an import shows.
const maxShown = 10

// importFlags say what to import and where to.
type importFlags struct {
	format string
	out    string
	strict bool
	force  bool
}

func importCommand() *cobra.Command {
	var f importFlags
	c := &cobra.Command{
		Use:   "import LOG",
		Short: "Make a recording of an access log",
		Long: `import reads an access log, plain or gzip, and writes a recording without secrets:
callers become pseudonyms, secrets in query strings are redacted. Lines that are not
understood are counted, shown and skipped. "-" reads from standard input.`,
		Example: `  tokendrill import --format apache access.log --out rec.ndjson.gz
  zcat access.log.*.gz | tokendrill import --format apache - --out - | head`,
		Args: args(1, 1),
		RunE: func(c *cobra.Command, a []string) error { return f.run(c, a[0]) },
	}
	flags := c.Flags()
	flags.StringVar(&f.format, "format", "apache", "format of the log: apache (common or combined)")
	flags.StringVarP(&f.out, "out", "o", "recording.ndjson.gz", `file to write, gzip if it ends in .gz; "-" is standard output`)
	flags.BoolVar(&f.strict, "strict", false, "stop at the first line that is not understood")
	flags.BoolVar(&f.force, "force", false, "replace the file if it exists")
	_ = c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"apache"}, cobra.ShellCompDirectiveNoFileComp))
	return c
}

func (f importFlags) run(c *cobra.Command, path string) error {
	if f.format != "apache" {
		return badInput(fmt.Errorf("import: format %q is not known, use apache", f.format))
	}
	in, name, err := openInput(c, path)
	if err != nil {
		return badInput(fmt.Errorf("import: %w", err))
	}
	defer in.Close()
	shown := 0
	rec, stats, err := traffic.ImportApache(in, name, traffic.ImportOptions{Strict: f.strict, Bad: func(err error) {
		if shown++; shown <= maxShown {
			fmt.Fprintf(c.ErrOrStderr(), "skipped %v\n", err)
		}
	}})
	if err != nil {
		return badInput(err)
	}
	if shown > maxShown {
		fmt.Fprintf(c.ErrOrStderr(), "and %d more\n", shown-maxShown)
	}
	if err := saveRecording(c, rec, f.out, f.force); err != nil {
		return err
	}
	fmt.Fprintf(c.ErrOrStderr(), "%d requests by %d callers over %v, %d lines skipped, %d with a secret redacted: %s\n",
		len(rec.Exchanges), stats.Callers, rec.Span(), stats.Skipped, stats.Redacted, f.out)
	return nil
}

// openInput opens a file, or standard input for "-", with its name for messages.
func openInput(c *cobra.Command, path string) (io.ReadCloser, string, error) {
	if path == "-" {
		return io.NopCloser(c.InOrStdin()), "standard input", nil
	}
	f, err := os.Open(path)
	return f, path, err
}

// saveRecording writes a recording to a file, or to standard output for "-".
func saveRecording(c *cobra.Command, rec *traffic.Recording, path string, force bool) error {
	if path == "-" {
		return rec.Encode(c.OutOrStdout())
	}
	err := rec.Save(path, force)
	if errors.Is(err, fs.ErrExist) {
		return badInput(fmt.Errorf("%s exists: name another file with --out, or replace it with --force", path))
	}
	return err
}
