package scenarios

import (
	"regexp"
	"time"

	"github.com/tokendrill/tokendrill/chaos"
)

// Target is a system of the user's own: the gateways to measure, and the
// authorization server whose tokens they take. ParseTarget fills in the defaults;
// a parsed Target is valid, and holds no secret: only where to find each.
type Target struct {
	// Name is what a report calls it: lower-case words joined by "-", and none of the
	// four patterns.
	Name string `yaml:"name"`
	// About says in a sentence what the system is.
	About string `yaml:"about"`
	// Bound is how long a revoked token may live by the design of the system. Tokens
	// are in use for as long before they are revoked, and are watched for over twice
	// as long after it.
	Bound time.Duration `yaml:"bound"`
	// Gateways are the enforcement points, each probed and reported by itself.
	Gateways []TargetGateway `yaml:"gateways"`
	// Connection is how everything of the target is reached.
	Connection Connection      `yaml:"connection"`
	Authority  TargetAuthority `yaml:"authority"`
	Probe      Probe           `yaml:"probe"`
	Verdict    Verdict         `yaml:"verdict"`
	// Faults are how this system is broken and mended.
	Faults []TargetFault `yaml:"faults"`
	Limits Limits        `yaml:"limits"`

	// Dir is the folder that relative file names count from; it is the target file's.
	Dir string `yaml:"-"`
}

// TargetGateway is one enforcement point.
type TargetGateway struct {
	Name string `yaml:"name"`
	// URL is the base URL, http or https, with no query; a path is a prefix.
	URL string `yaml:"url"`
	// Connect is a host and port to dial in the place of what the URL's host resolves
	// to; empty is no such thing.
	Connect string `yaml:"connect"`
	// ReplicaHeader names the response header that tells which replica behind a
	// balancer answered; empty is none.
	ReplicaHeader string `yaml:"replica_header"`
}

// Connection is how a target is reached. File names are relative to the target file.
type Connection struct {
	// CAFile holds the certificates to trust in the place of the system's, in PEM.
	CAFile string `yaml:"ca_file"`
	// CertFile and KeyFile are the client certificate, in PEM; empty is none.
	CertFile string `yaml:"cert_file"`
	KeyFile  string `yaml:"key_file"`
	// Insecure takes any certificate. It has an effect only where the command line
	// allows it, and is marked in the report.
	Insecure bool `yaml:"insecure"`
	// HTTP2 offers HTTP/2 over TLS; without it requests are HTTP/1.1.
	HTTP2 bool `yaml:"http2"`
	// Fresh makes a new connection for each request.
	Fresh bool `yaml:"fresh"`
	// Timeout bounds one request, from its send to its last byte.
	Timeout time.Duration `yaml:"timeout"`
}

// TargetAuthority is the authorization server, which is asked for tokens and to
// revoke them. Endpoints that are empty are discovered from the issuer (RFC 8414,
// or OpenID Connect Discovery).
type TargetAuthority struct {
	Issuer                string `yaml:"issuer"`
	TokenEndpoint         string `yaml:"token_endpoint"`
	IntrospectionEndpoint string `yaml:"introspection_endpoint"`
	RevocationEndpoint    string `yaml:"revocation_endpoint"`
	JWKSURI               string `yaml:"jwks_uri"`
	// Client is who asks.
	Client Client `yaml:"client"`
	// Scope is asked for, words apart by spaces (RFC 6749 section 3.3).
	Scope string `yaml:"scope"`
	// Parameters are sent with a token request besides, such as an audience.
	Parameters map[string]string `yaml:"parameters"`
	// TokenType is "opaque" or "jwt": what the access tokens are.
	TokenType string `yaml:"token_type"`
	// Issue is how tokens come to be; with none of its keys, by client credentials.
	Issue IssueBy `yaml:"issue"`
	// Revoke is how they are revoked; with neither of its calls, by RFC 7009.
	Revoke RevokeBy `yaml:"revoke"`
}

// How a client authenticates (RFC 7591 section 2, RFC 8705 section 2.1.1).
const (
	ClientSecretBasic = "client_secret_basic"
	ClientSecretPost  = "client_secret_post"
	PrivateKeyJWT     = "private_key_jwt"
	TLSClientAuth     = "tls_client_auth"
)

