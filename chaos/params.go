package chaos

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Units of parameters.
const (
	UnitDuration = "duration"
	UnitDelay    = "delay"
	UnitShare    = "share"
	UnitNumber   = "number"
	UnitSize     = "size"
	UnitText     = "text"
	UnitCommand  = "command"
	UnitCall     = "call"
)

// ParamError says which parameter of a fault is wrong, and what was expected.
type ParamError struct {
	// Param is its key in a scenario, such as "retry_after".
	Param string
	// Got is what it was, and Expected what it should be.
	Got, Expected string
}

func (e *ParamError) Error() string {
	return fmt.Sprintf("%s is %s; expected %s", e.Param, e.Got, e.Expected)
}

// Check returns a *[ParamError] about the first parameter that the fault does not
// take, that it lacks, or that is out of bounds. A field that is zero was not given.
func (s Spec) Check(p Params) error {
	for _, v := range p.values() {
		spec, taken := s.param(v.name)
		switch {
		case !taken && v.given:
			return &ParamError{v.name, v.shown, "none for " + s.Name}
		case !taken || !v.given && !spec.Required:
		case !v.given && spec.admits(v.amounts): // zero is within the bounds, or it is a text
			return &ParamError{v.name, "missing", spec.bounds()}
		case !spec.admits(v.amounts):
			return &ParamError{v.name, v.shown, spec.bounds()}
		case v.wrong != nil:
			return &ParamError{v.name + "." + v.wrong.Param, v.wrong.Got, v.wrong.Expected}
		}
	}
	return nil
}

func (s Spec) param(name string) (Param, bool) {
	for _, p := range s.Params {
		if p.Name == name {
			return p, true
		}
	}
	return Param{}, false
}

// admits says whether all amounts are within the bounds and none is below the one
// before: a 95th percentile is not below its median.
func (p Param) admits(amounts []float64) bool {
	least := p.Min
	for _, a := range amounts {
		if !(a >= least && a <= p.Max) { // not the same as the opposite: NaN
			return false
		}
		least = a
	}
	return true
}

// bounds says what is expected of the parameter, such as "1ms to 1m0s".
func (p Param) bounds() string {
	show := func(amount float64) string { return strconv.FormatFloat(amount, 'g', -1, 64) }
	switch p.Unit {
	case UnitText:
		return "a text"
	case UnitCommand:
		return "a command"
	case UnitCall:
		return "a call"
	case UnitDuration, UnitDelay:
		show = func(amount float64) string { return seconds(amount).String() }
	case UnitSize:
		show = func(amount float64) string { return Size(amount).String() }
	}
	return show(p.Min) + " to " + show(p.Max)
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// value is one parameter as it was given.
type value struct {
	name    string
	given   bool
	shown   string
	amounts []float64   // none for texts, commands and calls
	wrong   *ParamError // about a part of it
}

// values are all parameters that there are, in the order of their declaration.
func (p Params) values() []value {
	delay := duration("delay", p.Delay.P50)
	delay.given = p.Delay != Delay{}
	if p.Delay.P95 != 0 {
		delay.amounts = append(delay.amounts, p.Delay.P95.Seconds())
		delay.shown += " with p95 " + p.Delay.P95.String()
	}
	return []value{
		delay,
		number("share", p.Share), number("status", float64(p.Status)),
		duration("retry_after", p.RetryAfter), duration("max_age", p.MaxAge), duration("offset", p.Offset),
		number("factor", p.Factor), number("cpus", p.CPUs), size("memory", p.Memory),
		{name: "path", given: p.Path != "", shown: strconv.Quote(p.Path)},
		command("inject", p.Inject), command("heal", p.Heal),
		called("inject_call", p.InjectCall), called("heal_call", p.HealCall),
	}
}

func duration(name string, d time.Duration) value {
	return value{name: name, given: d != 0, shown: d.String(), amounts: []float64{d.Seconds()}}
}

func number(name string, n float64) value {
	return value{name: name, given: n != 0, shown: strconv.FormatFloat(n, 'g', -1, 64), amounts: []float64{n}}
}

func size(name string, s Size) value {
	return value{name: name, given: s != 0, shown: s.String(), amounts: []float64{float64(s)}}
}

func command(name string, argv []string) value {
	return value{name: name, given: len(argv) > 0, shown: strconv.Quote(strings.Join(argv, " "))}
}

func called(name string, c *Call) value {
	if c == nil {
		return value{name: name}
	}
	return value{name: name, given: true, shown: "a call", wrong: c.mistake()}
}

// The parameters that many faults take.
func paramShare(of string) Param {
	return Param{Name: "share", Unit: UnitShare, Min: 1e-6, Max: 1, Default: "1", Doc: "part of the " + of + " that it acts on, drawn from the seed"}
}

func paramPath(byDefault string) Param {
	return Param{Name: "path", Unit: UnitText, Default: byDefault, Doc: "only requests with this URL path"}
}

func paramStatus(lo, hi, byDefault int) Param {
	return Param{Name: "status", Unit: UnitNumber, Min: float64(lo), Max: float64(hi), Default: strconv.Itoa(byDefault), Doc: "HTTP status, such as " + strconv.Itoa(byDefault) + " " + http.StatusText(byDefault)}
}

// scope is what the parameters share and path say.
func (p Params) scope() scope { return scope{p.Share, p.Path} }

// scopeAt is scope with another path by default.
func (p Params) scopeAt(path string) scope {
	if p.Path == "" {
		p.Path = path
	}
	return p.scope()
}
