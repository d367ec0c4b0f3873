package chaos

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestASizeIsReadAndWrittenTheSame(t *testing.T) {
	for text, bytes := range map[string]Size{
		"0B": 0, "1B": 1, "1000B": 1000, "1025B": 1025, "6MiB": 6 << 20, "48MiB": 48 << 20, "3KiB": 3072, "64GiB": 64 << 30,
	} {
		got, err := ParseSize(text)
		require.NoError(t, err, text)
		assert.Equal(t, bytes, got)
		assert.Equal(t, text, got.String())
	}
	got, err := ParseSize("2048KiB")
	require.NoError(t, err)
	assert.Equal(t, "2MiB", got.String(), "in the largest unit that fits")
}

func TestWhatIsNoSizeIsRefused(t *testing.T) {
	for _, text := range []string{"", "48", "48MB", "48 MiB", "-1MiB", "1.5GiB", "MiB", "1e3B", "99999999999999999999B", "9223372036854775807KiB", "8589934592GiB"} {
		_, err := ParseSize(text)
		assert.ErrorContains(t, err, "is no size; expected such as 48MiB", text)
	}
}

func TestALimitOfMemoryIsToldInItsUnits(t *testing.T) {
	spec, _ := Find("container.memory")
	assert.NoError(t, spec.Check(Params{Memory: 6 << 20}))
	assert.EqualError(t, spec.Check(Params{Memory: 6<<20 - 1}), "memory is 6291455B; expected 6MiB to 64GiB")
	assert.EqualError(t, spec.Check(Params{}), "memory is 0B; expected 6MiB to 64GiB")
	spec, _ = Find("container.cpu")
	assert.EqualError(t, spec.Check(Params{CPUs: 65}), "cpus is 65; expected 0.01 to 64")
	assert.EqualError(t, spec.Check(Params{CPUs: 1, Memory: 1}), "memory is 1B; expected none for container.cpu")
}
