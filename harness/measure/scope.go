package measure

// scope is what a gate looks at: one pattern, and within it perhaps one phase,
// one gateway or both.
type scope struct {
	report  *Report
	pattern *Pattern
	phase   *Phase // nil: the whole run
	gateway string // empty: all gateways
}

func (s scope) requests() Requests {
	switch {
	case s.gateway != "":
		return s.at().Requests
	case s.phase != nil:
		return s.phase.Requests
	}
	return s.pattern.Requests
}

// at is the gateway of the scope; the zero value if it is not in the report.
func (s scope) at() Gateway {
	all := s.pattern.Gateways
	if s.phase != nil {
		all = s.phase.Gateways
	}
	for i := range all {
		if all[i].Gateway == s.gateway {
			return all[i]
		}
	}
	return Gateway{Gateway: s.gateway}
}

func (s scope) latency() *Latency {
	if s.phase != nil {
		return &s.phase.Latency
	}
	return &s.pattern.Latency
}

func (s scope) safety() Safety {
	switch {
	case s.gateway != "":
		return s.at().Safety
	case s.phase != nil:
		return s.phase.Safety
	}
	return s.pattern.Safety
}

func (s scope) cache() Cache {
	if s.phase != nil {
		return s.phase.Cache
	}
	return s.pattern.Cache
}

// authorityCalls is null where nobody counts them.
func (s scope) authorityCalls() *int64 {
	if s.phase != nil {
		return s.phase.AuthorityCalls
	}
	return s.pattern.AuthorityCalls
}

// fallbacks counts the requests that one cause decided.
func (s scope) fallbacks(cause string) int {
	all := s.pattern.Fallbacks
	if s.phase != nil {
		all = s.phase.Fallbacks
	}
	n := 0
	for _, f := range all {
		if f.Cause == cause {
			n += f.Count
		}
	}
	return n
}

// seconds is how long the scope lasted.
func (s scope) seconds() float64 {
	if s.phase != nil {
		return (s.phase.To - s.phase.From) / 1e3
	}
	return s.report.Elapsed / 1e3
}
