package chaos

import "context"

// pushing acts on the pushes of the registry: what a JetStream consumer is sent
// over a NATS connection without TLS that was dialled over the link.
type pushing struct {
	share float64
	order order
	// begin makes, for one link, what becomes of a push.
	begin func(*rule) func(c *conn, d parcel, struck bool) (out []parcel, harmed bool)
}

// Inject acts. Met is the pushes that were lost, late, repeated or out of order;
// Clear those that were not.
func (f pushing) Inject(_ context.Context, t Target) (*Injected, error) {
	return place(t, f.order, scope{share: f.share}, func(_ *Link, u *rule) { u.push = f.begin(u) })
}

// pushSpec is what the faults of pushes have in common.
func pushSpec(s Spec) Spec {
	s.Place, s.Links = OnLink, []string{"gateway-registry"}
	s.Params = append(s.Params, paramShare("pushes"))
	return s
}
