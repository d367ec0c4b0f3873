package scenarios

// GatewayFacts are what is known of how a common gateway keeps decisions about tokens,
// from its documentation and source.
type GatewayFacts struct {
	// Name is what the command line calls it, and Title what it is, with the part of
	// it that checks tokens.
	Name, Title string
	// Keeps says in a sentence what is cached, and for how long by default.
	Keeps string
	// Knobs are the settings that bear on it.
	Knobs []Knob
	// Traps are the ways to keep a decision for longer than one thinks.
	Traps []string
	// Bound says how to find the bound of a target file.
	Bound string
	// Target is a part of a target file that goes with the knobs.
	Target string
	// Source is where this comes from, and AsOf the month for which it is known.
	Source, AsOf string
	// Measured is the document that shows it measured; empty is none: it was not run.
	Measured string
}

// Knob is a setting of a gateway.
type Knob struct{ Name, Default, Says string }

// KnownGateways lists the gateways, in alphabetical order.
func KnownGateways() []GatewayFacts {
	return []GatewayFacts{apisix(), envoy(), istio(), kong(), modAuthOpenIDC(), modOAuth2(), nginx(), oathkeeper(), traefik()}
}

// FindGateway returns the facts about the gateway of that name.
func FindGateway(name string) (GatewayFacts, bool) {
	for _, g := range KnownGateways() {
		if g.Name == name {
			return g, true
		}
	}
	return GatewayFacts{}, false
}

func apisix() GatewayFacts {
	return GatewayFacts{
		Name: "apisix", Title: "Apache APISIX, plugin openid-connect (lua-resty-openidc)",
		Keeps: "Keeps the answer of the introspection endpoint until the token's exp, by default.",
		Knobs: []Knob{
			{"introspection_interval", "0, until exp", "seconds for which an answer is kept"},
			{"introspection_expiry_claim", "exp", "the member of the answer that says when the token ends"},
			{"introspection_cache_ignore", "false", "ask every time"},
			{"introspection_enable_negative_cache", "false", "keep active: false as well, if the answer has an exp"},
			{"jwk_expires_in", "86400", "seconds for which keys are kept"},
		},
		Traps: []string{
			"With the default a revoked token goes on working for the rest of its life.",
			"A hit is not checked against exp again: the entry ends with it, but not before.",
			"JWTs that are verified by key are never asked about; the result is cached too, for 120 s without an exp.",
			"The negative cache is an invitation to fill it with bad tokens (lua-resty-openidc PR 523).",
		},
		Bound:  "introspection_interval and a second; without it the life of a token.",
		Target: "bound: 11s # introspection_interval: 10\n",
		Source: "apache/apisix, zmartzone/lua-resty-openidc, read in source", AsOf: "2026-08",
	}
}

func envoy() GatewayFacts {
	return GatewayFacts{
		Name: "envoy", Title: "Envoy, filters ext_authz and jwt_authn",
		Keeps: "ext_authz keeps nothing and asks its service every time; jwt_authn keeps keys, and JWTs that it has verified, and asks nobody about revocation.",
		Knobs: []Knob{
			{"ext_authz timeout", "200ms", "of the call to the service"},
			{"failure_mode_allow", "false", "let requests in when the service fails"},
			{"status_on_error", "403", "what a request gets when the service fails"},
			{"remote_jwks.cache_duration", "10m", "how long keys are kept"},
			{"clock_skew_seconds", "60", "how long after exp a JWT is still taken"},
			{"jwt_cache_config.jwt_cache_size", "100", "how many verified JWTs are kept"},
		},
		Traps: []string{
			"status_on_error is 403, which looks like a refused token: an outage of the service would pass for a perfect revocation. Set it to 503, or leave 403 out of verdict.reject.",
			"failure_mode_allow lets everybody in while the service is down, revoked tokens too.",
			"With jwt_authn alone a revoked JWT works until exp and a minute; iss and aud are not checked unless they are set.",
		},
		Bound:  "That of the service that ext_authz asks; with jwt_authn alone the life of a token and clock_skew_seconds.",
		Target: "bound: 5s # of the service that ext_authz asks\nverdict: {reject: [401]} # 403 is also what status_on_error says by default\n",
		Source: "envoyproxy/envoy, ext_authz.proto and jwt_authn config.proto, read in source", AsOf: "2026-11",
	}
}

