package scenarios

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/invopop/jsonschema"
	validator "github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokendrill/tokendrill/chaos"
	"github.com/tokendrill/tokendrill/fixtures/token"
)

// The schema for editors is made from the Go types and their comments.
func TestSchemaIsMadeFromTheTypes(t *testing.T) {
	keptIn(t, "schema.json", &schema, scenarioSchema(t))
}

// keptIn compares a schema with the file that holds it.
func keptIn(t *testing.T, file string, kept *[]byte, s *jsonschema.Schema) {
	made, err := json.MarshalIndent(s, "", "  ")
	require.NoError(t, err)
	made = append(made, '\n')
	if *update {
		require.NoError(t, os.WriteFile(file, made, 0o644))
		*kept = made
	}
	require.Equal(t, string(*kept), string(made), "run: go test ./scenarios -run Schema -update")
}

// reflected is the schema of a type, and a way to its fields.
func reflected(t *testing.T, v any, title string) (s *jsonschema.Schema, field func(typ, name string) *jsonschema.Schema) {
	r := &jsonschema.Reflector{FieldNameTag: "yaml", RequiredFromJSONSchemaTags: true, Mapper: scalarSchema, Anonymous: true}
	require.NoError(t, r.AddGoComments("github.com/tokendrill/tokendrill/scenarios", ".", jsonschema.WithFullComment()))
	require.NoError(t, r.AddGoComments("github.com/tokendrill/tokendrill/scenarios", "../chaos", jsonschema.WithFullComment()))
	s = r.Reflect(v)
	s.Title = title
	s.Definitions["Call"].Required = []string{"url"}
	return s, func(typ, name string) *jsonschema.Schema {
		f, ok := s.Definitions[typ].Properties.Get(name)
		require.True(t, ok, "%s.%s", typ, name)
		return f
	}
}

func scenarioSchema(t *testing.T) *jsonschema.Schema {
	s, field := reflected(t, Scenario{}, "tokendrill scenario")
	s.Definitions["Scenario"].Required = []string{"name", "about"}
	s.Definitions["Fault"].Required = []string{"name", "for"}
	s.Definitions["Stimulus"].Required = []string{"name", "rate"}
	s.Definitions["Reference"].Required = []string{"pattern", "metric", "says"}
	field("Scenario", "name").Pattern = nameForm.String()
	field("Scenario", "patterns").Items.Enum = enum(patterns)
	field("Scenario", "patterns").UniqueItems = true
	field("Scenario", "links").PropertyNames = &jsonschema.Schema{Enum: enum(links)}
	field("Scenario", "roles").PropertyNames = &jsonschema.Schema{Enum: enum(replaceable)}
	s.Definitions["RoleImage"].Required = []string{"image"}
	field("RoleImage", "image").Pattern = imageForm.String()
	field("RoleImage", "config").PropertyNames = &jsonschema.Schema{Pattern: filePathForm.String()}
	field("RoleImage", "env").PropertyNames = &jsonschema.Schema{Pattern: envForm.String()}
	field("Fault", "name").Enum = enum(faultNames())
	field("Fault", "link").Enum = enum(links)
	field("Fault", "node").Enum = enum(roles)
	field("Fault", "path").Pattern = pathForm.String()
	field("Call", "method").Enum = enum(chaos.CallMethods())
	field("Stimulus", "name").Enum = enum(StimulusNames())
	field("Stimulus", "pattern").Enum = enum(patterns)
	field("Fault", "pattern").Enum = enum(patterns)
	field("Fault", "gateway").Pattern = nameForm.String()
	field("Reference", "pattern").Enum = enum(patterns)
	field("Route", "method").Pattern = methodForm.String()
	field("Route", "path").Pattern = pathForm.String()
	return s
}

// scalarSchema is the schema of the types that are written in their own way.
func scalarSchema(typ reflect.Type) *jsonschema.Schema {
	duration := &jsonschema.Schema{AnyOf: []*jsonschema.Schema{{Type: "string", Pattern: durationForm.String()}, {Const: 0}}}
	switch typ {
	case reflect.TypeFor[Offset]():
		return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{{Type: "string", Pattern: offsetForm.String()}, {Const: 0}}}
	case reflect.TypeFor[time.Duration]():
		return duration
	case reflect.TypeFor[Rate]():
		return &jsonschema.Schema{Type: "string", Pattern: rateForm.String()}
	case reflect.TypeFor[Share]():
		return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{
			{Type: "string", Pattern: shareForm.String()}, {Type: "number", Minimum: "0", Maximum: "1"},
		}}
	case reflect.TypeFor[chaos.Size]():
		return &jsonschema.Schema{Type: "string", Pattern: chaos.SizeForm.String()}
	case reflect.TypeFor[StatusRange]():
		return statusSchema()
	case reflect.TypeFor[Rule]():
		return ruleSchema()
	case reflect.TypeFor[token.FailMode]():
		return &jsonschema.Schema{Enum: enum(failModes)}
	case reflect.TypeFor[Delay]():
		both := jsonschema.NewProperties()
		both.Set("p50", duration)
		both.Set("p95", duration)
		return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{
			duration, {Type: "object", Properties: both, AdditionalProperties: jsonschema.FalseSchema},
		}}
	}
	return nil
}

func enum(names []string) []any {
	var all []any
	for _, n := range names {
		all = append(all, n)
	}
	return all
}

// compiled and compiledTarget are the schemas as an editor has them.
var (
	compiled       = sync.OnceValues(func() (*validator.Schema, error) { return compile(Schema()) })
	compiledTarget = sync.OnceValues(func() (*validator.Schema, error) { return compile(TargetSchema()) })
)

func compile(schema []byte) (*validator.Schema, error) {
	doc, err := validator.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		return nil, err
	}
	c := validator.NewCompiler()
	if err := c.AddResource("schema.json", doc); err != nil {
		return nil, err
	}
	return c.Compile("schema.json")
}

// editor says what an editor with the schema says of a scenario file.
func editor(t *testing.T, data []byte) error {
	s, err := compiled()
	require.NoError(t, err)
	return validated(s, data)
}

// targetEditor says what an editor with the schema says of a target file.
func targetEditor(t *testing.T, data []byte) error {
	s, err := compiledTarget()
	require.NoError(t, err)
	return validated(s, data)
}

func validated(s *validator.Schema, data []byte) error {
	plain, err := yaml.YAMLToJSON(data)
	if err != nil {
		return err
	}
	value, err := validator.UnmarshalJSON(bytes.NewReader(plain))
	if err != nil { // JSON cannot say it
		return err
	}
	return s.Validate(value)
}

func TestCatalogueSatisfiesTheSchema(t *testing.T) {
	for _, name := range names() {
		data, err := catalogue.ReadFile("catalogue/" + name + ".yaml")
		require.NoError(t, err)
		require.NoError(t, editor(t, data), name)
		assert.Contains(t, string(data), "yaml-language-server: $schema=../schema.json", name)
	}
}
