package scenarios

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// badRoles are images and faults of containers that are refused before anything starts.
var badRoles = []mistake{
	{"an unknown role", least + "roles:\n  proxy: {image: a}\n", `f:4: roles.proxy "proxy" is not known; expected one of registry, cdn, upstream`, true},
	{"an authority that is an image", least + "roles:\n  authority:\n    image: keycloak\n", "f:5: roles.authority cannot be an image: a gateway or authority of your own is a target file: tokendrill init; expected one of registry, cdn, upstream", true},
	{"a gateway that is an image", least + "roles: {gateway: {image: envoy}}\n", "f:3: roles.gateway cannot be an image: a gateway or authority of your own is a target file: tokendrill init", true},
	{"an origin that is an image", least + "roles: {origin: {image: envoy}}\n", "f:3: roles.origin cannot be an image", true},
	{"a role without its image", least + "roles:\n  cdn:\n    port: 80\n", "f:5: roles.cdn.image is missing; expected an image that the Docker engine has or can pull, such as nats:2.12", true},
	{"an image that is a command", least + "roles:\n  cdn:\n    image: docker run nginx\n", `f:5: roles.cdn.image is "docker run nginx"; expected a reference such as nats:2.12`, true},
	{"an image that is an option", least + "roles: {cdn: {image: --privileged}}\n", `f:3: roles.cdn.image is "--privileged"; expected a reference`, true},
	{"an unknown key of a role", least + "roles:\n  cdn:\n    image: a\n    volumes: [/]\n", `f:6: unknown key "volumes"; expected one of image, command, port, config, env`, true},
	{"a port that there is not", least + "roles:\n  cdn:\n    image: a\n    port: 65536\n", "f:6: roles.cdn.port is 65536; expected 0 to 65535", false},
	{"a negative port", least + "roles: {cdn: {image: a, port: -1}}\n", "f:3: roles.cdn.port is -1; expected 0 to 65535", false},
	{"a command without a program", least + "roles: {cdn: {image: a, command: ['']}}\n", "f:3: roles.cdn.command names no program; expected one, and its arguments", false},
	{"a command of many words", least + "roles: {cdn: {image: a, command: [" + strings.Repeat("a,", 65) + "]}}\n", "f:3: roles.cdn.command has 65 words; expected at most 64", false},
	{"a command with a placeholder", least + "roles: {cdn: {image: a, command: [x, '${AUTHORITY}']}}\n", "f:3: roles.cdn.command has ${AUTHORITY} in it; expected it in a file of config only", false},
	{"a file by its name alone", least + "roles:\n  cdn:\n    image: a\n    config:\n      nginx.conf: x\n", `f:7: roles.cdn.config has a file "nginx.conf"; expected its absolute path in the container, without "..", such as /etc/nginx/nginx.conf`, true},
	{"a file that climbs", least + "roles:\n  cdn:\n    image: a\n    config:\n      /etc/../bin/sh: x\n", `f:7: roles.cdn.config has a file "/etc/../bin/sh"; expected its absolute path`, false},
	{"a file that is a folder", least + "roles: {cdn: {image: a, config: {/etc/: x}}}\n", `f:3: roles.cdn.config has a file "/etc/"`, true},
	{"the root as a file", least + "roles: {cdn: {image: a, config: {/: x}}}\n", `f:3: roles.cdn.config has a file "/"`, true},
	{"a large file", least + "roles:\n  cdn:\n    image: a\n    config:\n      /a: " + strings.Repeat("x", 32<<10+1) + "\n", "f:7: roles.cdn.config./a has 32769 bytes; expected plain text of at most 32768", false},
	{"another placeholder", least + "roles:\n  cdn:\n    image: a\n    config:\n      /a: |\n        proxy_pass ${AUTHORITY};\n        set $x ${REGISTRY};\n", `f:7: roles.cdn.config./a has "${REGISTRY}" in it; expected no placeholder but ${AUTHORITY}: write variables of the software without braces`, false},
	{"a placeholder that does not end", least + "roles: {cdn: {image: a, config: {/a: '${AUTHORITY'}}}\n", `f:3: roles.cdn.config./a has "${AUTHORITY" in it`, false},
	{"a variable with a space", least + "roles:\n  cdn:\n    image: a\n    env:\n      A B: x\n", `f:7: roles.cdn.env has a variable "A B"; expected letters, digits and "_"`, true},
	{"a variable with a placeholder", least + "roles: {cdn: {image: a, env: {A: 'x${AUTHORITY}'}}}\n", "f:3: roles.cdn.env.A has ${AUTHORITY} in it; expected it in a file of config only", false},
	{"a variable that is a number", least + "roles: {cdn: {image: a, env: {PORT: 80}}}\n", `f:3: roles.cdn.env.PORT is "80"; expected text`, true},

	{"a fault of a hop that is an image's", least + "roles: {cdn: {image: a}}\nfaults:\n  - name: link.cut\n    link: cdn-authority\n    for: 1s\n", "f:6: faults[0].link: cdn-authority begins in roles.cdn, which is an image; expected another link, or no such role", false},
	{"a delay on a hop that is an image's", least + "roles: {cdn: {image: a}}\nlinks:\n  gateway-cdn: 5ms\n  cdn-authority: 5ms\n", "f:6: links.cdn-authority: cdn-authority begins in roles.cdn, which is an image", false},
	{"an image that is told to flush", least + "roles: {cdn: {image: a}}\nfaults:\n  - name: cache.flush\n    node: cdn\n    for: 1s\n", "f:6: faults[0].node: cache.flush cannot tell roles.cdn anything, which is an image; expected node.restart or a fault of containers, or no such role", false},

	{"a container on a link", least + "faults: [{name: container.pause, node: gateway, link: gateway-cdn, for: 1s}]\n", "f:3: faults[0].link is set, but container.pause acts on no link; expected node", false},
	{"a container of no role", least + "faults: [{name: container.pause, for: 1s}]\n", `f:3: faults[0].node "" is not known; expected one of gateway, origin, registry, cdn, authority`, false},
	{"the authority killed", least + "faults: [{name: container.kill, node: authority, for: 2s}]\n", `f:3: faults[0].node "authority" is not what container.kill can act on; expected one of gateway, origin, registry, cdn`, false},
	{"a pause that is over before it is there", least + "faults:\n  - name: container.pause\n    node: gateway\n    for: 900ms\n", "f:6: faults[0].for is 900ms; expected 1s to 1h0m0s", false},
	{"a kill that is over before it is there", least + "faults:\n  - name: container.kill\n    node: gateway\n    for: 1s\n", "f:6: faults[0].for is 1s; expected 2s to 1h0m0s", false},
	{"a limit of no CPUs", least + "faults:\n  - name: container.cpu\n    node: gateway\n    for: 1s\n", "f:4: faults[0].cpus is 0; expected 0.01 to 64", false},
	{"a limit of too few CPUs", least + "faults: [{name: container.cpu, node: gateway, cpus: 0.001, for: 1s}]\n", "f:3: faults[0].cpus is 0.001; expected 0.01 to 64", false},
	{"a limit of memory without its unit", least + "faults: [{name: container.memory, node: gateway, memory: 48, for: 1s}]\n", `f:3: faults[0].memory is "48"; expected a size such as 48MiB`, true},
	{"a limit of memory in another unit", least + "faults: [{name: container.memory, node: gateway, memory: 48MB, for: 1s}]\n", `f:3: faults[0].memory is "48MB"; expected a size such as 48MiB`, true},
	{"a limit in which nothing runs", least + "faults: [{name: container.memory, node: gateway, memory: 5MiB, for: 1s}]\n", "f:3: faults[0].memory is 5MiB; expected 6MiB to 64GiB", false},
	{"a clock set in a container that is frozen", least + "faults:\n  - {name: container.pause, node: gateway, gateway: gw-1, at: 1s, for: 3s}\n  - {name: clock.skew, node: gateway, offset: 5s, at: 2s, for: 1s}\n", "f:5: faults[1] and faults[0] are in force together, and one of them stops what carries the other; expected one after the other", false},
	{"a container that is killed with a link cut in it", least + "faults:\n  - {name: link.cut, link: gateway-registry, for: 4s}\n  - {name: container.kill, node: origin, at: 1s, for: 2s}\n", "f:5: faults[1] and faults[0] are in force together", false},
	{"a container paused and killed", least + "faults:\n  - {name: container.pause, node: registry, for: 4s}\n  - {name: container.kill, node: registry, at: 1s, for: 2s}\n", "f:5: faults[1] and faults[0] are in force together", false},
	{"a container with two limits of one kind", least + "faults:\n  - {name: container.cpu, node: registry, cpus: 1, for: 4s}\n  - {name: container.cpu, node: registry, cpus: 2, for: 2s}\n", "f:5: faults[1] contradicts faults[0], which acts on the same registry at the same time", false},
}