func istio() GatewayFacts {
	return GatewayFacts{
		Name: "istio", Title: "Istio, RequestAuthentication",
		Keeps: "Keeps keys and verifies JWTs with them by Envoy's jwt_authn; it asks nobody about revocation.",
		Knobs: []Knob{
			{"PILOT_JWT_PUB_KEY_REFRESH_INTERVAL", "20m", "how often istiod fetches keys"},
			{"AuthorizationPolicy, action CUSTOM", "none", "asks a service of yours by ext_authz, where revocation can be checked"},
		},
		Traps: []string{
			"A request without a token is let in, unless an AuthorizationPolicy asks for a principal: target check sees that.",
			"A revoked JWT works until exp and Envoy's minute of clock skew.",
			"A key that was taken back is trusted until the next refresh; while keys cannot be fetched, a made-up key may refuse every JWT (istio PR 25934, #37456).",
			"Two threads of one proxy may disagree for about 5 s after a new key (istio #51581).",
		},
		Bound:  "The life of a token and a minute; with a CUSTOM policy that of the service it asks.",
		Target: "bound: 6m # tokens live 5 minutes, and jwt_authn takes them a minute longer\nlimits: {duration: 30m}\n",
		Source: "istio.io/latest/docs/reference/config/security/request_authentication, istio release note 30014, the issues named", AsOf: "2026-11",
	}
}

func kong() GatewayFacts {
	return GatewayFacts{
		Name: "kong", Title: "Kong Gateway, plugin openid-connect",
		Keeps: "Keeps introspection results until the token expires, an hour if it does not say when.",
		Knobs: []Knob{
			{"config.cache_introspection", "true", "keep introspection results"},
			{"config.introspect_jwt_tokens", "false", "introspect JWTs as well, which are only verified otherwise"},
			{"config.cache_ttl", "3600", "seconds, where the token does not say"},
			{"config.cache_ttl_max", "none", "the longest that anything is kept"},
			{"config.cache_ttl_neg", "Kong's own", "for how long a failure is kept"},
			{"config.cache_ttl_resurrect", "Kong's own", "for how long an old result is served when no new one can be had"},
		},
		Traps: []string{
			"By default a revoked token works until it expires: for an answer each time set introspect_jwt_tokens and switch cache_introspection off.",
			"cache_ttl is not the cap that it looks like: a token with an exp is kept until exp. cache_ttl_max is.",
			"cache_ttl_resurrect serves an old yes while the authorization server is down.",
		},
		Bound:  "cache_ttl_max and a second; a second with cache_introspection off; the life of a token otherwise.",
		Target: "bound: 31s # cache_ttl_max: 30\n",
		Source: "developer.konghq.com/support/openid-connect-plugin-continuing-to-process-revoked-tokens, the plugin's reference", AsOf: "2026-11",
	}
}

func modAuthOpenIDC() GatewayFacts {
	return GatewayFacts{
		Name: "mod_auth_openidc", Title: "Apache httpd with mod_auth_openidc as an OAuth 2.0 resource server",
		Keeps: "Keeps the answer of the introspection endpoint until the token's exp, by default.",
		Knobs: []Knob{
			{"OIDCOAuthTokenIntrospectionInterval", "0, until exp", "seconds for which an answer is kept; -1 keeps none"},
			{"OIDCOAuthVerifyJwksUri", "none", "verify JWTs by these keys, and introspect none"},
			{"OIDCJWKSRefreshInterval", "3600", "seconds for which keys are kept"},
		},
		Traps: []string{
			"With the default a revoked token goes on working for the rest of its life.",
			"An answer without the member active is taken for a yes that lasts until its expiry claim.",
			"JWTs that are verified by key are never asked about. Before the fix of GHSA-wcvh-g65p-v576 they needed neither aud nor exp.",
		},
		Bound:  "OIDCOAuthTokenIntrospectionInterval and a second, or a second with -1; the life of a token by default.",
		Target: "bound: 11s # OIDCOAuthTokenIntrospectionInterval 10\n",
		Source: "OpenIDC/mod_auth_openidc, auth_openidc.conf and ChangeLog, read in source", AsOf: "2026-08",
	}
}

func modOAuth2() GatewayFacts {
	return GatewayFacts{
		Name: "mod_oauth2", Title: "Apache httpd with mod_oauth2 (liboauth2)",
		Keeps: "Keeps each answer of the introspection endpoint for expiry seconds, 300 by default.",
		Knobs: []Knob{
			{"expiry, of OAuth2TokenVerify introspect", "300", "seconds for which an answer is kept"},
			{"entries of the shm cache", "1000", "how many answers are kept"},
		},
		Traps: []string{
			"Without expiry a revoked token works for another five minutes.",
			"The cache is in shared memory: the servers of a fleet refuse at different times.",
			"The time of an entry has nothing to do with the token's exp, which is checked again on a hit.",
		},
		Bound:  "expiry and a second.",
		Target: "bound: 6s # OAuth2TokenVerify introspect … &expiry=5\n",
		Source: "OpenIDC/liboauth2, read in source", AsOf: "2026-08", Measured: "docs/targets/apache.md",
	}
}

