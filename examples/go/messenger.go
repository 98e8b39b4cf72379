package henhouse

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/henhouse/henhouse/examples/go/internal/wire"
)

// A request whose context has no deadline stays open so long; the broker keeps the clock.
const requestTimeout = 30 * time.Second

// Options say how to join; the zero value joins as the environment says.
type Options struct {
	Role   Role   // default: HENHOUSE_ROLE
	Socket string // default: HENHOUSE_SOCKET
	Token  string // default: HENHOUSE_TOKEN
	Name   string // for people: what `henhouse status` calls this process

	// Reconnect outlives the broker and comes back to it. Without it, a process whose socket
	// the environment named ends with its master (exit 110).
	Reconnect bool

	// OnRefused hears of messages that nobody waited for, with their action while it is
	// remembered.
	OnRefused func(err *RefusedError, action string)
	// OnLost is told why, when a broker is lost that Reconnect outlives; OnRestored is called
	// when it is back.
	OnLost     func(err error)
	OnRestored func()
	// Logger reports failed handlers and refusals; default: log's own.
	Logger *log.Logger
}

// A Messenger sends and receives for this process. Its methods may be called from any goroutine.
type Messenger struct {
	options   Options
	child     bool
	path      string
	hello     *wire.Hello
	outbox    *outbox
	listeners *listeners

	pending *pending
	lastID  atomic.Uint64

	mu        sync.Mutex
	conn      *connection
	answers   map[string]func(Message) (any, error)
	peers     Peers
	saidReady bool
	drain     Drain
	err       error

	leaving   context.Context // ends when nobody wants to come back any more
	leave     context.CancelFunc
	draining  chan struct{}
	drainOnce sync.Once
	done      chan struct{}
}

// Join connects to the broker.
func Join(ctx context.Context, options Options) (*Messenger, error) {
	path := or(options.Socket, os.Getenv("HENHOUSE_SOCKET"))
	if path == "" {
		return nil, errors.New("henhouse: no socket is given, and HENHOUSE_SOCKET is not set")
	}
	options.Role = Role(or(string(options.Role), os.Getenv("HENHOUSE_ROLE")))
	role := wire.Role_ROLE_WORKER
	switch options.Role {
	case RoleAgent:
		role = wire.Role_ROLE_AGENT
	case RoleWorker:
	default:
		return nil, fmt.Errorf("henhouse: the role must be agent or worker, not %q", options.Role)
	}
	if options.Logger == nil {
		options.Logger = log.Default()
	}
	m := &Messenger{
		options: options,
		child:   options.Socket == "",
		path:    path,
		hello: &wire.Hello{
			Version: version,
			Role:    role,
			// Pid 0: the kernel tells the broker ours, and knows better where containers are about.
			Token: or(options.Token, os.Getenv("HENHOUSE_TOKEN")),
			Name:  options.Name,
		},
		outbox:    newOutbox(),
		listeners: newListeners(),
		pending:   newPending(),
		answers:   make(map[string]func(Message) (any, error)),
		draining:  make(chan struct{}),
		done:      make(chan struct{}),
	}
	m.leaving, m.leave = context.WithCancel(context.Background())
	conn, err := m.open(ctx)
	if err != nil {
		return nil, err
	}
	go m.live(conn)
	return m, nil
}

// PID is ours, as the broker knows it.
func (m *Messenger) PID() uint32 { return m.welcome().GetPid() }

// Connection is the broker's number for this connection, never reused.
func (m *Messenger) Connection() uint64 { return m.welcome().GetConnection() }

// MasterPID is the broker's.
func (m *Messenger) MasterPID() uint32 { return m.welcome().GetMasterPid() }

// Role is what we joined as.
func (m *Messenger) Role() Role { return m.options.Role }

// Peers are all who are ready, as the last `egg-pids` said.
func (m *Messenger) Peers() Peers {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.peers
}

// Listen gives the messages of an action from now on.
func (m *Messenger) Listen(action string) *Subscription { return m.listeners.listen(action) }

// On calls the handler with each message, one after the other. Errors and panics are logged.
func (m *Messenger) On(action string, handler func(Message) error) *Subscription {
	s := m.Listen(action)
	go func() {
		for message := range s.C {
			m.call(handler, message)
		}
	}()
	return s
}

// Once calls the handler with the next message only.
func (m *Messenger) Once(action string, handler func(Message) error) *Subscription {
	s := m.Listen(action)
	go func() {
		if message, ok := <-s.C; ok {
			s.Off()
			m.call(handler, message)
		}
	}()
	return s
}

