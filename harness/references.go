package harness

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tokendrill/tokendrill/chaos"
	"github.com/tokendrill/tokendrill/fixtures/authority"
	"github.com/tokendrill/tokendrill/fixtures/token"
	"github.com/tokendrill/tokendrill/scenarios"
)

// References puts the reference patterns of a plan in place, wherever their roles
// are served.
type References struct {
	// Stage says in a few words what stage this is.
	Stage string
	// Serve starts one role. It is called for each, in the order in which they need
	// each other, and for several at once if they do not.
	Serve func(context.Context, Role) (*Standing, error)
	// Transport is how this process reaches the roles.
	Transport http.RoundTripper
	// Clients are more clients of the authority, for whom the stage is there besides
	// the run. Their IDs must be none that the stage has: those of the patterns,
	// "operator", "minter" and "app-N".
	Clients []authority.Client
}

// Standing is a role that is up, wherever it is.
type Standing struct {
	// Served is what it is from outside; Links are only those of this process, and
	// Control steers it from here.
	Served
	// Within is the base URL at which other roles reach it.
	Within string
	// Far injects faults into its links, if they are in another process.
	Far Far
}

// Far is the hops of a role in another process.
type Far interface {
	// Hops are the names of its links, such as "gateway-authority".
	Hops() []string
	// Inject injects a fault of the catalogue into some of them, as chaos.Fault does.
	Inject(ctx context.Context, fault string, p chaos.Params, hops []string, seed uint64) (*chaos.Injected, error)
}

// Start puts the roles in place.
func (s References) Start(ctx context.Context, p *Plan) (*Site, error) {
	e := &references{References: s, plan: p, doors: map[string]http.RoundTripper{}, standing: map[string]*Standing{}}
	err := e.prepare()
	for _, kind := range Roles() {
		if err == nil {
			err = e.startAll(ctx, kind)
		}
	}
	if err != nil {
		return nil, errors.Join(err, e.close())
	}
	return e.site(), nil
}

// references are the reference patterns that are up, or on their way.
type references struct {
	References

	plan       *Plan
	ring, root *token.Ring
	operator   *oauthClient
	secrets    map[string]string            // of the gateways, by pattern
	doors      map[string]http.RoundTripper // client-gateway, by host of the gateway
	entrances  []*chaos.Link                // the same, in order

	mu       sync.Mutex
	standing map[string]*Standing // by node
	order    []string             // of their starts
}

// prepare draws keys and credentials.
func (e *references) prepare() (err error) {
	if e.ring, err = token.NewRing(time.Now); err != nil {
		return err
	}
	if e.root, err = token.NewRing(time.Now); err != nil {
		return err
	}
	e.operator = newOAuthClient(&http.Client{Transport: e.Transport}, e.plan.grantKinds())
	e.secrets = map[string]string{}
	for _, i := range e.plan.References() {
		e.secrets[e.plan.Systems[i].Pattern] = rand.Text()
	}
	return nil
}

// clients are the authority's clients: those of the operator, who has one for each
// kind of token, and one for the gateways of each pattern, so that its calls can be
// told apart. Secrets are drawn anew for each stage.
func (e *references) clients() []authority.Client {
	out := append(e.operator.clients(e.plan.scopes), e.Clients...)
	for _, i := range e.plan.References() {
		id := e.plan.Systems[i].Pattern
		out = append(out, authority.Client{ID: id, Secret: e.secrets[id], Introspects: true, SignedIntrospection: true})
	}
	return out
}

// startAll starts every role of a kind, side by side.
func (e *references) startAll(ctx context.Context, kind string) error {
	var roles []Role
	for _, node := range e.plan.Nodes(kind) {
		role, err := e.role(kind, node) // all before the first starts, as that changes standing
		if err != nil {
			return err
		}
		roles = append(roles, role)
	}
	all, ctx := errgroup.WithContext(ctx)
	for _, role := range roles {
		all.Go(func() error {
			up, err := e.Serve(ctx, role)
			if err != nil {
				return err
			}
			e.mu.Lock()
			defer e.mu.Unlock()
			e.standing[role.Node], e.order = up, append(e.order, role.Node)
			return nil
		})
	}
	if err := all.Wait(); err != nil {
		return err
	}
	if kind == chaos.RoleAuthority {
		e.operator.base = e.standing[chaos.RoleAuthority].URL
	}
	return nil
}

