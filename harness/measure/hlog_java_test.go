package measure

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// javaHdr is where Debian's libhdrhistogram-java puts the reference implementation.
const javaHdr = "/usr/share/java/hdrhistogram.jar"

func TestTheReferenceImplementationReadsTheLogs(t *testing.T) {
	java, err := exec.LookPath("java")
	if _, statErr := os.Stat(javaHdr); err != nil || statErr != nil {
		t.Skip("needs java and libhdrhistogram-java")
	}
	r := newRecorder(t)
	r.Slice("cache", 0, 0, 1000*ms)
	for i := range int64(100) {
		r.Observe(traffic(i, time.Duration(i+1)*time.Millisecond, 0))
	}
	dir := t.TempDir()
	require.NoError(t, r.WriteHLog(dir))
	out, err := exec.CommandContext(t.Context(), java, "-cp", javaHdr, "org.HdrHistogram.HistogramLogProcessor",
		"-i", filepath.Join(dir, "service.hlog"), "-tag", "cache:gw-1:latency:valid", "-outputValueUnitRatio", "1000000").CombinedOutput()
	require.NoError(t, err, string(out))
	assert.Contains(t, string(out), "Total count    =          100]")
	for _, line := range strings.Split(string(out), "\n") {
		if f := strings.Fields(line); len(f) == 4 && f[1] == "0.500000000000" {
			assert.Regexp(t, `^50\.0`, f[0], "the median, in ms")
			return
		}
	}
	t.Errorf("no median in\n%s", out)
}
