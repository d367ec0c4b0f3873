package chaos

import (
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What was written while it hung comes before what is written after.
func TestAStalledConnectionKeepsTheOrderOfItsWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hit, _ := two()
		near, peer := pair(t, hit)
		i := inject(t, "link.hang", Params{}, hit)
		for _, word := range []string{"a", "b", "c"} {
			_, err := near.Write([]byte(word))
			require.NoError(t, err)
		}
		require.NoError(t, i.Heal(t.Context()))
		go near.Write([]byte("d"))
		assert.Equal(t, "abcd", gets(t, peer, time.Second))
	})
}

// A buffer is not endless: then a write waits, as long as its deadline says.
func TestAStalledConnectionTakesOnlySoMuch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hit, _ := two()
		near, peer := pair(t, hit)
		i := inject(t, "link.hang", Params{}, hit)
		full := strings.Repeat("x", maxUnsent)
		_, err := near.Write([]byte(full))
		require.NoError(t, err)
		require.NoError(t, near.SetWriteDeadline(time.Now().Add(time.Second)))
		_, err = near.Write([]byte("y"))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		require.NoError(t, near.SetWriteDeadline(time.Time{}))
		time.AfterFunc(time.Minute, func() { i.Heal(t.Context()) })
		go near.Write([]byte("z"))
		assert.Equal(t, full+"z", gets(t, peer, time.Hour))
	})
}
