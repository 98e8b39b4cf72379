package henhouse

import (
	"context"
	"errors"
	"fmt"
	"log"
	"math/rand"
	"os"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/henhouse/henhouse/examples/go/internal/wire"
)

const (
	// An action's name may be as long as a file's.
	actionBytesMax = 255
	reservedPrefix = "egg-"

	// A request whose context has no deadline stays open so long; the broker keeps the clock.
	requestTimeout = 30 * time.Second

	// What a process exits with when its master is gone; Egg's agents do so too.
	masterLostExit = 110

	reconnectMin, reconnectMax = 50 * time.Millisecond, 5 * time.Second

	// How long the broker may take to answer our Goodbye.
	goodbyeMax = 5 * time.Second

	// Of so many messages that nobody waits for we remember the action, to name it in a refusal.
	rememberedMax = 1024
)

// Options say how to join; the zero value joins as the environment says.
type Options struct {
	Role   Role   // default: HENHOUSE_ROLE
	Socket string // default: HENHOUSE_SOCKET
	Token  string // default: HENHOUSE_TOKEN
	Name   string // for people: what `henhouse status` calls this process

	// Reconnect outlives the broker and comes back to it. Without it, a process whose socket
	// the environment named ends with its master (exit 110).
	Reconnect bool

	// OnRefused hears of messages that nobody waited for.
	OnRefused func(err *RefusedError, action string)
	// OnRestored is called after each reconnection.
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

	mu         sync.Mutex
	conn       *connection
	lastID     uint64
	waiters    map[uint64]chan<- answer
	remembered map[uint64]string
	answers    map[string]func(Message) (any, error)
	peers      Peers
	saidReady  bool
	leaving    bool
	drain      Drain
	err        error

	draining  chan struct{}
	drainOnce sync.Once
	done      chan struct{}
}

// An answer is what a message that wanted one gets, once.
type answer struct {
	receipt Receipt
	reply   Message
	err     error
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
		outbox:     newOutbox(),
		listeners:  newListeners(),
		waiters:    make(map[uint64]chan<- answer),
		remembered: make(map[uint64]string),
		answers:    make(map[string]func(Message) (any, error)),
		draining:   make(chan struct{}),
		done:       make(chan struct{}),
	}
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

