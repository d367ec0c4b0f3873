package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"os"
	"runtime/pprof"
	"time"

	"github.com/tokendrill/tokendrill/fixtures/token"
	"github.com/tokendrill/tokendrill/harness"
	"github.com/tokendrill/tokendrill/harness/measure"
)

// bearer is no secret: the server takes anything.
const bearer = "Bearer benchmark"

// serve answers every request like a gateway that let it in, until stdin ends.
// Its first line of output is its URL.
func serve(stdin io.Reader, stdout io.Writer) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	body := []byte(`{"item":"a book","price":12.5,"currency":"EUR","in_stock":true}` + "\n")
	srv := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h["Content-Type"] = []string{"application/json"}
		h["Server-Timing"] = []string{"token;dur=0.021"}
		h["Cache-Status"] = []string{"token; hit"}
		w.Write(body) //nolint:errcheck // a client that went away is not the server's concern
	})}
	fmt.Fprintf(stdout, "http://%s/\n", l.Addr())
	go func() {
		io.Copy(io.Discard, stdin) //nolint:errcheck // any end is the end
		srv.Close()                //nolint:errcheck // nothing is left to do
	}()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// result is what one side did; CPU is added by whoever waits for its process.
type result struct {
	Requests int64
	Elapsed  time.Duration
	CPU      time.Duration
}

func (r result) rate() float64 { return float64(r.Requests) / r.Elapsed.Seconds() }

// cpu is microseconds of CPU time per request.
func (r result) cpu() float64 { return float64(r.CPU.Nanoseconds()) / 1e3 / float64(r.Requests) }

// attack sends the load as a run does, with every observation judged and put
// into histograms, and writes its result.
func attack(ctx context.Context, l load, url, profile string, stdout io.Writer) error {
	if profile != "" {
		f, err := os.Create(profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	meta := measure.Meta{
		Schema:   measure.HistorySchema,
		Scenario: "attackbench",
		Started:  time.Now(),
		Patterns: []measure.PatternMeta{{Pattern: "bench", Gateways: []string{"gw-1"}}},
	}
	rec, err := measure.NewRecorder(meta, nil)
	if err != nil {
		return err
	}
	start := time.Now()
	cfg := harness.AttackConfig{Start: start, Workers: l.workers, Observe: rec.Observe}
	stats, err := harness.Attack(ctx, cfg, hits(l, url))
	elapsed := time.Since(start)
	if err != nil {
		return err
	}
	report, err := rec.Report(measure.Run{})
	if err != nil {
		return err
	}
	if got := report.Patterns[0].Requests.Accepted; int64(got) != stats.Sent {
		return fmt.Errorf("%d of %d requests were accepted", got, stats.Sent)
	}
	return json.NewEncoder(stdout).Encode(result{Requests: stats.Sent, Elapsed: elapsed})
}

// hits plans the load, spread evenly over a hundred tokens.
func hits(l load, url string) iter.Seq[harness.Hit] {
	labels := make([]measure.Observation, 100)
	for i := range labels {
		labels[i].Event = measure.Event{
			Kind: measure.KindRequest, Pattern: "bench", Gateway: "gw-1", Phase: measure.LatencyPhase,
			Token: token.Ref(fmt.Sprintf("t-%d", i)), Class: token.Valid, Expect: token.Outcome{Verdict: token.Accept},
		}
	}
	authorization := []string{bearer}
	return func(yield func(harness.Hit) bool) {
		for i := range int(float64(l.rate) * l.duration.Seconds()) {
			at := time.Duration(i) * time.Second / time.Duration(l.rate)
			label := &labels[i%len(labels)]
			if !yield(harness.Hit{At: at, Method: http.MethodGet, URL: url, Authorization: authorization, Label: label}) {
				return
			}
		}
	}
}
