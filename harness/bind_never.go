package harness

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/tokendrill/tokendrill/fixtures/token"
)

// disguise draws the tokens that were never issued, each in the shape of one that was.
func (b *binding) disguise(ctx context.Context) error {
	models := map[int]bound{}
	for _, key := range b.plan.issueKeys() {
		if _, ok := b.never[key]; !ok {
			continue
		}
		model, ok := models[key.system]
		if !ok {
			var err error
			if model, err = b.usual(ctx, key.system); err != nil {
				return fmt.Errorf("issue a token to copy the shape of at %s: %w", b.plan.Systems[key.system].Pattern, err)
			}
			models[key.system] = model
		}
		rng := b.plan.rng("never "+string(key.ref), key.system)
		b.never[key] = lookalike(rng, model.raw, model.Format, b.plan.Scenario.Tokens.Prefix, b.plan.Scenario.Tokens.Suffix)
	}
	return nil
}

// lookalike is a token that nobody issued, with the shape of one that was and with
// the ends that it has in common with all others.
func lookalike(rng *rand.Rand, model string, format token.Format, prefix, suffix int) string {
	if parts := strings.Split(model, "."); format == token.JWT && len(parts) == 3 {
		return parts[0] + "." + renamed(rng, parts[1]) + "." + redrawn(rng, parts[2])
	}
	if prefix+suffix+16 > len(model) { // too little between to be sure that it is no live token
		prefix, suffix = 0, 0
	}
	middle := model[prefix : len(model)-suffix]
	return model[:prefix] + redrawn(rng, middle) + model[len(model)-suffix:]
}

// redrawn replaces every character by another one of its kind.
func redrawn(rng *rand.Rand, text string) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	out := []byte(text)
	for i, c := range out {
		if strings.IndexByte(letters, c) >= 0 {
			out[i] = letters[rng.IntN(len(letters))]
		}
	}
	return string(out)
}

// renamed gives the claims of a JWT another jti. What cannot be read stays.
func renamed(rng *rand.Rand, payload string) string {
	raw, err := base64.RawURLEncoding.DecodeString(payload)
	claims := map[string]json.RawMessage{}
	if err != nil || json.Unmarshal(raw, &claims) != nil {
		return payload
	}
	claims["jti"], _ = json.Marshal(fmt.Sprintf("never-%016x", rng.Uint64())) // a string always encodes
	if raw, err = json.Marshal(claims); err != nil {
		return payload
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}
