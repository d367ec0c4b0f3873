package chaos

func pushDuplicate() Spec {
	return pushSpec(Spec{
		Name: "push.duplicate",
		Does: "Delivers pushes of the registry twice in a row.",
		Met:  "pushes that came twice", Clear: "pushes that came once",
		Models: "Delivery at least once: what was not acknowledged in time is sent again.",
		Source: "RFC 8935: a transmitter may send a security event again when no answer came, and its receiver tells by the jti",
		New:    func(p Params) Fault { return pushing{p.Share, orderTwice, twice} },
	})
}

func twice(*rule) func(*conn, parcel, bool) ([]parcel, bool) {
	return func(_ *conn, d parcel, struck bool) ([]parcel, bool) {
		if struck {
			return []parcel{d, d}, true
		}
		return []parcel{d}, false
	}
}
