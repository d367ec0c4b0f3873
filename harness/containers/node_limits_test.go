package containers

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/chaos"
	"github.com/tokendrill/tokendrill/fixtures/undisturbed"
)

func testLimits(t *testing.T, w *world) {
	t.Run("a limit of CPU slows down what takes CPU", func(t *testing.T) { cpuLimit(t, w) })
	t.Run("a limit below what is in use is refused, or kills", func(t *testing.T) { lowMemory(w.with(t)) })
	t.Run("a role that a limit has killed is started again at its end", func(t *testing.T) { outOfMemory(w.with(t)) })
}

// The same forged tokens, each of which takes a check of a signature, with and without
// a limit.
func cpuLimit(t *testing.T, w *world) {
	undisturbed.Again(t, func(t *undisturbed.Attempt) {
		w := w.with(t)
		forged := w.jwt()
		forged = forged[:len(forged)-8] + "AAAAAAAA"
		work := func() time.Duration {
			begun := time.Now()
			var all sync.WaitGroup
			for range 8 {
				all.Go(func() {
					for range 50 {
						w.ask("registry", forged) // it is the time that counts
					}
				})
			}
			all.Wait()
			return time.Since(begun)
		}
		work() // warm
		before := work()
		w.do("registry/gw-1", chaos.VerbCPU, 0.02)
		limited := work()
		w.do("registry/gw-1", chaos.VerbCPU, 0)
		after := work()
		t.Logf("before %v, limited %v, after %v", before, limited, after)
		assert.Greater(t, limited, 3*max(before, after))
	})
}

// lowMemory: cgroups v1 refuse such a limit, v2 take it and kill.
func lowMemory(w *world) {
	const name = "registry/gw-1"
	hog(w, name)
	node := w.nodes[name]
	err := node.Do(w.Context(), chaos.Command{Verb: chaos.VerbMemory, Amount: 8 << 20})
	if err != nil {
		assert.ErrorContains(w, err, "limit registry/gw-1: ")
		assert.NotContains(w, err.Error(), "\n")
		assert.Zero(w, w.said(name)[chaos.VerbMemory], "it is not in force")
		w.requireStatus(http.StatusOK, "registry", w.jwt(), "nothing has happened")
	}
	w.do(name, chaos.VerbMemory, 0)
	w.until(http.StatusOK, "registry", w.jwt(), "it decides again")
}

func outOfMemory(w *world) {
	const name = "registry/gw-1"
	w.do(name, chaos.VerbRestart, 1) // with little memory
	w.do(name, chaos.VerbMemory, float64(usage(w, name)+16<<20))
	hog(w, name)
	require.Eventually(w, func() bool { return w.said(name)[chaos.VerbKill] == 1 }, 10*time.Second, 20*time.Millisecond, "the kernel kills it")
	w.do(name, chaos.VerbCPU, 0.5)
	w.do(name, chaos.VerbCPU, 0)
	assert.Equal(w, 1.0, w.said(name)[chaos.VerbKill], "it stays down as long as the limit holds")
	_, clear := w.nodes[name].Count(chaos.VerbMemory)
	w.do(name, chaos.VerbMemory, 0)
	w.until(http.StatusOK, "registry", w.jwt(), "once it has heard the registry")
	_, after := w.nodes[name].Count(chaos.VerbMemory)
	assert.Equal(w, clear+1, after)
}

// hog has the role hold on to some 64 MiB: headers that do not end.
func hog(w *world, name string) {
	at, err := w.nodes[name].box.published(portHTTP)
	require.NoError(w, err)
	for range 80 {
		conn, err := net.Dial("tcp", at)
		if err != nil {
			return // it is dead
		}
		w.Cleanup(func() { conn.Close() })
		fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: gw\r\nX: %s", strings.Repeat("a", 900<<10)) // it may die over it
	}
}

// usage is the memory that a container uses, in bytes.
func usage(w *world, name string) int64 {
	b := w.nodes[name].box
	res, err := b.engine.ContainerStats(w.Context(), b.id, client.ContainerStatsOptions{})
	require.NoError(w, err)
	defer res.Body.Close()
	var is container.StatsResponse
	require.NoError(w, json.NewDecoder(res.Body).Decode(&is))
	return int64(is.MemoryStats.Usage)
}