func TestRolesThatAreImagesAreReadWhole(t *testing.T) {
	const text = `roles:
  registry: {image: "nats:2.12", command: [nats-server, -c, /etc/nats.conf], port: 4333}
  cdn:
    image: registry.example:5000/library/nginx@sha256:0123456789abcdef
    config:
      /etc/nginx/nginx.conf: |
        proxy_pass ${AUTHORITY}; # for $host
    env: {TZ: UTC}
  upstream: {image: echo}
faults:
  - {name: node.restart, node: registry, for: 1s}
  - {name: container.kill, node: registry, at: 2s, for: 2s}
  - {name: container.pause, node: cdn, for: 2s}
  - {name: link.delay, link: gateway-cdn, delay: 5ms, for: 2s}
  - {name: container.cpu, node: gateway, gateway: gw-1, cpus: 0.5, for: 3s}
  - {name: container.memory, node: gateway, gateway: gw-1, memory: 48MiB, at: 1s, for: 3s}
`
	require.NoError(t, editor(t, []byte(least+text)))
	s, err := Parse([]byte(least+text), "f")
	require.NoError(t, err)
	assert.Equal(t, map[string]RoleImage{
		"registry": {Image: "nats:2.12", Command: []string{"nats-server", "-c", "/etc/nats.conf"}, Port: 4333},
		"cdn": {Image: "registry.example:5000/library/nginx@sha256:0123456789abcdef", Env: map[string]string{"TZ": "UTC"},
			Config: map[string]string{"/etc/nginx/nginx.conf": "proxy_pass ${AUTHORITY}; # for $host"}},
		"upstream": {Image: "echo"},
	}, s.Roles)
	assert.Equal(t, "cpus 0.5", s.Faults[4].Given())
	assert.Equal(t, "memory 48MiB", s.Faults[5].Given())
	assert.EqualValues(t, 48<<20, s.Faults[5].Params().Memory)
	assert.InDelta(t, 0.5, s.Faults[4].Params().CPUs, 0)
}

// A verdict is of the design of an image's neighbours: nothing of it is narrower.
func TestFaultsBesideAContainerThatStopsAreFine(t *testing.T) {
	for name, second := range map[string]string{
		"at another gateway":       "{name: clock.skew, node: gateway, gateway: gw-2, offset: 5s, at: 2s, for: 1s}",
		"afterwards":               "{name: clock.skew, node: gateway, gateway: gw-1, offset: 5s, at: 4s, for: 1s}",
		"on the hop of the sender": "{name: link.cut, link: client-gateway, gateway: gw-1, at: 2s, for: 1s}",
		"of a peer":                "{name: container.pause, node: registry, at: 2s, for: 1s}",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(least+"faults:\n  - {name: container.pause, node: gateway, gateway: gw-1, at: 1s, for: 3s}\n  - "+second+"\n"), "f")
			require.NoError(t, err)
		})
	}
}
