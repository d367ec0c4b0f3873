// Package harness is the public API of tokendrill: it plans a scenario over a
// recording, puts a stage in place, attacks it open-loop while tokens are revoked
// and links break, and returns what was measured.
//
//	plan, err := harness.NewPlan(scenario, recording, seed)
//	result, err := harness.Run(ctx, plan, harness.Options{})
//
// It is the only package that knows vegeta.
package harness
