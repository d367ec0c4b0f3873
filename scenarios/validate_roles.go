package scenarios

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/tokendrill/tokendrill/chaos"
)

// roleUpstream is what the gateways protect. No fault acts on it.
const roleUpstream = "upstream"

var (
	// replaceable are the roles that other people's software can take over.
	replaceable = []string{chaos.RoleRegistry, chaos.RoleCDN, roleUpstream}
	// measured are those that are measured: one of the user's own is a target.
	measured = []string{chaos.RoleAuthority, chaos.RoleGateway, chaos.RoleOrigin}
	// hopsOf are the links that begin in a role that can be replaced: there is nothing
	// of ours at their end that could be told to break or to delay.
	hopsOf = map[string]string{"cdn-authority": chaos.RoleCDN}
)

// How the parts of an image are written; the schema for editors says the same.
var (
	imageForm    = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9._:/@-]{0,254}$`)
	filePathForm = regexp.MustCompile(`^(/[^/\x00-\x1f]+)+$`)
	envForm      = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	placeholder  = regexp.MustCompile(`\$\{[^}]*\}?`)
)

// authorityPlaceholder stands in a config for the base URL of the authority.
const authorityPlaceholder = "${AUTHORITY}"

// Caps on what an image is given.
const (
	maxFiles = 32
	maxWords = 64
	maxPath  = 200
	maxText  = 32 << 10 // bytes of one file, variable or word
)

// roles checks what replaces the roles of the stage.
func (r *review) roles() {
	for name, img := range r.Roles {
		at := "roles." + name
		if slices.Contains(measured, name) {
			r.must(false, at, "%s cannot be an image: a gateway or authority of your own is a target file: tokendrill init; expected %s", at, oneOf(replaceable))
			continue
		}
		r.choice(name, replaceable, at)
		r.must(img.Image != "", at+".image", "%s.image is missing; expected an image that the Docker engine has or can pull, such as nats:2.12", at)
		r.must(img.Image == "" || imageForm.MatchString(img.Image), at+".image", "%s.image is %s; expected a reference such as nats:2.12 or registry.example/cdn:1", at, quote(img.Image))
		between(r, img.Port, 0, 65535, at+".port")
		r.command(img.Command, at+".command")
		r.config(img.Config, at+".config")
		r.env(img.Env, at+".env")
	}
}

func (r *review) command(argv []string, at string) {
	r.must(len(argv) == 0 || argv[0] != "", at, "%s names no program; expected one, and its arguments", at)
	r.must(len(argv) <= maxWords, at, "%s has %d words; expected at most %d", at, len(argv), maxWords)
	for _, word := range argv {
		r.plain(word, at)
	}
}

func (r *review) config(files map[string]string, at string) {
	r.must(len(files) <= maxFiles, at, "%s has %d files; expected at most %d", at, len(files), maxFiles)
	for name, text := range files {
		file := at + "." + name
		r.must(filePathForm.MatchString(name) && path.Clean(name) == name && len(name) <= maxPath, file,
			"%s has a file %s; expected its absolute path in the container, without \"..\", such as /etc/nginx/nginx.conf", at, quote(name))
		r.bounded(text, file)
		for _, found := range placeholder.FindAllString(text, -1) {
			r.must(found == authorityPlaceholder, file, "%s has %s in it; expected no placeholder but %s: write variables of the software without braces", file, quote(found), authorityPlaceholder)
		}
	}
}

func (r *review) env(vars map[string]string, at string) {
	r.must(len(vars) <= maxFiles, at, "%s has %d variables; expected at most %d", at, len(vars), maxFiles)
	for name, value := range vars {
		r.must(envForm.MatchString(name), at+"."+name, "%s has a variable %s; expected letters, digits and \"_\"", at, quote(name))
		r.plain(value, at+"."+name)
	}
}

// plain notes a mistake about text in which no placeholder is filled in.
func (r *review) plain(text, at string) {
	r.bounded(text, at)
	r.must(!strings.Contains(text, authorityPlaceholder), at, "%s has %s in it; expected it in a file of config only", at, authorityPlaceholder)
}

func (r *review) bounded(text, at string) {
	r.must(len(text) <= maxText && !strings.Contains(text, "\x00"), at, "%s has %d bytes; expected plain text of at most %d", at, len(text), maxText)
}

// ourHop notes a mistake about a link that begins in other people's software.
func (r *review) ourHop(link, at string) {
	role, ok := hopsOf[link]
	_, replaced := r.Roles[role]
	r.must(!ok || !replaced, at, "%s: %s begins in roles.%s, which is an image; expected another link, or no such role", at, link, role)
}

// ourNode notes a mistake about a fault that tells other people's software to do
// something. A restart is one of its container.
func (r *review) ourNode(f Fault, at string) {
	_, replaced := r.Roles[f.Node]
	r.must(!replaced || f.Name == nodeRestart, at, "%s: %s cannot tell roles.%s anything, which is an image; expected %s or a fault of containers, or no such role", at, f.Name, f.Node, nodeRestart)
}

const nodeRestart = "node.restart"

// carriers are the roles in whose processes a link is, those of the sender aside.
var carriers = map[string][]string{
	"gateway-authority":  {chaos.RoleGateway},
	"gateway-registry":   {chaos.RoleGateway, chaos.RoleOrigin},
	"gateway-cdn":        {chaos.RoleGateway, chaos.RoleOrigin},
	"gateway-upstream":   {chaos.RoleGateway, chaos.RoleOrigin},
	"edge-origin":        {chaos.RoleGateway},
	"cdn-authority":      {chaos.RoleCDN},
	"authority-registry": {chaos.RoleAuthority},
}

// stoppers are the faults that stop the process of a role.
var stoppers = []string{"container.pause", "container.kill"}

// stopped reports whether f begins or ends in a process that g stops meanwhile, so
// that nobody could be told of it.
func (f Fault) stopped(g Fault) bool {
	if !slices.Contains(stoppers, g.Name) || !f.meets(g) {
		return false
	}
	return f.Node == g.Node || slices.Contains(carriers[f.Link], g.Node)
}
