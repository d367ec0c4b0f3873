package scenarios

import (
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/tokendrill/tokendrill/chaos"
)

// How scalars are written; the schema for editors says the same.
var (
	durationForm = regexp.MustCompile(`^(0|([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+)$`)
	offsetForm   = regexp.MustCompile(`^-?(0|([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+)$`)
	rateForm     = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?/s$`)
	shareForm    = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?%$`)
	statusForm   = regexp.MustCompile(`^[1-5](xx|[0-9][0-9])$`)
)

// scalar sets a duration, rate, share, text, number or switch.
func (d *document) scalar(path string, n ast.Node, v reflect.Value) error {
	var expected string
	var ok bool
	switch p := v.Addr().Interface().(type) {
	case *time.Duration:
		expected, ok = "a duration such as 1.5s or 20ms", setDuration(p, n, durationForm)
	case *Offset:
		expected, ok = "a duration such as 5s or -5s", setDuration((*time.Duration)(p), n, offsetForm)
	case *Rate:
		expected, ok = "requests per second such as 800/s", setRate(p, n)
	case *Share:
		expected, ok = "a share such as 5% or 0.05, from 0 to 1", setShare(p, n)
	case *chaos.Size:
		expected, ok = "a size such as 48MiB", setSize(p, n)
	case *StatusRange:
		expected, ok = "a status such as 401 or 2xx", setStatus(p, n)
	default:
		expected, ok = setBasic(v, n)
	}
	if !ok {
		return d.mistake(path, "%s is %s; expected %s", what(path), kind(n), expected)
	}
	return nil
}

func setDuration(p *time.Duration, n ast.Node, form *regexp.Regexp) (ok bool) {
	text := n.GetToken().Value
	if _, number := n.(*ast.IntegerNode); !number && !isText(n) || !form.MatchString(text) {
		return false
	}
	var err error
	*p, err = time.ParseDuration(text)
	return err == nil
}

// ParseRate reads requests per second, written "800/s".
func ParseRate(text string) (Rate, error) {
	if !rateForm.MatchString(text) {
		return 0, fmt.Errorf("%s is no rate; expected requests per second such as 800/s", quote(text))
	}
	f, err := strconv.ParseFloat(strings.TrimSuffix(text, "/s"), 64)
	return Rate(f), err
}

func setRate(p *Rate, n ast.Node) (ok bool) {
	if !isText(n) {
		return false
	}
	var err error
	*p, err = ParseRate(n.GetToken().Value)
	return err == nil
}

// ParseShare reads a part of one, written "5%" or 0.05.
func ParseShare(text string) (Share, error) {
	digits, percent := strings.CutSuffix(text, "%")
	f, err := strconv.ParseFloat(digits, 64)
	if percent {
		f /= 100
	}
	if err != nil || !(f >= 0 && f <= 1) {
		return 0, fmt.Errorf("%s is no share; expected a part of one such as 5%%", quote(text))
	}
	return Share(f), nil
}

func setShare(p *Share, n ast.Node) (ok bool) {
	text := n.GetToken().Value
	f, isNumber := number(n)
	if isText(n) && shareForm.MatchString(text) {
		var err error
		f, err = strconv.ParseFloat(strings.TrimSuffix(text, "%"), 64)
		f, isNumber = f/100, err == nil
	}
	*p = Share(f)
	return isNumber && f >= 0 && f <= 1
}

func setSize(p *chaos.Size, n ast.Node) (ok bool) {
	if !isText(n) {
		return false
	}
	var err error
	*p, err = chaos.ParseSize(n.GetToken().Value)
	return err == nil
}

func setStatus(p *StatusRange, n ast.Node) (ok bool) {
	*p = StatusRange(n.GetToken().Value)
	_, number := n.(*ast.IntegerNode)
	return (number || isText(n)) && statusForm.MatchString(string(*p))
}

// setBasic sets what Go has a kind for.
func setBasic(v reflect.Value, n ast.Node) (expected string, ok bool) {
	switch v.Kind() {
	case reflect.String:
		if isText(n) {
			v.SetString(text(n))
		}
		return "text", isText(n)
	case reflect.Bool:
		b, ok := n.(*ast.BoolNode)
		if ok {
			v.SetBool(b.Value)
		}
		return "true or false", ok
	case reflect.Int:
		i, err := strconv.Atoi(n.GetToken().Value)
		_, ok := n.(*ast.IntegerNode)
		v.SetInt(int64(i))
		return "a whole number", ok && err == nil
	default:
		f, ok := number(n)
		v.SetFloat(f)
		return "a number", ok
	}
}

// number is the value of a plain decimal number.
func number(n ast.Node) (f float64, ok bool) {
	switch n.(type) {
	case *ast.IntegerNode, *ast.FloatNode:
		f, err := strconv.ParseFloat(n.GetToken().Value, 64)
		return f, err == nil
	}
	return 0, false
}

func isText(n ast.Node) bool {
	return n.Type() == ast.StringType || n.Type() == ast.LiteralType
}

func text(n ast.Node) string {
	if l, ok := n.(*ast.LiteralNode); ok {
		return strings.TrimSpace(l.Value.Value)
	}
	return n.GetToken().Value
}
