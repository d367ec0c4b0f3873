package scenarios

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/tokendrill/tokendrill/fixtures/token"
)

var (
	tokenTypes = []string{string(token.Opaque), string(token.JWT)}
	authWays   = []string{ClientSecretBasic, ClientSecretPost, PrivateKeyJWT, TLSClientAuth}
	kinds      = []string{KindToken, KindSession, KindUser, KindClient}
)

var (
	variableForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	visibleForm  = regexp.MustCompile(`^[ -~]+$`) // RFC 6749 appendix A
	// secretName is what a parameter is called that holds a secret.
	secretName = regexp.MustCompile(`(?i)secret|passw|assertion|credential|^code$|^((access|refresh|subject|actor|id)_)?token$`)
	// secretPair is a secret that is written out: its name, and its value.
	secretPair = regexp.MustCompile(`(?i)(?:\b(?:[a-z]+_)?(?:secret|password|passwd|assertion|api_?key|token)["']?\s*[=:]\s*` +
		`|[?&](?:key|sig|signature)=|\bauthorization["']?\s*[=:]\s*["']?(?:bearer|basic|dpop)\s+)["']?([^\s"'&,;}]+)`)
)

// ownParameters are those of a token request that other keys say.
var ownParameters = map[string]string{
	"grant_type": "issue", "client_id": "client.id", "scope": "scope", "client_assertion_type": "client.auth",
}

// noSecret notes a mistake if a secret is written out in text; it is not shown.
func (r *targetReview) noSecret(text, path string) {
	for _, found := range secretPair.FindAllStringSubmatch(text, -1) {
		r.must(strings.HasPrefix(found[1], "$") || strings.HasPrefix(found[1], "{"), path, "%s has a secret in it; expected ${NAME} of an environment variable in its place", path)
	}
}

func (r *targetReview) authority() {
	a := r.Authority
	for _, u := range [][2]string{
		{"issuer", a.Issuer}, {"token_endpoint", a.TokenEndpoint}, {"introspection_endpoint", a.IntrospectionEndpoint},
		{"revocation_endpoint", a.RevocationEndpoint}, {"jwks_uri", a.JWKSURI},
	} {
		r.url(u[1], "authority."+u[0])
	}
	r.must(!strings.Contains(a.Issuer, "?"), "authority.issuer", "authority.issuer has a query; expected none (RFC 8414 section 2)")
	for _, word := range strings.Fields(a.Scope) {
		r.must(scopeForm.MatchString(word), "authority.scope", "authority.scope has %s in it; expected words apart by spaces", quote(word))
	}
	r.choice(a.TokenType, tokenTypes, "authority.token_type")
	r.parameters()
	r.issue()
	r.revoke()
	if a.Client != (Client{Auth: ClientSecretBasic}) || !a.Issue.given() || !a.Revoke.given() {
		r.client()
	}
}

func (r *targetReview) parameters() {
	for _, name := range slices.Sorted(maps.Keys(r.Authority.Parameters)) {
		path := "authority.parameters." + name
		r.must(visibleForm.MatchString(name), "authority.parameters", "authority.parameters has the name %s; expected plain text", quote(name))
		r.must(ownParameters[name] == "", path, "%s is not for parameters; expected authority.%s", path, ownParameters[name])
		r.must(!secretName.MatchString(name), path, "%s would be a secret in this file; expected authority.client, or authority.issue.http with ${NAME} in its body", path)
		r.noSecret(r.Authority.Parameters[name], path)
	}
	r.must(len(r.Authority.Parameters) == 0 || !r.Authority.Issue.given(), "authority.parameters", "authority.parameters and authority.issue contradict each other; expected the parameters in what issues")
}

// given says whether tokens come in another way than by client credentials.
func (i IssueBy) given() bool { return i.HTTP != nil || len(i.Command) > 0 || i.File != "" }

// given says whether tokens are revoked in another way than by RFC 7009.
func (v RevokeBy) given() bool { return v.HTTP != nil || len(v.Command) > 0 }

func (r *targetReview) issue() {
	a, ways := r.Authority, 0
	for _, is := range []bool{a.Issue.HTTP != nil, len(a.Issue.Command) > 0, a.Issue.File != ""} {
		if is {
			ways++
		}
	}
	written := r.doc.lines["authority.issue"] != 0
	r.must(ways == 1 || ways == 0 && !written, "authority.issue", "authority.issue names %d ways; expected one of http, command, file", ways)
	r.ownCall(a.Issue.HTTP, "authority.issue.http")
	r.command(a.Issue.Command, "authority.issue.command")
	r.must(ways > 0 || a.Issuer != "" || a.TokenEndpoint != "", "authority", "authority says nowhere how to get a token; expected issuer, token_endpoint or issue")
}

func (r *targetReview) revoke() {
	a, v := r.Authority, r.Authority.Revoke
	r.choice(v.Kind, kinds, "authority.revoke.kind")
	r.must(v.HTTP == nil || len(v.Command) == 0, "authority.revoke", "authority.revoke has both http and command; expected one of them")
	r.must(v.given() || a.Issuer != "" || a.RevocationEndpoint != "", "authority", "authority says nowhere how to revoke a token; expected issuer, revocation_endpoint or revoke")
	r.must(v.given() || v.Kind == KindToken, "authority.revoke.kind", "authority.revoke.kind is %s, but RFC 7009 revokes a token; expected http or command with it", quote(v.Kind))
	r.revocation()
}

// client checks how the client authenticates.
func (r *targetReview) client() {
	const at = "authority.client"
	c := r.Authority.Client
	r.must(c.ID != "" && visibleForm.MatchString(c.ID), at, "authority.client.id is %s; expected the client's name at the authorization server", quote(c.ID))
	r.choice(c.Auth, authWays, at+".auth")
	r.must(c.SecretEnv == "" || variableForm.MatchString(c.SecretEnv), at+".secret_env", "authority.client.secret_env is not the name of an environment variable; expected such as IDP_SECRET")
	secrets, secret := 0, cmp.Or(c.SecretEnv, c.SecretFile) != ""
	for _, s := range []string{c.SecretEnv, c.SecretFile} {
		if s != "" {
			secrets++
		}
	}
	switch c.Auth {
	case ClientSecretBasic, ClientSecretPost:
		r.must(secrets == 1, at, "authority.client names %d secrets; expected one of secret_env, secret_file", secrets)
		r.must(c.KeyFile == "", at+".key_file", "authority.client.key_file is not for %s; expected auth: %s with it", c.Auth, PrivateKeyJWT)
	case PrivateKeyJWT:
		r.must(c.KeyFile != "", at, "authority.client has no key_file; expected the private key that %s signs with", c.Auth)
		r.must(!secret, at, "authority.client names a secret, which %s has no use for; expected key_file alone", c.Auth)
	case TLSClientAuth:
		r.must(r.Connection.CertFile != "", at+".auth", "authority.client.auth is %s, but there is no certificate; expected connection.cert_file and key_file", c.Auth)
		r.must(!secret && c.KeyFile == "", at, "authority.client names a secret or a key, which %s has no use for; expected connection.cert_file and key_file", c.Auth)
	}
	r.must(c.KeyID == "" || c.KeyFile != "", at+".key_id", "authority.client.key_id stands alone; expected key_file with it")
}
