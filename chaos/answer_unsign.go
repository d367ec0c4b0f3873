package chaos

import (
	"context"
	"encoding/json"
)

// unsign takes signatures away.
type unsign struct{ scope }

func answerUnsign() Spec {
	return Spec{
		Name: "answer.unsign", Place: OnLink, Links: []string{"gateway-authority"},
		Does: "Replaces signed introspection answers by plain application/json ones that say active:true.",
		Params: []Param{
			paramShare("answers"), paramPath("every path"),
		},
		Met: "answers that lost their signature", Clear: "signed answers that kept it",
		Models: "A downgrade by somebody in the middle: the caller asked for a signed answer and takes what it gets.",
		Source: "RFC 9701 lets a server that does not know it answer application/json, as go-oidc, zitadel and fosite do; a caller that takes that has no signature to rely on",
		New:    func(p Params) Fault { return unsign{p.scope()} },
	}
}

// Inject downgrades.
func (f unsign) Inject(ctx context.Context, t Target) (*Injected, error) {
	plain := func(i introspection) ([]byte, error) { return json.Marshal(i.members) }
	return f.activated("application/json", plain).Inject(ctx, t)
}
