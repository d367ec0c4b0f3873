package scenarios

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/tokendrill/tokendrill/chaos"
)

// document decodes YAML into Go values and remembers the line of every key by
// its path, such as "faults[1].at", so that later checks can name it.
type document struct {
	file  string
	what  string // the file should be, such as "scenario"
	lines map[string]int
}

// mistake is an *Error at the key or element path, or at the nearest one around
// it that the file has.
func (d *document) mistake(path, format string, args ...any) *Error {
	for path != "" && d.lines[path] == 0 {
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
	return &Error{File: d.file, Line: d.line(path), Msg: fmt.Sprintf(format, args...)}
}

// line is where path stands, at least 1 in a file and 0 without one.
func (d *document) line(path string) int {
	if d.lines == nil {
		return 0
	}
	return max(1, d.lines[path])
}

// decode sets target, a pointer to a struct, from the one YAML document in data,
// which should be a what. What the document does not name stays as it is.
func decode(data []byte, file, what string, target any) (*document, error) {
	d := &document{file: file, what: what, lines: map[string]int{}}
	if len(data) > MaxSize {
		return d, d.mistake("", "file over 64 KiB; expected a %s", what)
	}
	f, err := parser.ParseBytes(data, 0)
	if err != nil {
		return d, d.syntax(err)
	}
	if len(f.Docs) != 1 || f.Docs[0].Body == nil {
		return d, d.mistake("", "no %s or several; expected one YAML document", what)
	}
	return d, d.value("", f.Docs[0].Body, reflect.ValueOf(target).Elem())
}

// syntax puts an error of the YAML parser into our words.
func (d *document) syntax(err error) error {
	var at yaml.Error
	if !errors.As(err, &at) || at.GetToken() == nil {
		return d.mistake("", "not YAML; expected a %s", d.what)
	}
	d.lines[""] = at.GetToken().Position.Line
	if key, ok := strings.CutPrefix(at.GetMessage(), "mapping key "); ok {
		key, _, _ = strings.Cut(key, " already defined")
		return d.mistake("", "key %s stands twice; expected each key once", key)
	}
	first, _, _ := strings.Cut(at.GetMessage(), "\n")
	return d.mistake("", "%s; expected YAML", first)
}

// value sets v from n.
func (d *document) value(path string, n ast.Node, v reflect.Value) error {
	d.lines[path] = n.GetToken().Position.Line
	switch v.Addr().Interface().(type) {
	case *time.Duration, *Offset, *Rate, *Share, *StatusRange, *chaos.Size:
		return d.scalar(path, n, v)
	case *Delay, *Rule:
		if _, ok := n.(ast.MapNode); !ok {
			return d.value(path, n, v.Field(0))
		}
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return d.value(path, n, v.Elem())
	case reflect.Struct:
		return d.structure(path, n, v)
	case reflect.Map:
		return d.mapping(path, n, func(key string, value ast.Node) error {
			e := reflect.New(v.Type().Elem()).Elem()
			err := d.value(join(path, key), value, e)
			if v.IsNil() {
				v.Set(reflect.MakeMap(v.Type()))
			}
			v.SetMapIndex(reflect.ValueOf(key), e)
			return err
		})
	case reflect.Slice:
		return d.sequence(path, n, v)
	default:
		return d.scalar(path, n, v)
	}
}

func (d *document) structure(path string, n ast.Node, v reflect.Value) error {
	var keys []string
	for _, f := range reflect.VisibleFields(v.Type()) {
		if key := f.Tag.Get("yaml"); f.IsExported() && key != "-" { // those that no file sets come last
			keys = append(keys, key)
		}
	}
	return d.mapping(path, n, func(key string, value ast.Node) error {
		i := slices.Index(keys, key)
		if i < 0 {
			return d.mistake(join(path, key), "unknown key %s; expected %s", quote(key), oneOf(keys))
		}
		return d.value(join(path, key), value, v.Field(i))
	})
}

// mapping calls set for each key of n.
func (d *document) mapping(path string, n ast.Node, set func(key string, value ast.Node) error) error {
	m, ok := n.(ast.MapNode)
	if !ok {
		return d.mistake(path, "%s is %s; expected keys with values", what(path), kind(n))
	}
	for it := m.MapRange(); it.Next(); {
		if it.Key().Type() != ast.StringType {
			d.lines[path] = it.Key().GetToken().Position.Line
			return d.mistake(path, "key %s is not plain text; expected a name", quote(it.Key().GetToken().Value))
		}
		key := it.Key().GetToken().Value
		d.lines[join(path, key)] = it.Key().GetToken().Position.Line
		if err := set(key, it.Value()); err != nil {
			return err
		}
	}
	return nil
}

func (d *document) sequence(path string, n ast.Node, v reflect.Value) error {
	s, ok := n.(*ast.SequenceNode)
	if !ok {
		return d.mistake(path, "%s is %s; expected a list", what(path), kind(n))
	}
	v.Set(reflect.MakeSlice(v.Type(), len(s.Values), len(s.Values)))
	for i, e := range s.Values {
		if err := d.value(fmt.Sprintf("%s[%d]", path, i), e, v.Index(i)); err != nil {
			return err
		}
	}
	return nil
}

// kind says in words what a node is.
func kind(n ast.Node) string {
	switch n.Type() {
	case ast.MappingType, ast.MappingValueType:
		return "a mapping"
	case ast.SequenceType:
		return "a list"
	case ast.NullType:
		return "empty"
	case ast.AliasType, ast.AnchorType, ast.TagType, ast.MergeKeyType:
		return "an anchor, an alias or a tag"
	case ast.LiteralType:
		return "a block of text"
	}
	return quote(n.GetToken().Value)
}

// what names a key in a message.
func what(path string) string {
	if path == "" {
		return "the file"
	}
	return path
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// quote quotes text from a file, on one line and not too long.
func quote(s string) string {
	if r := []rune(s); len(r) > 40 {
		s = string(r[:40]) + "…"
	}
	return strconv.Quote(s)
}

// oneOf lists what would have been right.
func oneOf(names []string) string {
	if len(names) == 1 {
		return names[0]
	}
	return "one of " + strings.Join(names, ", ")
}
