package scenarios

import "github.com/tokendrill/tokendrill/chaos"

// The hops between roles, in the order in which a request meets them. Those of a
// gateway are there once for each gateway of the patterns that have them.
var links = []string{
	"client-gateway", "gateway-authority", "gateway-registry", "gateway-cdn",
	"cdn-authority", "authority-registry", "gateway-upstream", "edge-origin",
}

// roles are the nodes of a stage.
var roles = []string{chaos.RoleGateway, chaos.RoleOrigin, chaos.RoleAuthority, chaos.RoleCDN, chaos.RoleRegistry}

// owners are the patterns whose gateways have a link or a role. One that is not
// here stands once, for all patterns.
var owners = map[string][]string{
	"client-gateway":    patterns,
	"gateway-authority": {Cache, Remote, Hybrid},
	"gateway-registry":  {Registry, Hybrid},
	"gateway-cdn":       patterns,
	"gateway-upstream":  patterns,
	"edge-origin":       {Hybrid},
	chaos.RoleGateway:   patterns,
	chaos.RoleOrigin:    {Hybrid},
}