// Client is an OAuth client. Its secret is in an environment variable or in a file,
// never in the target file.
type Client struct {
	ID         string `yaml:"id"`
	SecretEnv  string `yaml:"secret_env"`
	SecretFile string `yaml:"secret_file"`
	// Auth is one of the four methods; empty means client_secret_basic.
	Auth string `yaml:"auth"`
	// KeyFile is the private key of private_key_jwt, in PEM or as a JWK, and KeyID its kid.
	KeyFile string `yaml:"key_file"`
	KeyID   string `yaml:"key_id"`
}

// IssueBy is how tokens come to be: one of three.
//
// In the URL, headers and body of a call "${NAME}" is an environment variable, looked
// up when the call is made.
type IssueBy struct {
	// HTTP is answered like a token request (RFC 6749 section 5.1); other text fields
	// of the answer can be used to revoke.
	HTTP *chaos.Call `yaml:"http"`
	// Command prints the same, or just a token.
	Command []string `yaml:"command"`
	// File has a line for each token: the same, or just a token.
	File string `yaml:"file"`
}

// What one revocation takes away.
const (
	KindToken   = "token"
	KindSession = "session"
	KindUser    = "user"
	KindClient  = "client"
)

// RevokeBy is how tokens are revoked: by one call or command for each.
//
// "{field}" is a field of the token that it is about: "{token}" itself, a text field
// of the answer that issued it, or a claim of a JWT. "{token}", and what else ends in
// "token", may stand in headers and body, but neither in a URL nor in arguments, which
// logs and process lists show. In a call "${NAME}" is an environment variable.
type RevokeBy struct {
	// Kind is what one revocation takes away: "token", "session", "user" or "client".
	Kind string      `yaml:"kind"`
	HTTP *chaos.Call `yaml:"http"`
	// Command is run with the token in the environment variable TOKENDRILL_TOKEN;
	// other fields of the token may stand as "{field}" in its arguments.
	Command []string `yaml:"command"`
}

// Probe is the request that carries the tokens.
type Probe struct {
	Method string `yaml:"method"`
	Path   string `yaml:"path"`
	// Control is a path of the same gateways that asks for no token and costs the same
	// otherwise; empty is none. What the probe takes longer is the check.
	Control string `yaml:"control"`
}

// Verdict says what an answer means for the token. Reject is looked at first; what
// no rule takes decides nothing: it is an outage.
type Verdict struct {
	Accept []Rule `yaml:"accept"`
	Reject []Rule `yaml:"reject"`
}

// Rule matches answers by all that it names: written as a status, such as 401 or
// "4xx", or as keys.
type Rule struct {
	// Status is a status, or a class such as "2xx"; empty is any.
	Status StatusRange `yaml:"status"`
	// Header maps names to regular expressions that the value must match.
	Header map[string]string `yaml:"header"`
	// ContentType is a media type, without parameters.
	ContentType string `yaml:"content_type"`
	// Body is a regular expression that the first 64 KiB of the body must match.
	Body string `yaml:"body"`

	// What Header and Body say, once it has been parsed.
	headers map[string]*regexp.Regexp
	body    *regexp.Regexp
}

// StatusRange is an HTTP status, such as "401", or a class of them, such as "2xx".
type StatusRange string

// TargetFault is one way to break and mend the system: by two commands, or by two calls.
type TargetFault struct {
	// Name is what it is called on the command line, in scenarios and in reports.
	Name string `yaml:"name"`
	// Inject and Heal are commands with their arguments, run without a shell.
	Inject []string `yaml:"inject"`
	Heal   []string `yaml:"heal"`
	// InjectCall and HealCall are HTTP requests.
	InjectCall *chaos.Call `yaml:"inject_call"`
	HealCall   *chaos.Call `yaml:"heal_call"`
}

// Limits bound what a run does to the target.
type Limits struct {
	// Rate caps everything that is sent to the target in any second.
	Rate Rate `yaml:"rate"`
	// Tokens is the most tokens that are issued.
	Tokens int `yaml:"tokens"`
	// Duration is how long a run may last, besides issuing tokens.
	Duration time.Duration `yaml:"duration"`
}

// Callers is how many different tokens the traffic may carry: an eighth of all, at
// most 64.
func (l Limits) Callers() int { return max(1, min(64, l.Tokens/8)) }
