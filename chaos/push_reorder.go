package chaos

func pushReorder() Spec {
	return pushSpec(Spec{
		Name: "push.reorder",
		Does: "Delivers a push of the registry after the one that follows it.",
		Met:  "pairs of pushes that were swapped", Clear: "pushes that came in order",
		Models: "Two paths to one subscriber, and partitions that know no common order.",
		Source: "newchat#336: an older value that came after the invalidation restored what had been revoked; istio#53691: the order of keys changed",
		New:    func(p Params) Fault { return pushing{p.Share, orderSwap, swapped} },
	})
}

// swapped keeps one push for each connection until the next has passed, or until
// the fault is healed. A pair that was swapped counts as one.
func swapped(u *rule) func(*conn, parcel, bool) ([]parcel, bool) {
	kept := map[*conn]parcel{}
	u.after = func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		for c, d := range kept {
			delete(kept, c)
			c.enqueue([]parcel{d}, true)
		}
	}
	return func(c *conn, d parcel, struck bool) ([]parcel, bool) {
		u.mu.Lock()
		defer u.mu.Unlock()
		if earlier, ok := kept[c]; ok {
			delete(kept, c)
			return []parcel{d, earlier}, true
		}
		if !struck || u.healed() {
			return []parcel{d}, false
		}
		kept[c] = d
		return nil, false
	}
}
