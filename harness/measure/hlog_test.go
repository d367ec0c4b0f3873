package measure

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func readHLog(t *testing.T, data []byte) (out []*hdr.Histogram) {
	t.Helper()
	reader := hdr.NewHistogramLogReader(bytes.NewReader(data))
	for {
		h, err := reader.NextIntervalHistogram()
		require.NoError(t, err)
		if h == nil {
			return out
		}
		out = append(out, h)
	}
}

func TestHLogReadsBackAsItWasRecorded(t *testing.T) {
	r := newRecorder(t)
	for slice := range 6 {
		from := int64(slice) * 1333 * ms
		r.Slice("cache", slice, from, from+1000*ms)
		for i := range int64(100) {
			r.Observe(traffic(int64(slice)*1333+i, time.Duration(slice+1)*time.Millisecond, slice))
		}
	}
	late := traffic(9_500, 40*time.Millisecond, -1)
	late.Phase, late.Cache = "revoke", CacheMiss
	r.Observe(late)
	dir := t.TempDir()
	require.NoError(t, r.WriteHLog(dir))

	data, err := os.ReadFile(filepath.Join(dir, "service.hlog"))
	require.NoError(t, err)
	lines := strings.SplitN(string(data), "\n", 5)
	// testMeta starts at 1,700,000,000.123456789 s.
	assert.Equal(t, []string{
		"#[Histogram log format version 1.3]",
		"#[StartTime: 1700000000.123 (seconds since epoch), 2023-11-14T22:13:20.123Z]",
		"#[BaseTime: 1700000000.000 (seconds since epoch)]",
		`"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"`,
	}, lines[:4])
	assert.True(t, strings.HasPrefix(lines[4], "Tag=cache:gw-1:latency:valid,0.123001,1.000,1.000,HISTFAAA"), lines[4][:80])

	got := readHLog(t, data)
	require.Len(t, got, 7)
	for slice, h := range got[:6] {
		assert.Equal(t, "cache:gw-1:latency:valid", h.Tag())
		assert.Equal(t, 1_700_000_000_123+int64(slice)*1333, h.StartTimeMs())
		assert.Equal(t, int64(1000), h.EndTimeMs()-h.StartTimeMs())
		assert.EqualValues(t, 100, h.TotalCount())
		assert.InEpsilon(t, float64(slice+1)*1e6, float64(h.ValueAtPercentile(50)), 0.001, "nanoseconds")
	}
	assert.Equal(t, "cache:gw-1:revoke:valid", got[6].Tag())
	assert.Equal(t, int64(11_000), got[6].EndTimeMs()-got[6].StartTimeMs())

	for name, want := range map[string]int{"lag": 7, "response": 7, "check": 7, "hit": 6, "miss": 1} {
		data, err := os.ReadFile(filepath.Join(dir, name+".hlog"))
		require.NoError(t, err)
		assert.Len(t, readHLog(t, data), want, name)
	}
}

// hdrhistogram-go 1.4.0 loses up to 999 ms of StartTime and BaseTime, and readers
// cut off the fraction of a millisecond: every start must survive both.
func TestHLogStartTimesAreExactToTheMillisecond(t *testing.T) {
	for offset := range int64(1000) {
		var h histogram
		h.record(1_000_000)
		started := time.Unix(1_763_000_000, offset*ms+987_654)
		var out bytes.Buffer
		require.NoError(t, writeHLog(&out, started, []interval{{tag: "a", when: stretch{7*ms + offset*13, 7*ms + offset*1013*ms}, values: h}}))
		got := readHLog(t, out.Bytes())
		require.Len(t, got, 1)
		from := started.Add(time.Duration(7*ms + offset*13)).UnixMilli()
		to := started.Add(time.Duration(7*ms + offset*1013*ms)).UnixMilli()
		require.Equal(t, []int64{from, to}, []int64{got[0].StartTimeMs(), got[0].EndTimeMs()})
	}
}

// hdrhistogram-go 1.4.0 writes a tag that ends in a comma, and its reader then
// gives up the whole log.
func TestHLogTagsHoldNoDelimiter(t *testing.T) {
	tag := hlogTag("my cache,", "gw 1", "a\nb", "x:y")
	assert.Equal(t, "my_cache_:gw_1:a_b:x_y", tag)
	var h histogram
	h.record(1)
	var out bytes.Buffer
	require.NoError(t, writeHLog(&out, time.Unix(1, 0), []interval{{tag: tag, values: h}}))
	assert.Equal(t, tag, readHLog(t, out.Bytes())[0].Tag())
}

func TestHLogErrorsNameTheFile(t *testing.T) {
	r := newRecorder(t)
	r.Observe(traffic(1, time.Millisecond, 0))
	assert.ErrorContains(t, r.WriteHLog(filepath.Join(t.TempDir(), "none")), "write lag.hlog")
}
