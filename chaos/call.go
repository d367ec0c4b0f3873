package chaos

import (
	"context"
	"fmt"
)

// Call is an HTTP request to somebody else's system. In its URL, header values and
// body ${NAME} is an environment variable, looked up when the call is made and never
// written down.
type Call struct {
	// Method is POST if it is empty.
	Method string `yaml:"method" json:"method,omitempty"`
	// URL is http or https, without user and password.
	URL     string            `yaml:"url" json:"url"`
	Headers map[string]string `yaml:"headers" json:"headers,omitzero"`
	Body    string            `yaml:"body" json:"body,omitempty"`
	// Status lists what means success; empty means any 2xx.
	Status []int `yaml:"status" json:"status,omitzero"`
}

// calls is the fault call: an HTTP request breaks something, another mends it. Its
// evidence is the status of their answers. As with Exec, both should be idempotent.
type calls struct {
	broken, mended *Call
	hosts          []string
}

func callFault() Spec {
	return Spec{
		Name: "call", Place: OnHost,
		Does: "Sends an HTTP request that breaks something on another system, and at the end one that mends it.",
		Params: []Param{
			{Name: "inject_call", Unit: UnitCall, Required: true, Doc: "breaks it; ${NAME} in url, headers and body is an environment variable, " +
				"looked up when the call is made; success is any 2xx, or what status lists, within 5 s; redirects are not followed"},
			{Name: "heal_call", Unit: UnitCall, Default: "none: the fault is refused unless run --irreversible call allows it",
				Doc: "mends it, at once and however often it is sent"},
		},
		Met: "the inject call, once it has succeeded", Clear: "heal calls that have succeeded",
		Models: "What has an API for it: a fault proxy, a feature flag, the replicas of a service.",
		Source: "Shopify/toxiproxy: POST /proxies/NAME with enabled false takes a service down, true brings it back",
		New:    func(p Params) Fault { return calls{p.InjectCall, p.HealCall, p.Hosts} },
		written: func(p Params, e *Entry) error {
			if _, err := p.InjectCall.request(context.Background(), p.Hosts); err != nil {
				return fmt.Errorf("inject call: %w", err)
			}
			if p.HealCall == nil {
				return nil
			}
			e.Undo, e.Call, e.Hosts = UndoCall, p.HealCall, p.Hosts
			if _, err := p.HealCall.request(context.Background(), p.Hosts); err != nil {
				return fmt.Errorf("heal call: %w", err)
			}
			return nil
		},
	}
}

// Inject sends the inject call. If that fails after it may have arrived, it sends
// the heal call; an error that is ErrLeft says that this failed too.
func (f calls) Inject(ctx context.Context, _ Target) (*Injected, error) {
	return undoable{f.act(f.broken), f.act(f.mended)}.inject(ctx)
}

// act is the sending of a call, nil without one.
func (f calls) act(c *Call) act {
	if c == nil {
		return nil
	}
	return func(ctx context.Context) (began bool, err error) { return c.send(ctx, f.hosts) }
}