func nginx() GatewayFacts {
	return GatewayFacts{
		Name: "nginx", Title: "NGINX, auth_request with an introspection subrequest",
		Keeps: "Keeps what proxy_cache or, in NGINX Plus, keyval is told to; auth_jwt of NGINX Plus verifies JWTs and asks nobody.",
		Knobs: []Knob{
			{"proxy_cache_valid", "none; 10s in the published example", "for how long an answer is kept"},
			{"proxy_cache_use_stale", "off; error timeout in the published example", "when an old answer is served all the same"},
			{"proxy_cache_lock", "off; on in the published example", "one request at a time asks for a new answer"},
			{"proxy_ignore_headers", "none; Cache-Control in the published example", "keep what the authorization server says not to keep"},
			{"keyval_zone timeout", "1m in the published example", "the same for NGINX Plus"},
		},
		Traps: []string{
			"proxy_cache_use_stale error timeout lets every token in that was good before, for as long as the authorization server is away: fail open, and revoked tokens with the rest.",
			"The answer is kept regardless of the token's exp, and so is active: false.",
			"In the example for NGINX Plus the token goes unescaped into the body of the request, and \"active\": \"false\" counts as a yes.",
		},
		Bound:  "proxy_cache_valid and a second; without an end during an outage, with proxy_cache_use_stale.",
		Target: "bound: 11s # proxy_cache_valid 200 10s\n",
		Source: "nginxinc/NGINX-Demos oauth2-token-introspection-oss and -plus, read in source", AsOf: "2026-11", Measured: "docs/targets/nginx.md",
	}
}

func oathkeeper() GatewayFacts {
	return GatewayFacts{
		Name: "oathkeeper", Title: "Ory Oathkeeper, authenticator oauth2_introspection",
		Keeps: "Keeps nothing by default; with the cache on and no ttl, a token's answer until its exp.",
		Knobs: []Knob{
			{"cache.enabled", "false", "keep answers"},
			{"cache.ttl", "none: no end", "for how long; exp is checked on every hit"},
			{"cache.max_cost", "100000000", "how much is kept"},
			{"retry.give_up_after", "1s", "how long the authorization server is asked again"},
			{"retry.max_delay", "500ms", "the longest pause between two tries"},
		},
		Traps: []string{
			"cache.enabled without cache.ttl keeps a revoked token alive until exp, and one without exp for good.",
			"A version that takes a hit for a use re-inserts the entry: polling keeps a revoked token alive (PR 968).",
			"A hit skipped the check of scopes before the fix of CVE-2021-32701, and the issuer before that of GHSA-4mq7-pvjg-xp2r (2026-03).",
			"Any answer but 200 is an error; before 2026-03 a 429 of the authorization server became a 401, which looks like a refused token.",
		},
		Bound:  "A second with the cache off; cache.ttl and a second with it on.",
		Target: "bound: 31s # cache: {enabled: true, ttl: 30s}\n",
		Source: "ory/oathkeeper authenticator_oauth2_introspection.go, read in source; the advisories named", AsOf: "2026-07",
	}
}

func traefik() GatewayFacts {
	return GatewayFacts{
		Name: "traefik", Title: "Traefik Proxy, middleware forwardAuth; Traefik Hub, OAuth 2.0 token introspection",
		Keeps: "Keeps nothing that its references tell of: forwardAuth asks its service for every request, Hub the introspection endpoint.",
		Knobs: []Knob{
			{"forwardAuth.address", "required", "the service that decides, whose cache is the one that counts"},
			{"oAuthIntrospection.clientConfig.url", "required", "the introspection endpoint that Hub asks; its reference has no option for a cache"},
		},
		Traps: []string{
			"Whatever the service answers besides 2xx goes to the caller: a redirect to a login page is a refusal that target check points out, to be put into verdict.reject.",
			"A service that answers 401 when it cannot ask makes an outage look like a revocation.",
		},
		Bound:  "That of the service that forwardAuth asks; a second with Hub.",
		Target: "bound: 5s # of the service that forwardAuth asks\nverdict: {reject: [401, 403, {status: 302, header: {Location: \"/login\"}}]}\n",
		Source: "doc.traefik.io: the references of forwardAuth and of Hub's middleware for OAuth 2.0 token introspection", AsOf: "2026-11",
	}
}
