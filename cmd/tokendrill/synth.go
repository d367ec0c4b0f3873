package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tokendrill/tokendrill/fixtures/traffic"
)

func synthCommand() *cobra.Command {
	var (
		opts  traffic.SynthOptions
		out   string
		force bool
	)
	c := &cobra.Command{
		Use:   "synth",
		Short: "Make a recording up from a model",
		Long: `synth makes a recording of traffic that never was: bursty arrivals (a two-state
Markov-modulated Poisson process), callers of Zipf popularity, a mix of methods and
routes. The same options give the same bytes; docs/recording.md has the model.`,
		Example: "  tokendrill synth --seed 3 --rate 500 --duration 2m --out rec.ndjson.gz\n  tokendrill synth --out - | head -3",
		Args:    args(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := noZeros(c.Flags()); err != nil {
				return badInput(err)
			}
			rec, err := traffic.Synth(opts)
			if err != nil {
				return badInput(err)
			}
			if err := saveRecording(c, rec, out, force); err != nil {
				return err
			}
			fmt.Fprintf(c.ErrOrStderr(), "%d requests over %v: %s\n", len(rec.Exchanges), rec.Span(), out)
			return nil
		},
	}
	flags := c.Flags()
	flags.Uint64Var(&opts.Seed, "seed", 7, "seed of everything that is drawn")
	flags.DurationVar(&opts.Duration, "duration", 0, "how long the traffic lasts (default 1m)")
	flags.Float64Var(&opts.Rate, "rate", 0, "mean requests per second (default 333)")
	flags.IntVar(&opts.Callers, "callers", 0, "distinct callers (default 300)")
	flags.Float64Var(&opts.ZipfS, "zipf", 0, "exponent of the popularity of callers (default 1)")
	flags.Float64Var(&opts.Burst, "burst", 0, "rate in a burst over the rate in calm (default 4)")
	flags.DurationVar(&opts.BurstFor, "burst-for", 0, "mean length of a burst (default 500ms)")
	flags.DurationVar(&opts.CalmFor, "calm-for", 0, "mean length of the calm between two (default 2s)")
	flags.StringVarP(&out, "out", "o", "recording.ndjson.gz", `file to write, gzip if it ends in .gz; "-" is standard output`)
	flags.BoolVar(&force, "force", false, "replace the file if it exists")
	return c
}

// noZeros refuses a zero that was asked for: to the model it means the default.
func noZeros(flags *pflag.FlagSet) (err error) {
	flags.Visit(func(f *pflag.Flag) {
		if f.Name != "seed" && (f.Value.String() == "0" || f.Value.String() == "0s") {
			err = fmt.Errorf("synth: --%s %s is too little; leave it out for the default", f.Name, f.Value)
		}
	})
	return err
}
