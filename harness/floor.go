package harness

import (
	"context"
	"sync"
	"time"

	"github.com/tokendrill/tokendrill/harness/measure"
)

const (
	floorRate   = 400 // per second
	floorLength = 500 * time.Millisecond
)

// measureFloor measures the bare path of a stage the way that everything else is
// measured: what a request costs here when nobody looks at its token. It also
// warms the sender up.
func measureFloor(ctx context.Context, site *Site) (measure.Dist, error) {
	if site.Floor == "" {
		return measure.Dist{}, nil
	}
	var mu sync.Mutex
	var samples []time.Duration
	_, err := Attack(ctx, AttackConfig{Observe: func(o measure.Observation) {
		mu.Lock()
		defer mu.Unlock()
		samples = append(samples, time.Duration(o.End-o.Planned))
	}}, func(yield func(Hit) bool) {
		for at := time.Duration(0); at < floorLength; at += time.Second / floorRate {
			if !yield(Hit{At: at, Method: "GET", URL: site.Floor}) {
				return
			}
		}
	})
	return measure.Summarize(samples), err
}
