package containers

import (
	"fmt"
	"net/http"
	"time"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/chaos"
)

func pausedGateway(w *world) {
	raw := w.issue()
	w.requireStatus(http.StatusOK, "cache", raw, "before")
	w.do("cache/gw-1", chaos.VerbPause, 1)
	answered := make(chan string, 1)
	go func() {
		status, err := w.ask("cache", raw)
		answered <- fmt.Sprint(status, err)
	}()
	select {
	case answer := <-answered:
		require.Fail(w, "a paused gateway answered "+answer)
	case <-time.After(time.Second):
	}
	w.do("cache/gw-1", chaos.VerbPause, 0)
	assert.Equal(w, "200 <nil>", <-answered)
}

func killedGateway(w *world) {
	raw := w.issue()
	w.requireStatus(http.StatusOK, "cache", raw, "before")
	calls := w.calls("cache")
	w.requireStatus(http.StatusOK, "cache", raw, "from its cache")
	require.Equal(w, calls, w.calls("cache"))
	w.do("cache/gw-1", chaos.VerbKill, 1)
	_, err := w.ask("cache", raw)
	require.ErrorContains(w, err, "refused")
	w.do("cache/gw-1", chaos.VerbKill, 0)
	w.requireStatus(http.StatusOK, "cache", raw, "as soon as the kill has ended")
	assert.Equal(w, calls+1, w.calls("cache"), "it has to ask again")
}

func restartedGateway(w *world) {
	raw := w.issue()
	w.requireStatus(http.StatusOK, "cache", raw, "before")
	calls := w.calls("cache")
	w.do("cache/gw-1", chaos.VerbRestart, 1)
	w.requireStatus(http.StatusOK, "cache", raw, "as soon as it was restarted")
	assert.Equal(w, calls+1, w.calls("cache"), "it has to ask again")
	met, clear := w.nodes["cache/gw-1"].Count(chaos.VerbRestart)
	assert.Equal(w, int64(1), met)
	assert.Equal(w, int64(1), clear)
}

// The engine goes on with a start that took longer than somebody waited, and publishes
// other ports.
func lateStart(w *world) {
	w.do("cache/gw-1", chaos.VerbKill, 1)
	b := w.nodes["cache/gw-1"].box
	_, err := b.engine.ContainerStart(w.Context(), b.id, client.ContainerStartOptions{})
	require.NoError(w, err)
	w.do("cache/gw-1", chaos.VerbKill, 0)
	w.requireStatus(http.StatusOK, "cache", w.issue(), "it is served")
}

func disconnectedGateway(w *world) {
	known, fresh := w.issue(), w.issue()
	w.requireStatus(http.StatusOK, "cache", known, "before")
	w.do("cache/gw-1", chaos.VerbDisconnect, 1)
	w.requireStatus(http.StatusServiceUnavailable, "cache", fresh, "it cannot ask")
	w.requireStatus(http.StatusUnauthorized, "cache", "", "it answers by itself")
	w.do("cache/gw-1", chaos.VerbDisconnect, 0)
	w.until(http.StatusOK, "cache", fresh, "it can ask again")
	assert.Contains(w, w.cacheStatus("cache", known), "hit", "its cache lives on")
}

func disconnectedRegistry(w *world) {
	raw := w.jwt()
	w.requireStatus(http.StatusOK, "registry", raw, "before")
	w.do("registry", chaos.VerbDisconnect, 1)
	w.requireStatus(http.StatusOK, "registry", raw, "it has what was pushed so far")
	w.until(http.StatusServiceUnavailable, "registry", raw, "what it knows is stale")
	w.do("registry", chaos.VerbDisconnect, 0)
	w.until(http.StatusOK, "registry", raw, "it hears the registry again")
}

func disconnectedAuthority(w *world) {
	known, fresh := w.issue(), w.issue()
	w.requireStatus(http.StatusOK, "cache", known, "before")
	w.do("authority", chaos.VerbDisconnect, 1)
	w.requireStatus(http.StatusOK, "cache", known, "out of the cache")
	w.requireStatus(http.StatusServiceUnavailable, "cache", fresh, "nobody answers")
	w.issue() // users reach it from outside
	w.do("authority", chaos.VerbDisconnect, 0)
	w.until(http.StatusOK, "cache", fresh, "it answers again")
}

func killedRegistry(w *world) {
	raw := w.jwt()
	w.requireStatus(http.StatusOK, "registry", raw, "before")
	status, err := w.site.Authority.Revoke(w.Context(), raw)
	require.NoError(w, err)
	require.Equal(w, http.StatusOK, status)
	w.until(http.StatusUnauthorized, "registry", raw, "revoked")
	w.do("registry", chaos.VerbKill, 1)
	w.do("registry", chaos.VerbKill, 0)
	w.until(http.StatusOK, "registry", w.jwt(), "what it hears is fresh again")
	w.do("registry/gw-1", chaos.VerbRestart, 1) // it knows only what the registry has
	w.until(http.StatusUnauthorized, "registry", raw, "still revoked")
}

// A gateway whose clock is ten minutes ahead takes a good answer for one of the past.
func skewedThroughKill(w *world) {
	w.do("cache/gw-1", chaos.VerbClock, 600)
	w.until(http.StatusServiceUnavailable, "cache", w.issue(), "its clock is off")
	w.do("cache/gw-1", chaos.VerbKill, 1)
	w.do("cache/gw-1", chaos.VerbKill, 0)
	w.requireStatus(http.StatusServiceUnavailable, "cache", w.issue(), "still")
	w.do("cache/gw-1", chaos.VerbClock, 0)
	w.until(http.StatusOK, "cache", w.issue(), "its clock is right")
}
