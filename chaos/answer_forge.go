package chaos

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
)

// forge signs answers with a key of its own.
type forge struct{ scope }

func answerForge() Spec {
	return Spec{
		Name: "answer.forge", Place: OnLink, Links: []string{"gateway-authority"},
		Does: "Replaces signed introspection answers by ones that say active:true, with the same kid but signed (ES256) with another key.",
		Params: []Param{
			paramShare("answers"), paramPath("every path"),
		},
		Met: "answers that were forged", Clear: "signed answers that were not",
		Models: "Somebody in the middle who has no key of the authority.",
		Source: "ts-oauth2-server PR 237: introspection trusted jwt.decode; mod_auth_openidc 07/21/2026: the signature was skipped as no key was set",
		New:    func(p Params) Fault { return forge{p.scope()} },
	}
}

// Inject forges. The error is that of making a key.
func (f forge) Inject(ctx context.Context, t Target) (*Injected, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("answer.forge: %w", err)
	}
	signed := func(i introspection) ([]byte, error) { return i.sign(key) }
	return f.activated(mediaIntrospection, signed).Inject(ctx, t)
}

// sign makes a compact JWS, ES256 (RFC 7518 section 3.4).
func (i introspection) sign(key *ecdsa.PrivateKey) ([]byte, error) {
	i.header["alg"] = "ES256"
	header, err := encodeObject(i.header)
	if err != nil {
		return nil, err
	}
	payload, err := encodeObject(i.payload)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(header + "." + payload))
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		return nil, err
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return []byte(header + "." + payload + "." + base64.RawURLEncoding.EncodeToString(signature)), nil
}