// role is a role of the plan, for which those before it are up.
func (e *references) role(kind, node string) (Role, error) {
	sc := e.plan.Scenario
	r := Role{
		Kind: kind, Node: node, Pattern: systemPattern(node), Links: map[string]LinkProfile{}, Settings: sc.Settings, Policy: e.plan.policy,
		Issuer: e.outside(chaos.RoleAuthority), RootKeys: e.root.Public(), Durable: e.plan.restartsRegistry(),
		Peers: Peers{Authority: e.within(chaos.RoleAuthority), Registry: e.within(chaos.RoleRegistry), CDN: e.within(chaos.RoleCDN), Upstream: e.within(roleUpstream)},
	}
	for _, name := range e.plan.topology()[node] {
		if name != linkClientGateway {
			r.Links[name] = e.plan.profile(name, node)
		}
	}
	r.Secret = e.secrets[r.Pattern]
	if origin := node + "/" + chaos.RoleOrigin; e.standing[origin] != nil {
		r.Peers.Upstream = e.within(origin)
	}
	if kind != chaos.RoleAuthority {
		return r, nil
	}
	return r, e.describe(&r.Authority)
}

// describe fills in what only the authority gets.
func (e *references) describe(a *AuthorityRole) (err error) {
	t := e.plan.Scenario.Tokens
	a.Lifetime, a.Prefix, a.Suffix, a.Clients = t.Lifetime, t.Prefix, t.Suffix, e.clients()
	if a.Ring, err = e.ring.Private(); err == nil {
		a.Root, err = e.root.Private()
	}
	return err
}

func (e *references) within(node string) string {
	if up := e.standing[node]; up != nil {
		return up.Within
	}
	return ""
}

func (e *references) outside(node string) string {
	if up := e.standing[node]; up != nil {
		return up.URL
	}
	return ""
}

// close takes down what is up, the latest first.
func (e *references) close() error {
	var err error
	for _, node := range slices.Backward(e.order) {
		err = errors.Join(err, e.standing[node].Close())
	}
	return err
}

// site is what a run sees of the stage.
func (e *references) site() *Site {
	s := &Site{
		Stage: e.Stage, Transport: e.client(), Authority: e.operator, Issuer: e.outside(chaos.RoleAuthority), Ring: e.ring,
		Floor: e.outside(roleUpstream) + "/", Close: e.close,
	}
	calls := e.standing[chaos.RoleAuthority].Calls
	s.Calls = func(pattern string) int64 { return calls()[pattern] }
	for _, sys := range e.plan.Systems {
		var gateways, origins []string
		for _, name := range sys.Gateways {
			n := node(sys.Pattern, name)
			if sys.Target != nil { // it is up already, elsewhere
				continue
			}
			gateways = append(gateways, e.enter(n))
			if sys.Pattern == scenarios.Hybrid {
				origins = append(origins, e.enter(n+"/"+chaos.RoleOrigin))
			}
		}
		s.Gateways, s.Origins = append(s.Gateways, gateways), append(s.Origins, origins)
	}
	s.Links = e.entrances
	for _, kind := range Roles() {
		for _, node := range e.plan.Nodes(kind) {
			s.add(node, e.standing[node])
		}
	}
	return s
}

// add tells a site of a role.
func (s *Site) add(node string, up *Standing) {
	s.Links = append(s.Links, up.Links...)
	if up.Control != nil {
		s.Nodes = append(s.Nodes, chaos.Node{Name: node, Control: up.Control})
	}
	if up.Far != nil {
		s.Far = append(s.Far, FarNode{node, up.Far})
	}
}

// enter makes the hop to an enforcement point, and returns where that is.
func (e *references) enter(node string) string {
	at := e.outside(node)
	u, err := url.Parse(at)
	if err != nil {
		return at // it is a URL: the stage has made it
	}
	profile := e.plan.profile(linkClientGateway, node)
	link := chaos.NewLink(linkClientGateway, node, profile.Delay, profile.Seed)
	e.doors[u.Host], e.entrances = link.Transport(e.Transport), append(e.entrances, link)
	return at
}

// client reaches each gateway over its own client-gateway link.
func (e *references) client() http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		if door, ok := e.doors[r.URL.Host]; ok {
			return door.RoundTrip(r)
		}
		return e.Transport.RoundTrip(r)
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
