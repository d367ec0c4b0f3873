package reports

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/harness/measure"
)

func page(t *testing.T, r *measure.Report) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, HTML(&b, r))
	return b.String()
}

func TestDump(t *testing.T) {
	for _, v := range variants() {
		b := page(t, v.report)
		t.Log(v.name, len(b))
		require.NoError(t, os.WriteFile(filepath.Join("/tmp/html", v.name+".html"), []byte(b), 0o644))
	}
}
