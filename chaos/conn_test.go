package chaos

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// gets reads what is there within d.
func gets(t *testing.T, c net.Conn, d time.Duration) string {
	t.Helper()
	require.NoError(t, c.SetReadDeadline(time.Now().Add(d)))
	var got []byte
	buf := make([]byte, 4096)
	for {
		n, err := c.Read(buf)
		got = append(got, buf[:n]...)
		if err != nil {
			require.ErrorIs(t, err, os.ErrDeadlineExceeded)
			require.NoError(t, c.SetReadDeadline(time.Time{}))
			return string(got)
		}
	}
}

func says(t *testing.T, c net.Conn, text string) {
	t.Helper()
	go io.WriteString(c, text)
	synctest.Wait()
}

func TestAHangStallsAConnectionInBothDirectionsAndLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hit, other := two()
		near, peer := pair(t, hit)
		untouched, its := pair(t, other)
		i := inject(t, "link.hang", Params{}, hit)

		says(t, peer, "down")
		_, err := near.Write([]byte("up"))
		require.NoError(t, err, "the buffer of a socket takes it")
		assert.Empty(t, gets(t, near, time.Minute))
		assert.Empty(t, gets(t, peer, time.Minute))
		says(t, its, "fine")
		assert.Equal(t, "fine", gets(t, untouched, time.Second))
		assert.EqualValues(t, 1, i.Met())
		assert.Zero(t, i.Clear())

		require.NoError(t, i.Heal(t.Context()))
		assert.Equal(t, "down", gets(t, near, time.Second))
		assert.Equal(t, "up", gets(t, peer, time.Second))
		says(t, peer, "again")
		assert.Equal(t, "again", gets(t, near, time.Second))
		assert.Positive(t, i.Clear())
	})
}

// Whoever waits on a connection that hangs can give up.
func TestAStalledConnectionCanBeClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hit, _ := two()
		near, _ := pair(t, hit)
		inject(t, "link.hang", Params{}, hit)
		near.Write([]byte("up"))
		time.AfterFunc(time.Second, func() { near.Close() })
		_, err := near.Read(make([]byte, 1))
		require.ErrorIs(t, err, net.ErrClosed)
		_, err = near.Write([]byte("up"))
		require.ErrorIs(t, err, net.ErrClosed)
	})
}

func TestADelayedConnectionKeepsItsOrderAndIsReleased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hit := NewLink("gateway-registry", "registry/gw-1", Delay{P50: 10 * time.Millisecond}, 1)
		near, peer := pair(t, hit)
		i := inject(t, "link.delay", Params{Delay: Delay{P50: time.Minute}}, hit)
		says(t, peer, "late ")
		assert.Empty(t, gets(t, near, time.Minute-time.Millisecond))
		assert.Equal(t, "late ", gets(t, near, 20*time.Millisecond))
		says(t, peer, "released ")
		time.Sleep(time.Second)
		require.NoError(t, i.Heal(t.Context()))
		says(t, peer, "on time")
		assert.Equal(t, "released on time", gets(t, near, 10*time.Millisecond+1))
		assert.EqualValues(t, 2, i.Met())
		assert.EqualValues(t, 1, i.Clear())
	})
}

// A read that misses its deadline loses nothing and breaks nothing.
func TestADeadlineLeavesTheConnectionAsItWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLink("gateway-registry", "registry/gw-1", Delay{P50: time.Second}, 1)
		near, peer := pair(t, l)
		says(t, peer, "late")
		assert.Empty(t, gets(t, near, time.Millisecond))
		assert.Equal(t, "late", gets(t, near, time.Minute))
		peer.Close()
		_, err := near.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF)
	})
}

// The end comes after all that was sent before it, however late that is.
func TestTheEndOfAConnectionDoesNotOvertake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLink("gateway-registry", "registry/gw-1", Delay{P50: time.Second}, 1)
		near, peer := pair(t, l)
		inject(t, "push.delay", Params{Delay: Delay{P50: time.Minute}}, l)
		says(t, peer, info+pushed("a"))
		peer.Close()
		got, err := io.ReadAll(near)
		require.NoError(t, err)
		assert.Equal(t, info+pushed("a"), string(got))
	})
}

