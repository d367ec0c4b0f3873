package scenarios

import "time"

// defaults is the scenario that a file starts from.
func defaults() *Scenario {
	return &Scenario{
		Traffic: Traffic{Recording: "sample", Rounds: 6, Slice: time.Second},
		Tokens:  Tokens{Lifetime: 10 * time.Minute},
		Revoke: Revoke{
			Tokens: 64, Every: 70 * time.Millisecond,
			FirstGap: 5 * time.Millisecond, Growth: 0.10, Rate: 50,
		},
		Settings: Settings{
			Cache:    CacheSettings{TTL: 1500 * time.Millisecond, NegativeTTL: 500 * time.Millisecond, Timeout: 500 * time.Millisecond},
			Remote:   RemoteSettings{Timeout: time.Second, Retries: 2, BreakerFailures: 5, BreakerDelay: time.Second},
			Registry: RegistrySettings{Staleness: 2 * time.Second, Heartbeat: 250 * time.Millisecond},
			Hybrid:   HybridSettings{MintedTTL: 5 * time.Second, BundleMaxAge: 10 * time.Second, Timeout: 500 * time.Millisecond},
		},
	}
}

// complete fills in what depends on what the file says.
func (s *Scenario) complete() {
	if len(s.Patterns) == 0 {
		s.Patterns = []string{Cache, Remote, Registry, Hybrid}
	}
	if len(s.Routes) == 0 {
		s.Routes = []Route{{Method: "GET", Scope: "read"}, {Method: "HEAD", Scope: "read"}, {Scope: "write"}}
	}
	if s.Traffic.Rate == 0 && s.Traffic.Speed == 0 {
		s.Traffic.Speed = 1
	}
}