// Answer answers requests with what the handler returns; listeners of the action hear them, too.
// There is one handler per action: one question, one answer. A second one panics, as does an
// action that nobody may send.
func (m *Messenger) Answer(action string, handler func(Message) (any, error)) {
	if err := checkAction(action); err != nil {
		panic(err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, taken := m.answers[action]; taken {
		panic("henhouse: " + action + " has its answer handler already")
	}
	m.answers[action] = handler
}

// Ready says that the handlers are set: what the broker held comes now.
func (m *Messenger) Ready() error {
	m.mu.Lock()
	already := m.saidReady
	m.saidReady = true
	m.mu.Unlock()
	if already {
		return nil
	}
	return m.control(&wire.Frame{Body: &wire.Frame_Ready{Ready: &wire.Ready{}}})
}

// Broadcast sends to the agent and every worker, ourselves too unless Others is given. The verbs
// wait only while the broker holds us back.
func (m *Messenger) Broadcast(ctx context.Context, action string, data any, options ...Option) error {
	return m.cast(ctx, ToBroadcast, action, data, options)
}

// SendToApp sends to every worker; from a worker, to itself too unless Others is given.
func (m *Messenger) SendToApp(ctx context.Context, action string, data any, options ...Option) error {
	return m.cast(ctx, ToApp, action, data, options)
}

// SendToAgent sends to the agent; from the agent, to itself.
func (m *Messenger) SendToAgent(ctx context.Context, action string, data any) error {
	return m.cast(ctx, ToAgent, action, data, nil)
}

// SendRandom sends from the agent to one ready worker, from a worker to the agent.
func (m *Messenger) SendRandom(ctx context.Context, action string, data any) error {
	return m.cast(ctx, ToRandom, action, data, nil)
}

// SendTo sends to one process: ToPID, or ToSender.
func (m *Messenger) SendTo(ctx context.Context, to To, action string, data any) error {
	return m.cast(ctx, to, action, data, nil)
}

// Confirm sends, and hears from the broker what became of it.
func (m *Messenger) Confirm(ctx context.Context, to To, action string, data any, options ...Option) (Receipt, error) {
	message, err := newMessage(to, action, data, options)
	if err != nil {
		return Receipt{}, err
	}
	message.Want = wire.Want_WANT_RECEIPT
	a := m.ask(ctx, message)
	return a.receipt, a.err
}

// Request asks one process, and gives what its answer handler gave. The context's deadline is
// how long the request stays open.
func (m *Messenger) Request(ctx context.Context, to To, action string, data any) (Message, error) {
	message, err := newMessage(to, action, data, nil)
	if err != nil {
		return Message{}, err
	}
	message.Want = wire.Want_WANT_REPLY
	timeout := requestTimeout
	if deadline, ok := ctx.Deadline(); ok {
		timeout = time.Until(deadline)
	}
	message.TimeoutMs = milliseconds(timeout)
	a := m.ask(ctx, message)
	return a.reply, a.err
}

// Failing says that we are broken: a replacement is started while we finish what we hold.
func (m *Messenger) Failing(reason string) error {
	return m.control(&wire.Frame{Body: &wire.Frame_Failing{Failing: &wire.Failing{Reason: reason}}})
}

// Beat says that this program turns, and has so many requests at work.
func (m *Messenger) Beat(active uint32) error {
	return m.control(&wire.Frame{Body: &wire.Frame_Beat{Beat: &wire.Beat{Active: active}}})
}

// Draining is closed when we are to take nothing new, finish and Close.
func (m *Messenger) Draining() <-chan struct{} { return m.draining }

// Drain is what Draining was closed for.
func (m *Messenger) Drain() Drain {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.drain
}

// Done is closed at the end; Err then says why, nil where we asked for it.
func (m *Messenger) Done() <-chan struct{} { return m.done }

// Err is why it ended.
func (m *Messenger) Err() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.err
}

// --- sending

func (m *Messenger) cast(ctx context.Context, to To, action string, data any, options []Option) error {
	message, err := newMessage(to, action, data, options)
	if err != nil {
		return err
	}
	b, err := m.numbered(message)
	if err != nil {
		return err
	}
	m.pending.remember(message.Id, action)
	return m.outbox.pushInTurn(ctx, waiting{b, message.Id}, func() {})
}

func (m *Messenger) ask(ctx context.Context, message *wire.Message) answer {
	b, err := m.numbered(message)
	if err != nil {
		return answer{err: err}
	}
	answered := make(chan answer, 1)
	// It waits for word only once it is queued: what has not been, cannot be lost.
	queued := func() { m.pending.wait(message.Id, answered) }
	if err := m.outbox.pushInTurn(ctx, waiting{b, message.Id}, queued); err != nil {
		return answer{err: err}
	}
	select {
	case a := <-answered:
		return a
	case <-ctx.Done():
		m.pending.forget(message.Id)
		return answer{err: ctx.Err()}
	}
}

func (m *Messenger) numbered(message *wire.Message) ([]byte, error) {
	message.Id = m.lastID.Add(1)
	return m.pack(message)
}

func (m *Messenger) pack(message *wire.Message) ([]byte, error) {
	b, err := pack(&wire.Frame{Body: &wire.Frame_Message{Message: message}})
	if max := m.welcome().GetFrameBytesMax(); err == nil && len(b)-prefixBytes > int(max) {
		err = fmt.Errorf("henhouse: a message of %d bytes is over the broker's %d", len(b)-prefixBytes, max)
	}
	return b, err
}

// control queues what is not kept for a new connection: that one says these things for itself.
func (m *Messenger) control(f *wire.Frame) error {
	b, err := pack(f)
	if err != nil {
		return err
	}
	return m.outbox.push(waiting{bytes: b})
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
