package scenarios

import (
	"errors"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"strings"

	"github.com/tokendrill/tokendrill/chaos"
)

// params checks a fault's parameters against those that it takes.
func (r *review) params(f Fault, spec chaos.Spec, path string) {
	for _, key := range f.zeros() {
		at := path + "." + key
		r.must(r.doc.lines[at] == 0, at, "%s is written, but says nothing; expected a value, or no such key", at)
	}
	if bad := new(chaos.ParamError); errors.As(spec.Check(f.Params()), &bad) {
		at := path + "." + bad.Param
		r.must(false, at, "%s is %s; expected %s", at, bad.Got, bad.Expected)
	}
	for _, c := range []struct {
		key  string
		argv []string
	}{{"inject", f.Inject}, {"heal", f.Heal}} {
		r.must(len(c.argv) == 0 || c.argv[0] != "", path+"."+c.key, "%s.%s names no program; expected one, and its arguments", path, c.key)
	}
	r.must(f.Path == "" || pathForm.MatchString(f.Path), path+".path", `%s.path is %s; expected such as "/introspect"`, path, quote(f.Path))
}

// zeros are the keys of the parameters that are zero, which is as good as absent.
func (f Fault) zeros() []string {
	var out []string
	for key, v := range f.parameters() {
		if v.IsZero() {
			out = append(out, key)
		}
	}
	return out
}

// parameters are the parameters by their keys, in the order of their declaration.
func (f Fault) parameters() iter.Seq2[string, reflect.Value] {
	v := reflect.ValueOf(f)
	return func(yield func(string, reflect.Value) bool) {
		for _, field := range reflect.VisibleFields(v.Type()) {
			key := field.Tag.Get("yaml")
			if field.IsExported() && key != "-" && !slices.Contains(placement, key) && !yield(key, v.FieldByIndex(field.Index)) {
				return
			}
		}
	}
}

// placement are the keys of a fault that are not parameters.
var placement = []string{"name", "link", "node", "pattern", "gateway", "at", "for"}

// Given says which parameters the fault sets and how, such as "status 429, share 0.3".
func (f Fault) Given() string {
	var out []string
	for key, v := range f.parameters() {
		if !v.IsZero() {
			out = append(out, fmt.Sprint(key, " ", v.Interface()))
		}
	}
	return strings.Join(out, ", ")
}