func TestCutAndResetBreakConnectionsAndLetNewOnesInAfterwards(t *testing.T) {
	for _, row := range []struct {
		fault string
		want  error
		dial  error
	}{
		{"link.cut", ErrCut, ErrCut},
		{"link.reset", syscall.ECONNRESET, nil},
	} {
		t.Run(row.fault, func(t *testing.T) {
			address := echo(t)
			hit, other := two()
			near, err := hit.DialContext(t.Context(), "tcp", address)
			require.NoError(t, err)
			defer near.Close()
			untouched, err := other.DialContext(t.Context(), "tcp", address)
			require.NoError(t, err)
			defer untouched.Close()

			i := inject(t, row.fault, Params{}, hit)
			near.Write([]byte("a"))
			_, err = near.Read(make([]byte, 1))
			require.ErrorIs(t, err, row.want)
			_, err = near.Write([]byte("a"))
			require.Error(t, err)
			assert.EqualValues(t, 1, i.Met())
			again, err := hit.DialContext(t.Context(), "tcp", address)
			if row.dial != nil {
				require.ErrorIs(t, err, row.dial)
				assert.EqualValues(t, 2, i.Met())
			} else {
				require.NoError(t, err, "requests cross")
				again.Close()
			}
			echoes(t, untouched)
			assert.Zero(t, i.Clear())

			require.NoError(t, i.Heal(t.Context()))
			near, err = hit.DialContext(t.Context(), "tcp", address)
			require.NoError(t, err)
			defer near.Close()
			echoes(t, near)
			assert.Positive(t, i.Clear())
		})
	}
}

func echoes(t *testing.T, c net.Conn) {
	t.Helper()
	_, err := c.Write([]byte("hello"))
	require.NoError(t, err)
	got := make([]byte, 5)
	_, err = io.ReadFull(c, got)
	require.NoError(t, err)
	assert.Equal(t, "hello", string(got))
}

// A peer must see a reset as a reset, not as a proper end.
func TestAResetReachesThePeer(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	hit, _ := two()
	near, err := hit.DialContext(t.Context(), "tcp", ln.Addr().String())
	require.NoError(t, err)
	defer near.Close()
	peer, err := ln.Accept()
	require.NoError(t, err)
	defer peer.Close()
	inject(t, "link.reset", Params{}, hit)
	peer.Write([]byte("lost"))
	_, err = peer.Read(make([]byte, 1))
	assert.ErrorIs(t, err, syscall.ECONNRESET)
}

func TestADialHangsUntilTheCallerGivesUpOrItHeals(t *testing.T) {
	address := echo(t)
	hit, _ := two()
	i := inject(t, "link.hang", Params{}, hit)
	short, cancel := contextWithTimeout(t, 10*time.Millisecond)
	defer cancel()
	_, err := hit.DialContext(short, "tcp", address)
	require.ErrorIs(t, err, short.Err())
	dialled := make(chan error)
	go func() {
		c, err := hit.DialContext(t.Context(), "tcp", address)
		if err == nil {
			_, err = c.Write([]byte("x"))
			c.Close()
		}
		dialled <- err
	}()
	for i.Met() < 2 {
		time.Sleep(time.Millisecond)
	}
	select {
	case err := <-dialled:
		t.Fatal("a dial got through", err)
	default:
	}
	require.NoError(t, i.Heal(t.Context()))
	require.NoError(t, <-dialled)
}

// A path says that a fault is about requests: connections are left alone.
func TestAFaultWithAPathLeavesConnectionsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hit, _ := two()
		near, peer := pair(t, hit)
		for _, fault := range []string{"link.cut", "link.hang", "link.reset", "link.delay"} {
			p := Params{Path: "/introspect"}
			if fault == "link.delay" {
				p.Delay.P50 = time.Minute
			}
			i := inject(t, fault, p, hit)
			says(t, peer, fault)
			assert.Equal(t, fault, gets(t, near, time.Second))
			assert.Zero(t, i.Met())
		}
	})
}

// A share of connections is drawn by the order in which they were dialled.
func TestAShareOfTheOpenConnectionsIsCut(t *testing.T) {
	run := func() (cut []bool) {
		synctest.Test(t, func(t *testing.T) {
			hit, _ := two()
			var all []*conn
			for range 40 {
				c, _ := pair(t, hit)
				all = append(all, c)
			}
			i := inject(t, "link.cut", Params{Share: 0.5}, hit)
			met := 0
			for _, c := range all {
				require.NoError(t, c.SetReadDeadline(time.Now()))
				_, err := c.Read(make([]byte, 1))
				cut = append(cut, errors.Is(err, ErrCut))
				if errors.Is(err, ErrCut) {
					met++
				}
			}
			assert.EqualValues(t, met, i.Met())
			assert.InDelta(t, 20, met, 12)
		})
		return cut
	}
	assert.Equal(t, run(), run())
}
