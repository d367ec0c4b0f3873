package reports

import (
	"math/rand/v2"

	"github.com/tokendrill/tokendrill/harness/measure"
)

// staged is a report as from a stage of containers on a machine with two cores.
func staged(r *measure.Report) *measure.Report {
	r.Stage = "containers (Docker 20.10.24)"
	r.Reproduce = "tokendrill run " + r.Scenario + " --stage containers --seed 7"
	r.Sender.Floor = dist(rand.New(rand.NewPCG(2, 2)), 0.37, 0.5, 200)
	r.Sender.CPU, r.Sender.Machine = new(0.21), new(0.58)
	for i := range r.Patterns {
		l := &r.Patterns[i].Latency
		for _, d := range []*measure.Dist{&l.Response, &l.Service} {
			d.P50, d.P95, d.P99, d.Max = slower(d.P50), slower(d.P95), slower(d.P99), slower(d.Max)
		}
	}
	return r
}

// slower is a latency with the docker proxy on the way.
func slower(v *float64) *float64 {
	if v == nil {
		return nil
	}
	return new(*v + 0.4)
}

func containers() *measure.Report { return staged(sample()) }

// pausedContainers has gateways that stand still, and a machine without a core to spare.
func pausedContainers() *measure.Report {
	r := outageReport()
	r.Scenario = "gateway-paused"
	staged(r)
	r.Sender.CPU, r.Sender.Machine = new(0.34), new(0.97)
	r.Faults = []measure.Fault{
		{Name: "container.pause gateway at gw-1", From: 2_480, To: 4_530, Landed: true, Healed: true, Met: 12, Clear: 9},
		{Name: "container.cpu authority", From: 3_000, To: 4_040, Landed: true, Healed: true, Met: 1, Clear: 1},
	}
	r.Undo = measure.Undo{Injected: 2, Healed: 2}
	return r
}

// unseenContainers was cut off from the engine half-way.
func unseenContainers() *measure.Report {
	r := pausedContainers()
	r.Scenario, r.Verdict = "registry-disconnected", measure.Inconclusive
	r.Sender.Machine = nil
	const effect, end = "was not seen to take effect: what it would have done is unknown", "was not seen to heal: whether its effect is gone is unknown"
	r.Faults = []measure.Fault{
		{Name: "container.disconnect registry", From: 2_480, To: 4_530, Healed: true, Clear: 3, Unknown: effect},
		{Name: "container.kill gateway at registry/gw-1", From: 3_000, To: 4_900, Landed: true, Met: 4, Unknown: end},
	}
	r.Validity = measure.Validity{Faults: []string{r.Faults[0].Name + " " + effect, r.Faults[1].Name + " " + end}}
	r.Validity.Reasons = r.Validity.Faults
	r.Undo = measure.Undo{Injected: 2, Healed: 1, Left: []string{"container.kill gateway at registry/gw-1"}}
	return r
}
