package chaos

import "time"

// Spec is one entry of the catalogue of faults: what a person has to know before
// injecting it, and how it is made.
type Spec struct {
	// Name is what a scenario calls it, such as "link.cut".
	Name string
	// Does says in one sentence what happens.
	Does string
	// Place is what it acts on.
	Place Place
	// Links it may act on; empty means every link. Only for OnLink.
	Links []string
	// Roles of the nodes it may act on. Only for OnNode and OnContainer.
	Roles []string
	// Least is the shortest time that it can be in force; zero is a millisecond.
	Least time.Duration
	// Params are the parameters it takes.
	Params []Param
	// Once says that it happens at its beginning and leaves nothing to undo.
	Once bool
	// Met and Clear say what its two counts are of; see [Injected].
	Met, Clear string
	// Models says what it stands for in the field.
	Models string
	// Source is the incident, bug or text that it comes from.
	Source string
	// New makes the fault. The parameters have been checked against Params.
	New func(Params) Fault

	// written writes what undoes the fault into an entry of a journal, whose Undo is
	// UndoNone. Only OnHost.
	written func(Params, *Entry) error
}

// Place is what a fault acts on.
type Place string

const (
	// OnLink is for faults of what crosses a link.
	OnLink Place = "link"
	// OnNode is for faults of a role.
	OnNode Place = "node"
	// OnContainer is for faults of the container that a role runs in. They stay when
	// this process dies, as the container does.
	OnContainer Place = "container"
	// OnHost is for faults that a command or a call injects, anywhere: they stay when
	// this process dies.
	OnHost Place = "host"
)

// Roles of nodes.
const (
	RoleGateway   = "gateway"
	RoleOrigin    = "origin"
	RoleAuthority = "authority"
	RoleCDN       = "cdn"
	RoleRegistry  = "registry"
)

// Param is one parameter of a fault.
type Param struct {
	// Name is its key in a scenario, such as "delay".
	Name string
	// Unit is "duration", "delay" (a duration or p50 with p95), "share", "number",
	// "size", "text", "command" or "call".
	Unit string
	// Min and Max bound it; durations in seconds, sizes in bytes. Not for texts,
	// commands and calls.
	Min, Max float64
	// Required says that there is no default; Default is shown to people.
	Required bool
	Default  string
	Doc      string
}

// Params are the parameters of one fault; a field that is zero was not given.
type Params struct {
	Delay Delay
	// Share of what crosses the link that the fault acts on, from 0 to 1; zero means all.
	Share float64
	// Status is an HTTP status code.
	Status     int
	RetryAfter time.Duration
	MaxAge     time.Duration
	// Offset of a clock; ahead if positive.
	Offset time.Duration
	Factor float64
	// CPUs is a number of CPUs, and Memory one of bytes.
	CPUs   float64
	Memory Size
	// Path limits the fault to requests whose URL path is this.
	Path string
	// Inject and Heal are commands with their arguments, run without a shell.
	Inject []string
	Heal   []string
	// InjectCall and HealCall are HTTP requests; nil is none. Hosts are those beyond
	// loopback that they may go to.
	InjectCall *Call
	HealCall   *Call
	Hosts      []string
}

// Catalogue lists every fault, in the order in which people should read them.
func Catalogue() []Spec {
	return []Spec{
		linkCut(), linkHang(), linkReset(), linkDelay(),
		httpError(), httpLimit(),
		answerForge(), answerReplay(), answerUnsign(), answerMaxAge(),
		keysMissing(), keysStale(), bundleRollback(),
		pushDrop(), pushDelay(), pushDuplicate(), pushReorder(),
		clockSkew(), ttlSkew(), cacheFlush(), nodeRestart(), credentialsWrong(),
		authorityLie(), keyRetire(), keyRotate(),
		containerPause(), containerKill(), containerDisconnect(), containerCPU(), containerMemory(),
		execFault(), callFault(),
	}
}

// Reversible says whether a fault with these parameters can be undone.
func (s Spec) Reversible(p Params) bool {
	return s.Place != OnHost || len(p.Heal) > 0 || p.HealCall != nil
}

// Outlives says whether the fault stays when this process dies: then it takes a
// Journal and a watchdog to undo it on every way out.
func (s Spec) Outlives() bool { return s.Place == OnHost || s.Place == OnContainer }

// Find returns the entry of that name.
func Find(name string) (Spec, bool) {
	for _, s := range Catalogue() {
		if s.Name == name {
			return s, true
		}
	}
	return Spec{}, false
}
