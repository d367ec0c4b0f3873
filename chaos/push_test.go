package chaos

import (
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// server is the registry's end of a connection of a gateway.
func server(t *testing.T, l *Link) (gateway, registry net.Conn) {
	t.Helper()
	near, peer := pair(t, l)
	says(t, peer, info)
	require.Equal(t, info, gets(t, near, time.Second))
	return near, peer
}

func TestFaultsOfPushes(t *testing.T) {
	a, b, c, d := pushed("a"), pushedWithHeader("b"), pushed("c"), pushed("d")
	const reply = "MSG _INBOX.x 2 2\r\nok\r\n"
	for _, row := range []struct {
		name, fault string
		params      Params
		sent, want  string
		met, clear  int64
	}{
		{"lost, and nothing else", "push.drop", Params{}, a + "PING\r\n" + b + reply, "PING\r\n" + reply, 2, 0},
		{"twice in a row", "push.duplicate", Params{}, a + reply + b, a + a + reply + b + b, 2, 0},
		{"in pairs the other way round", "push.reorder", Params{}, a + reply + b + c + "PING\r\n" + d, reply + b + a + "PING\r\n" + d + c, 2, 0},
		{"the last waits for the next", "push.reorder", Params{}, a + b + c, b + a, 1, 0},
		{"late ones are overtaken by what is no push", "push.delay", Params{Delay: Delay{P50: time.Minute}}, a + reply + b + "PING\r\n", reply + "PING\r\n", 2, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				hit, other := two()
				gateway, registry := server(t, hit)
				untouched, its := server(t, other)
				i := inject(t, row.fault, row.params, hit)
				says(t, registry, row.sent)
				assert.Equal(t, row.want, gets(t, gateway, time.Second))
				assert.Equal(t, row.met, i.Met())
				assert.Equal(t, row.clear, i.Clear())
				says(t, its, row.sent)
				assert.Equal(t, row.sent, gets(t, untouched, time.Second))

				require.NoError(t, i.Heal(t.Context()))
				gets(t, gateway, time.Second) // what was held back
				says(t, registry, row.sent)
				assert.Equal(t, row.sent, gets(t, gateway, time.Second))
				assert.Equal(t, row.met, i.Met())
				assert.EqualValues(t, strings.Count(row.sent, pushReply), i.Clear())
			})
		})
	}
}

// What was held back arrives when the fault ends, and before what comes later.
func TestHealingReleasesPushesInTheirOrder(t *testing.T) {
	a, b, c := pushed("a"), pushed("b"), pushed("c")
	for fault, p := range map[string]Params{"push.delay": {Delay: Delay{P50: time.Minute}}, "push.reorder": {}} {
		t.Run(fault, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				hit, _ := two()
				gateway, registry := server(t, hit)
				i := inject(t, fault, p, hit)
				says(t, registry, a)
				assert.Empty(t, gets(t, gateway, time.Second))
				require.NoError(t, i.Heal(t.Context()))
				says(t, registry, b+c)
				assert.Equal(t, a+b+c, gets(t, gateway, time.Second))
			})
		})
	}
}

func TestLatePushesKeepTheirOrderAndTheirDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hit, _ := two()
		gateway, registry := server(t, hit)
		inject(t, "push.delay", Params{Delay: Delay{P50: time.Second}}, hit)
		start := time.Now()
		var want strings.Builder
		for _, body := range []string{"a", "b", "c", "d", "e"} {
			says(t, registry, pushed(body))
			want.WriteString(pushed(body))
			time.Sleep(100 * time.Millisecond)
		}
		buf := make([]byte, 4096)
		n, err := gateway.Read(buf)
		require.NoError(t, err)
		assert.Equal(t, time.Second, time.Since(start), "the first is as late as was asked for")
		assert.Equal(t, want.String(), string(buf[:n])+gets(t, gateway, time.Second))
	})
}

// Two pushes that were cut up by the network, and one read that holds many.
func TestPushesAreFoundHoweverTheNetworkCutsThem(t *testing.T) {
	stream := pushed("a") + "PING\r\n" + pushed("b") + pushedWithHeader("c") + "PONG\r\n"
	for _, n := range []int{1, 5, len(stream)} {
		synctest.Test(t, func(t *testing.T) {
			hit, _ := two()
			gateway, registry := server(t, hit)
			i := inject(t, "push.drop", Params{}, hit)
			for chunk := range chunks(stream, n) {
				says(t, registry, chunk)
			}
			assert.Equal(t, "PING\r\nPONG\r\n", gets(t, gateway, time.Second))
			assert.EqualValues(t, 3, i.Met())
		})
	}
}

// A connection that was open before the fault is cut at the right places too.
func TestAFaultOfPushesComesInTheMiddleOfAMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hit, _ := two()
		gateway, registry := server(t, hit)
		a := pushed("a")
		says(t, registry, a[:10])
		i := inject(t, "push.drop", Params{}, hit)
		says(t, registry, a[10:]+"PING\r\n")
		assert.Equal(t, "PING\r\n", gets(t, gateway, time.Second))
		assert.EqualValues(t, 1, i.Met())
	})
}

func TestAShareOfThePushesIsLost(t *testing.T) {
	run := func() (got string) {
		synctest.Test(t, func(t *testing.T) {
			hit, _ := two()
			gateway, registry := server(t, hit)
			i := inject(t, "push.drop", Params{Share: 0.25}, hit)
			says(t, registry, strings.Repeat(pushed("a")+"PING\r\n", 400))
			got = gets(t, gateway, time.Second)
			assert.InDelta(t, 100, i.Met(), 40)
			assert.EqualValues(t, 400, i.Met()+i.Clear())
			assert.EqualValues(t, i.Clear(), strings.Count(got, pushReply))
		})
		return got
	}
	assert.Equal(t, run(), run(), "the same seed loses the same")
}

// Faults of pushes compose: what is left is doubled and late.
func TestFaultsOfPushesCompose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hit, _ := two()
		gateway, registry := server(t, hit)
		late := inject(t, "push.delay", Params{Delay: Delay{P50: time.Second}}, hit)
		twice := inject(t, "push.duplicate", Params{}, hit)
		says(t, registry, pushed("a"))
		assert.Empty(t, gets(t, gateway, time.Second-1))
		assert.Equal(t, pushed("a")+pushed("a"), gets(t, gateway, time.Second))
		assert.EqualValues(t, 1, late.Met())
		assert.EqualValues(t, 1, twice.Met())
		lost := inject(t, "push.drop", Params{}, hit)
		says(t, registry, pushed("b"))
		assert.Empty(t, gets(t, gateway, time.Minute))
		assert.EqualValues(t, 1, late.Met(), "what is lost is not late")
		for _, i := range []*Injected{late, lost, twice} {
			require.NoError(t, i.Heal(t.Context()))
		}
		says(t, registry, pushed("c"))
		assert.Equal(t, pushed("c"), gets(t, gateway, time.Second))
	})
}