// Answer answers requests with what the handler returns; listeners of the action hear them, too. There is one handler per action: one
// question, one answer.
func (m *Messenger) Answer(action string, handler func(Message) (any, error)) {
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
	// Rounded up: 0 would be the broker's default.
	message.TimeoutMs = uint32(timeout/time.Millisecond) + 1
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

// Close sends what waits, says Goodbye, and takes what still comes until the broker says it too.
func (m *Messenger) Close() error {
	m.mu.Lock()
	m.leaving = true
	conn := m.conn
	m.mu.Unlock()
	// Where it cannot be said, the end is here already or near.
	_ = m.control(&wire.Frame{Body: &wire.Frame_Goodbye{Goodbye: &wire.Goodbye{}}})
	select {
	case <-m.done:
	case <-time.After(goodbyeMax):
		conn.Close()
		<-m.done
	}
	return m.Err()
}

// --- sending

func newMessage(to To, action string, data any, options []Option) (*wire.Message, error) {
	switch {
	case action == "":
		return nil, errors.New("henhouse: a message needs an action")
	case len(action) > actionBytesMax:
		return nil, errors.New("henhouse: the action is too long")
	case strings.HasPrefix(action, reservedPrefix):
		return nil, fmt.Errorf("henhouse: actions that begin with %s are the broker's", reservedPrefix)
	}
	e, err := encode(data)
	if err != nil {
		return nil, err
	}
	var s sending
	for _, option := range options {
		option(&s)
	}
	return &wire.Message{
		Route:      to.route,
		Pid:        to.pid,
		Connection: to.connection,
		Encoding:   e.Encoding.wire(),
		Action:     action,
		Others:     s.others,
		Data:       e.Bytes,
	}, nil
}

func (m *Messenger) cast(ctx context.Context, to To, action string, data any, options []Option) error {
	message, err := newMessage(to, action, data, options)
	if err != nil {
		return err
	}
	m.mu.Lock()
	m.lastID++
	message.Id = m.lastID
	m.remembered[message.Id] = action
	delete(m.remembered, message.Id-rememberedMax)
	m.mu.Unlock()
	return m.send(ctx, message)
}

func (m *Messenger) ask(ctx context.Context, message *wire.Message) answer {
	answered := make(chan answer, 1)
	m.mu.Lock()
	m.lastID++
	message.Id = m.lastID
	m.waiters[message.Id] = answered
	m.mu.Unlock()
	if err := m.send(ctx, message); err != nil {
		m.waiter(message.Id)
		return answer{err: err}
	}
	select {
	case a := <-answered:
		return a
	case <-ctx.Done():
		m.waiter(message.Id)
		return answer{err: ctx.Err()}
	}
}

func (m *Messenger) send(ctx context.Context, message *wire.Message) error {
	b, err := m.pack(message)
	if err != nil {
		return err
	}
	return m.outbox.pushInTurn(ctx, waiting{b, message.Id})
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

// --- receiving

func (m *Messenger) take(f *wire.Frame) error {
	switch body := f.GetBody().(type) {
	case *wire.Frame_Message:
		m.takeMessage(body.Message, senderOf(f.GetSender()))
	case *wire.Frame_Receipt:
		r := body.Receipt
		m.answered(r.GetId(), answer{receipt: Receipt{r.GetQueued(), r.GetHeld()}})
	case *wire.Frame_Fault:
		m.refused(body.Fault)
	case *wire.Frame_Drain:
		m.drainOnce.Do(func() {
			m.mu.Lock()
			m.drain = Drain{time.Duration(body.Drain.GetDeadlineMs()) * time.Millisecond, body.Drain.GetCause()}
			m.mu.Unlock()
			close(m.draining)
		})
	case *wire.Frame_Ping:
		return m.control(&wire.Frame{Body: &wire.Frame_Pong{Pong: &wire.Pong{Nonce: body.Ping.GetNonce()}}})
	case *wire.Frame_Goodbye:
		return fmt.Errorf("%w: the broker said goodbye", ErrClosed)
	}
	// What a newer broker says and we do not know is not for us.
	return nil
}

func (m *Messenger) takeMessage(w *wire.Message, sender Sender) {
	message := Message{w.GetAction(), encodingOf(w.GetEncoding()), w.GetData(), sender}
	switch {
	case w.GetRoute() == routeReply && w.GetError() != "":
		m.answered(w.GetInReplyTo(), answer{err: &RemoteError{w.GetError()}})
	case w.GetRoute() == routeReply:
		m.answered(w.GetInReplyTo(), answer{reply: message})
	default:
		if w.GetWant() == wire.Want_WANT_REPLY {
			go m.answerTo(w, message)
		}
		// Only the broker's own word counts.
		if message.Action == "egg-pids" && sender.Role == RoleMaster {
			m.news(message.Data)
		}
		m.listeners.deliver(message)
	}
}

func (m *Messenger) news(data []byte) {
	var pids wire.Pids
	if err := proto.Unmarshal(data, &pids); err != nil {
		m.options.Logger.Printf("henhouse: egg-pids cannot be read: %v", err)
		return
	}
	peer := func(p *wire.Member) Peer { return Peer{p.GetPid(), p.GetConnection(), p.GetIndex()} }
	var peers Peers
	for _, p := range pids.GetWorker() {
		peers.Workers = append(peers.Workers, peer(p))
	}
	if pids.Agent != nil {
		agent := peer(pids.Agent)
		peers.Agent = &agent
	}
	m.mu.Lock()
	m.peers = peers
	m.mu.Unlock()
}

// errNoHandler is what every client says to a question that it has no answer handler for.
var errNoHandler = errors.New("no handler")

func (m *Messenger) answerTo(request *wire.Message, message Message) {
	m.mu.Lock()
	handler, ok := m.answers[message.Action]
	m.mu.Unlock()
	var data any
	err := errNoHandler
	if ok {
		data, err = guarded(handler, message)
	}
	if err == nil {
		err = m.reply(request, message.Sender, data, "")
	}
	if err != nil {
		m.options.Logger.Printf("henhouse: the answer to %s failed: %v", message.Action, err)
		// Where this fails too the connection is gone, and with it the one that asked.
		_ = m.reply(request, message.Sender, nil, err.Error())
	}
}

func (m *Messenger) reply(request *wire.Message, asker Sender, data any, failure string) error {
	e, err := encode(data)
	if err != nil {
		return err
	}
	b, err := m.pack(&wire.Message{
		Route:      routeReply,
		Connection: asker.Connection,
		InReplyTo:  request.GetId(),
		Action:     request.GetAction(),
		Encoding:   e.Encoding.wire(),
		Data:       e.Bytes,
		Error:      failure,
	})
	if err != nil {
		return err
	}
	return m.outbox.push(waiting{bytes: b})
}

func (m *Messenger) call(handler func(Message) error, message Message) {
	_, err := guarded(func(message Message) (struct{}, error) { return struct{}{}, handler(message) }, message)
	if err != nil {
		m.options.Logger.Printf("henhouse: a listener of %s failed: %v", message.Action, err)
	}
}

func (m *Messenger) waiter(id uint64) chan<- answer {
	m.mu.Lock()
	defer m.mu.Unlock()
	w := m.waiters[id]
	delete(m.waiters, id)
	return w
}

func (m *Messenger) answered(id uint64, a answer) bool {
	w := m.waiter(id)
	if w == nil {
		return false
	}
	w <- a
	return true
}

func (m *Messenger) refused(f *wire.Fault) {
	err := refused(f)
	if m.answered(f.GetId(), answer{err: err}) {
		return
	}
	m.mu.Lock()
	action := m.remembered[f.GetId()]
	m.mu.Unlock()
	m.options.Logger.Printf("henhouse: a message %q was refused: %v", action, err)
	if m.options.OnRefused != nil {
		m.options.OnRefused(err, action)
	}
}

// --- the connection's life

func (m *Messenger) open(ctx context.Context) (*connection, error) {
	conn, err := open(ctx, m.path, m.hello)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	m.conn = conn
	ready := m.saidReady
	m.mu.Unlock()
	var first []waiting
	if ready {
		b, err := pack(&wire.Frame{Body: &wire.Frame_Ready{Ready: &wire.Ready{}}})
		if err != nil {
			return nil, err
		}
		first = append(first, waiting{bytes: b})
	}
	m.outbox.startAgain(first...)
	return conn, nil
}

func (m *Messenger) live(conn *connection) {
	for {
		err := m.converse(conn)
		m.mu.Lock()
		leaving := m.leaving
		m.mu.Unlock()
		if leaving {
			m.end(nil)
			return
		}
		if !m.options.Reconnect || final(err) {
			m.end(err)
			return
		}
		if conn, err = m.comeBack(err); err != nil {
			if errors.Is(err, errLeaving) {
				err = nil
			}
			m.end(err)
			return
		}
		if m.options.OnRestored != nil {
			m.options.OnRestored()
		}
	}
}

// converse lives through one connection, and gives why it ended.
func (m *Messenger) converse(conn *connection) error {
	stop, written := make(chan struct{}), make(chan struct{})
	go func() {
		m.outbox.writeTo(conn, stop)
		close(written)
	}()
	// The writer has ended before anybody sends again what it did not write.
	defer func() {
		conn.Close()
		close(stop)
		<-written
	}()
	for {
		f, err := conn.next()
		if err == nil {
			err = m.take(f)
		}
		if err != nil {
			return err
		}
		m.listeners.backlog.waitForRoom()
	}
}

// errLeaving ends the way back: nobody wants to come back any more.
var errLeaving = errors.New("henhouse: closed while away")

func (m *Messenger) comeBack(lost error) (*connection, error) {
	m.options.Logger.Printf("henhouse: lost the broker, trying to come back: %v", lost)
	// What had left is answered by nobody now; what had not is sent again.
	unsent := m.outbox.ids()
	m.fail(ErrClosed, func(id uint64) bool { return !unsent[id] })
	for most := reconnectMin; ; most *= 2 {
		if most > reconnectMax {
			most = reconnectMax
		}
		// Jitter, so that all the processes of a broker do not come back in one moment.
		time.Sleep(most/2 + time.Duration(rand.Int63n(int64(most/2))))
		m.mu.Lock()
		leaving := m.leaving
		m.mu.Unlock()
		if leaving {
			return nil, errLeaving
		}
		conn, err := m.open(context.Background())
		if err == nil || final(err) {
			return conn, err
		}
	}
}

// fail ends the waiting for those answers.
func (m *Messenger) fail(err error, which func(id uint64) bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, w := range m.waiters {
		if which(id) {
			delete(m.waiters, id)
			w <- answer{err: err}
		}
	}
}

func (m *Messenger) end(err error) {
	m.outbox.close()
	m.mu.Lock()
	m.err = err
	m.mu.Unlock()
	if err == nil {
		err = ErrClosed
	}
	m.fail(err, func(uint64) bool { return true })
	m.listeners.end()
	close(m.done)
	if m.Err() != nil && m.child {
		m.options.Logger.Printf("henhouse: the master is gone: %v", m.Err())
		os.Exit(masterLostExit)
	}
}

func (m *Messenger) welcome() *wire.Welcome {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.conn.welcome
}

func senderOf(s *wire.Sender) Sender {
	role := RoleOperator
	switch s.GetRole() {
	case wire.Role_ROLE_AGENT:
		role = RoleAgent
	case wire.Role_ROLE_WORKER:
		role = RoleWorker
	case wire.Role_ROLE_MASTER:
		role = RoleMaster
	}
	return Sender{s.GetPid(), role, s.GetConnection()}
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
