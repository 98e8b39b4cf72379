// Package henhouse is Egg's messenger over Henhouse, for Go programs.
//
//	messenger, err := henhouse.Join(ctx, henhouse.Options{})
//	messenger.On("price", func(m henhouse.Message) error { … })
//	messenger.Ready()
//	err = messenger.SendToAgent(ctx, "seen", map[string]int{"id": 7})
package henhouse

import "time"

// A Role is what a connected program is for.
type Role string

// The roles. A program joins as one of the first two.
const (
	RoleAgent    Role = "agent"
	RoleWorker   Role = "worker"
	RoleMaster   Role = "master"
	RoleOperator Role = "operator"
)

// A Sender is the broker's word on who sent a message.
type Sender struct {
	PID        uint32
	Role       Role
	Connection uint64 // never reused, unlike a pid
}

// A Receipt says how many processes a message is on its way to, and for how many it waits in
// the broker.
type Receipt struct {
	Queued, Held uint32
}

// A Drain asks to take nothing new, finish and leave.
type Drain struct {
	Deadline time.Duration // from when it came
	Cause    string
}

// A Peer is one process that is ready.
type Peer struct {
	PID        uint32
	Connection uint64
	Index      uint32 // a worker's slot; 0 for the agent
}

// Peers are all who are ready, as `egg-pids` says.
type Peers struct {
	Workers []Peer
	Agent   *Peer // nil while there is none
}

// A To is where a message goes.
type To struct {
	route      route
	pid        uint32
	connection uint64
}

// The groups, the agent, and somebody at random.
var (
	ToBroadcast = To{route: routeBroadcast}
	ToApp       = To{route: routeApp}
	ToAgent     = To{route: routeAgent}
	ToRandom    = To{route: routeRandom}
)

// ToPID is the process of that pid.
func ToPID(pid uint32) To { return To{route: routePID, pid: pid} }

// ToSender is exactly the one that a message came from, and nobody who got its pid later.
func ToSender(s Sender) To {
	return To{route: routePID, pid: s.PID, connection: s.Connection}
}

// An Option changes how a message is sent.
type Option func(*sending)

// Others leaves ourselves out of a broadcast or of a message to the app.
func Others() Option { return func(s *sending) { s.others = true } }

type sending struct {
	others bool
}
