//go:build race

package external_test

// raceDetector says that the tests run under the race detector, which slows
// everything down: what measures is run without it.
const raceDetector = true
