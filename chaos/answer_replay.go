package chaos

import (
	"context"
	"encoding/json"
)

// replay gives old answers.
type replay struct{ scope }

func answerReplay() Spec {
	return Spec{
		Name: "answer.replay", Place: OnLink, Links: []string{"gateway-authority"},
		Does: "Gives an answer that another request of the same path got earlier: the first that there was, but none that says that a token is not active.",
		Params: []Param{
			paramShare("answers"), paramPath("every path"),
		},
		Met: "answers that were replaced", Clear: "answers that were not",
		Models: "Somebody in the middle who keeps answers, and a proxy that mixes them up. The signature is good: RFC 9701 does not bind an answer to the token that was asked about.",
		Source: "steemit/wallet#318: a replayed digest was the cache key; RFC 9701 section 5: iat and aud are all that a caller can check",
		New:    func(p Params) Fault { return replay{p.scope()} },
	}
}

// Inject replays. Answers that come before there is an earlier one pass.
func (f replay) Inject(ctx context.Context, t Target) (*Injected, error) {
	return tamper{scope: f.scope, concerns: plainAnswer, begin: func() func(string, *answer) bool {
		kept := map[string]*keptAnswers{} // by path
		return func(key string, a *answer) bool {
			path := a.Request.URL.Path
			if kept[path] == nil {
				if len(kept) == maxKept {
					return false
				}
				kept[path] = &keptAnswers{}
			}
			earlier, ok := kept[path].other(key, a, !saysInactive(a.body))
			if ok {
				a.replace(earlier.body, earlier.media)
			}
			return ok
		}
	}}.Inject(ctx, t)
}

// maxKept bounds the paths whose answers are kept.
const maxKept = 64

// keptAnswers are the first answer of a path, and the first to another request: so
// there is one for each request that comes.
type keptAnswers struct{ first, second *keptAnswer }

type keptAnswer struct {
	key, media string
	body       []byte
}

// other returns the oldest answer that was given to another request than key, and
// keeps this one if it may be needed and is worth keeping.
func (k *keptAnswers) other(key string, a *answer, worth bool) (*keptAnswer, bool) {
	this := &keptAnswer{key, a.Header.Get("Content-Type"), a.body}
	switch {
	case k.first == nil:
		if worth {
			k.first = this
		}
		return nil, false
	case k.first.key != key:
		if k.second == nil && worth {
			k.second = this
		}
		return k.first, true
	}
	return k.second, k.second != nil
}

// saysInactive says whether an answer, signed or plain, is that a token is not active:
// one that gains nobody anything.
func saysInactive(body []byte) bool {
	i, signed := readIntrospection(body)
	if !signed && json.Unmarshal(body, &i.members) != nil {
		return false
	}
	active, told := i.members["active"].(bool)
	return told && !active
}
