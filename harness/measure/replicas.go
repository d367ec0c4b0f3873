package measure

import (
	"maps"
	"slices"
)

// mostReplicas bounds the replicas of a gateway that are kept by name.
const mostReplicas = 64

// replicas counts the requests that each replica behind a gateway answered.
type replicas struct {
	requests map[string]int
	others   int
}

// meet counts one request; a replica without a name did not tell it.
func (p *patternRecord) meet(gateway, replica string) {
	if replica == "" {
		return
	}
	at := p.replicas[gateway]
	if at == nil {
		at = &replicas{requests: map[string]int{}}
		p.replicas[gateway] = at
	}
	if _, known := at.requests[replica]; !known && len(at.requests) == mostReplicas {
		at.others++
		return
	}
	at.requests[replica]++
}

// cover fills in the replicas of each gateway.
func (p *patternRecord) cover(gateways []Gateway) {
	for i := range gateways {
		at := p.replicas[gateways[i].Gateway]
		if at == nil {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(at.requests)) {
			gateways[i].Replicas = append(gateways[i].Replicas, Replica{name, at.requests[name]})
		}
		gateways[i].OtherReplicas = at.others
	}
}
