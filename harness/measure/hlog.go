package measure

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// hlogSeries are the files of WriteHLog.
var hlogSeries = []struct {
	name   string
	series []int
}{
	{"lag", []int{seriesLag}},
	{"service", []int{seriesService}},
	{"response", []int{seriesResponse}},
	{"check", []int{seriesHit, seriesMiss, seriesUntold}},
	{"hit", []int{seriesHit}},
	{"miss", []int{seriesMiss}},
}

// WriteHLog writes one HdrHistogram interval log for each series that has
// values (lag, service, response, check, hit, miss) to dir: format 1.3, values
// in nanoseconds, maxima in milliseconds, tags pattern:gateway:phase:class, one
// interval for each slice of the latency phase and for each other phase. The
// class "other" holds valid tokens that should not be, or were not, accepted, and
// the class "bare" requests on the control path of a target.
func (r *Recorder) WriteHLog(dir string) error {
	for _, s := range hlogSeries {
		intervals := r.intervals(s.series)
		if len(intervals) == 0 {
			continue
		}
		if err := writeHLogFile(filepath.Join(dir, s.name+".hlog"), r.meta.Started, intervals); err != nil {
			return fmt.Errorf("write %s.hlog: %w", s.name, err)
		}
	}
	return nil
}

// interval is one line of an interval log.
type interval struct {
	tag    string
	when   stretch // ns since the start of the run
	values histogram
}

// intervals collects the lines of one file, by time and tag.
func (r *Recorder) intervals(series []int) []interval {
	var out []interval
	for name, p := range r.patterns {
		for key, c := range p.cells {
			h := c.sum(series...)
			if h.count() == 0 {
				continue
			}
			out = append(out, interval{
				tag:    hlogTag(name, key.gateway, key.phase, string(key.class)),
				when:   r.stretch(p, key),
				values: h,
			})
		}
	}
	slices.SortFunc(out, func(a, b interval) int {
		return cmp.Or(cmp.Compare(a.when.from, b.when.from), strings.Compare(a.tag, b.tag))
	})
	return out
}

// stretch is when the requests of a cell took place: its slice, or its phase,
// or the whole run if neither was recorded.
func (r *Recorder) stretch(p *patternRecord, key cellKey) stretch {
	if s, ok := p.slices[key.slice]; ok && key.slice >= 0 {
		return s
	}
	for _, at := range r.meta.Phases {
		if at.Phase == key.phase {
			return stretch{at.From, at.To}
		}
	}
	return stretch{0, p.last}
}

// hlogTag joins parts to a tag. Readers split a line at commas, and the reader
// of hdrhistogram-go 1.4.0 gives up a whole log over a delimiter at the end of a
// tag, which its writer lets through.
func hlogTag(parts ...string) string {
	clean := strings.NewReplacer(",", "_", " ", "_", "\r", "_", "\n", "_", ":", "_")
	for i := range parts {
		parts[i] = clean.Replace(parts[i])
	}
	return strings.Join(parts, ":")
}

func writeHLogFile(path string, started time.Time, intervals []interval) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	err = cmp.Or(writeHLog(w, started, intervals), w.Flush())
	return cmp.Or(err, f.Close())
}

// readerSlack is added to the start of an interval, in seconds: readers multiply
// the sum of base time and start by 1000 and cut off the fraction, which would
// lose a millisecond to rounding half of the time. The last bit of a time since
// the epoch is 0.24 µs.
const readerSlack = 1e-6

// writeHLog writes an interval log. The format is written here because the
// writer of hdrhistogram-go 1.4.0 cuts StartTime and BaseTime to whole seconds,
// which shifts what is read back by up to 999 ms: the base time here is a whole
// second, and start and length of each interval are exact to the millisecond.
func writeHLog(w io.Writer, started time.Time, intervals []interval) error {
	base := started.Truncate(time.Second)
	_, err := fmt.Fprintf(w, "#[Histogram log format version 1.3]\n#[StartTime: %d.%03d (seconds since epoch), %s]\n#[BaseTime: %d.000 (seconds since epoch)]\n%s\n",
		started.Unix(), started.Nanosecond()/1e6, started.UTC().Format("2006-01-02T15:04:05.000Z07:00"), base.Unix(),
		`"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"`)
	if err != nil {
		return err
	}
	offset := started.Sub(base)
	for _, i := range intervals {
		payload, err := i.values.packed.EncodeV2()
		if err != nil {
			return err
		}
		from := (offset + time.Duration(i.when.from)).Milliseconds()
		to := (offset + time.Duration(i.when.to)).Milliseconds()
		_, err = fmt.Fprintf(w, "Tag=%s,%.6f,%.3f,%.3f,%s\n", i.tag,
			float64(from)/1e3+readerSlack, float64(to-from)/1e3, float64(i.values.packed.Max())/1e6, payload)
		if err != nil {
			return err
		}
	}
	return nil
}
