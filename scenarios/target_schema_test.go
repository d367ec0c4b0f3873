package scenarios

import (
	"testing"

	"github.com/invopop/jsonschema"

	"github.com/tokendrill/tokendrill/chaos"
)

func TestTargetSchemaIsMadeFromTheTypes(t *testing.T) {
	s, field := reflected(t, Target{}, "tokendrill target")
	for typ, required := range map[string][]string{
		"Target": {"name", "bound", "gateways", "authority", "probe"}, "TargetGateway": {"name", "url"},
		"Client": {"id"}, "Probe": {"path"}, "TargetFault": {"name"},
	} {
		s.Definitions[typ].Required = required
	}
	one, most := uint64(1), uint64(maxGateways)
	field("Target", "gateways").MinItems, field("Target", "gateways").MaxItems = &one, &most
	field("Verdict", "accept").MinItems, field("Verdict", "reject").MinItems = &one, &one
	for name, form := range map[[2]string]string{
		{"Target", "name"}: nameForm.String(), {"TargetGateway", "name"}: nameForm.String(), {"TargetGateway", "url"}: `^https?://[^\s?#]+$`,
		{"TargetGateway", "replica_header"}: headerForm.String(), {"Client", "secret_env"}: variableForm.String(),
		{"Probe", "path"}: pathForm.String(), {"Probe", "control"}: pathForm.String(), {"TargetFault", "name"}: faultForm.String(),
	} {
		field(name[0], name[1]).Pattern = form
	}
	for _, name := range []string{"issuer", "token_endpoint", "introspection_endpoint", "revocation_endpoint", "jwks_uri"} {
		field("TargetAuthority", name).Pattern = `^https?://[^\s#]+$`
	}
	for name, names := range map[[2]string][]string{
		{"TargetAuthority", "token_type"}: tokenTypes, {"Client", "auth"}: authWays, {"RevokeBy", "kind"}: kinds,
		{"Probe", "method"}: probeMethods, {"Call", "method"}: chaos.CallMethods(),
	} {
		field(name[0], name[1]).Enum = enum(names)
	}
	keptIn(t, "target.schema.json", &targetSchema, s)
}

func statusSchema() *jsonschema.Schema {
	return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{
		{Type: "string", Pattern: statusForm.String()}, {Type: "integer", Minimum: "100", Maximum: "599"},
	}}
}

// ruleSchema is of a rule, which is a status or keys.
func ruleSchema() *jsonschema.Schema {
	text := &jsonschema.Schema{Type: "string"}
	keys := jsonschema.NewProperties()
	keys.Set("status", statusSchema())
	keys.Set("header", &jsonschema.Schema{Type: "object", AdditionalProperties: text, PropertyNames: &jsonschema.Schema{Pattern: headerForm.String()}})
	keys.Set("content_type", &jsonschema.Schema{Type: "string", Pattern: mediaForm.String()})
	keys.Set("body", text)
	one := uint64(1)
	return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{
		statusSchema(), {Type: "object", Properties: keys, AdditionalProperties: jsonschema.FalseSchema, MinProperties: &one},
	}}
}
