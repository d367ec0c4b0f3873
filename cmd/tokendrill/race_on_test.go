//go:build race

package main

// raceDetector says that the tests run under the race detector, which slows
// everything down: what measures is run without it, too.
const raceDetector = true
