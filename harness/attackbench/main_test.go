package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The attack role sends its whole plan to the server role, and every answer is
// recorded as an accept: without that, the bench would time something else.
func TestAttackRoleSendsItsPlanToTheServerRole(t *testing.T) {
	stdin, stop := io.Pipe()
	stdout, server := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- run(t.Context(), []string{"-role", "server"}, stdin, server, t.Output()) }()
	url := make([]byte, 100)
	n, err := stdout.Read(url)
	require.NoError(t, err)

	var out bytes.Buffer
	args := []string{"-role", "attack", "-url", strings.TrimSpace(string(url[:n])), "-rate", "1000", "-duration", "200ms"}
	require.NoError(t, run(t.Context(), args, nil, &out, t.Output()))
	var r result
	require.NoError(t, json.Unmarshal(out.Bytes(), &r))
	assert.EqualValues(t, 200, r.Requests)
	assert.GreaterOrEqual(t, r.Elapsed, 199*time.Millisecond)

	stop.Close()
	assert.NoError(t, <-done)
}

func TestRunRefusesAnUnknownRole(t *testing.T) {
	err := run(context.Background(), []string{"-role", "judge"}, nil, io.Discard, io.Discard)
	assert.ErrorContains(t, err, "judge")
}

func TestMedian(t *testing.T) {
	assert.InDelta(t, 3, median([]float64{9, 3, 1}), 0)
	assert.InDelta(t, 2.5, median([]float64{9, 2, 3, 1}), 0)
}
