package chaos

import (
	"context"
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
)

// order is where a rule stands on the way to the peer, whichever of them came
// first: what never leaves is not delayed, and what is lost on its way back is not
// forged.
type order int

const (
	orderAnswer order = iota // nearest to the caller: sees the answer last
	orderCut
	orderHang
	orderDelay
	orderPeer // answers in place of the peer
	orderReset
	orderDrop // of pushes, from here on
	orderLate
	orderTwice
	orderSwap
)

// scope is which things a fault acts on: a share of the requests, reads or pushes,
// and only requests with this path. The zero value is all.
type scope struct {
	share float64
	path  string
}

// rule is what one fault does to what crosses one link. A hook that is nil lets
// everything pass. A healed rule stays, to count what comes through.
type rule struct {
	scope
	order order
	over  chan struct{} // closed when healed

	met, clear atomic.Int64

	mu  sync.Mutex // for rng and for the state of hooks
	rng *rand.Rand

	// exchange sends a request on to next, or not. harmed says that what came of it
	// does not show that the link is sound.
	exchange func(r *http.Request, next http.RoundTripper) (resp *http.Response, harmed bool, err error)
	// concerns says which answers show that the link is sound; nil is all.
	concerns func(*http.Response) bool
	// dial holds a dial up, or refuses it.
	dial func(ctx context.Context) error
	// open acts on a connection that was dialled before the fault came.
	open func(*conn)
	// data acts on what one read got from the peer: it is held, or the connection breaks.
	data func() (*hold, error)
	// push turns one push of the registry into what arrives. struck says that it was
	// drawn.
	push func(c *conn, d parcel, struck bool) (out []parcel, harmed bool)
	// after is called once when the rule was healed.
	after func()
}

func newRule(o order, s scope, source rand.Source) *rule {
	return &rule{scope: s, order: o, over: make(chan struct{}), rng: rand.New(source)}
}

// place puts a rule on each link of the target; make says what it does there.
// What a rule draws depends on the seed and on its link, and on nothing else.
func place(t Target, o order, s scope, make func(*Link, *rule)) (*Injected, error) {
	var rules []*rule
	for _, l := range t.Links {
		where := fnv.New64a()
		where.Write([]byte(l.String()))
		u := newRule(o, s, rand.NewPCG(t.Seed, where.Sum64()))
		make(l, u)
		l.add(u)
		rules = append(rules, u)
	}
	total := func(read func(*rule) int64) func() int64 {
		return func() (n int64) {
			for _, u := range rules {
				n += read(u)
			}
			return n
		}
	}
	heal := sync.OnceFunc(func() {
		for i, u := range rules {
			u.heal()
			t.Links[i].wake()
		}
	})
	return &Injected{
		Heal:  func(context.Context) error { heal(); return nil },
		Met:   total(func(u *rule) int64 { return u.met.Load() }),
		Clear: total(func(u *rule) int64 { return u.clear.Load() }),
	}, nil
}

// heal ends the rule. Under the lock, so that a hook that holds it can rely on what
// healed says.
func (u *rule) heal() {
	u.mu.Lock()
	close(u.over)
	u.mu.Unlock()
	if u.after != nil {
		u.after()
	}
}

func (u *rule) healed() bool {
	select {
	case <-u.over:
		return true
	default:
		return false
	}
}

// strikes draws whether the rule acts on the next thing in its scope.
func (u *rule) strikes() bool {
	if u.healed() {
		return false
	}
	if u.share == 0 || u.share >= 1 {
		return true
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.rng.Float64() < u.share
}

func (u *rule) roundTrip(r *http.Request, next http.RoundTripper) (*http.Response, error) {
	if u.exchange == nil || u.path != "" && r.URL.Path != u.path {
		return next.RoundTrip(r)
	}
	var harmed bool
	var resp *http.Response
	var err error
	if u.strikes() {
		resp, harmed, err = u.exchange(r, next)
	} else {
		resp, err = next.RoundTrip(r)
	}
	if !harmed && err == nil && (u.concerns == nil || u.concerns(resp)) {
		u.clear.Add(1)
	}
	return resp, err
}

// dialled says whether the rule acts on connections.
func (u *rule) dialled() bool {
	return u.path == "" && (u.dial != nil || u.open != nil || u.data != nil)
}

// meetDial is for a dial that begins.
func (u *rule) meetDial(ctx context.Context) error {
	if !u.dialled() || u.dial == nil || !u.strikes() {
		return nil
	}
	u.met.Add(1)
	return u.dial(ctx)
}

// meetOpen is for a connection that was dialled without the rule.
func (u *rule) meetOpen(c *conn) {
	if u.dialled() && u.open != nil && u.strikes() {
		u.met.Add(1)
		u.open(c)
	}
}

// meetData is for what one read got.
func (u *rule) meetData() (*hold, error) {
	if !u.dialled() {
		return nil, nil
	}
	if u.data != nil && u.strikes() {
		u.met.Add(1)
		return u.data()
	}
	u.clear.Add(1)
	return nil, nil
}

// meetPush is for one push, or for what rules before made of it.
func (u *rule) meetPush(c *conn, in []parcel) []parcel {
	if u.push == nil {
		return in
	}
	var out []parcel
	for _, d := range in {
		pushed, harmed := u.push(c, d, u.strikes())
		if harmed {
			u.met.Add(1)
		} else if len(pushed) > 0 {
			u.clear.Add(1)
		}
		out = append(out, pushed...)
	}
	return out
}
