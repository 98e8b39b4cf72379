package henhouse

import (
	"errors"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/henhouse/henhouse/examples/go/internal/wire"
)

// A handler's error is cut here: it is for people to read.
const errorBytesMax = 1024

// take hands on what others say to us: messages to who listens, requests to their handlers,
// replies to who asked.
func (m *Messenger) take(f *wire.Frame) {
	switch body := f.GetBody().(type) {
	case *wire.Frame_Message:
		m.takeMessage(body.Message, senderOf(f.GetSender()))
	case *wire.Frame_Receipt:
		r := body.Receipt
		m.pending.tell(r.GetId(), answer{receipt: Receipt{r.GetQueued(), r.GetHeld()}})
	case *wire.Frame_Fault:
		m.refused(body.Fault)
	}
	// What a newer broker says and we do not know is not for us.
}

func (m *Messenger) takeMessage(w *wire.Message, sender Sender) {
	message := Message{w.GetAction(), encodingOf(w.GetEncoding()), w.GetData(), sender}
	switch {
	case w.GetRoute() == routeReply && w.GetError() != "":
		m.pending.tell(w.GetInReplyTo(), answer{err: &RemoteError{w.GetError()}})
	case w.GetRoute() == routeReply:
		m.pending.tell(w.GetInReplyTo(), answer{reply: message})
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

func (m *Messenger) refused(f *wire.Fault) {
	err := refused(f)
	if m.pending.tell(f.GetId(), answer{err: err}) {
		return
	}
	action := m.pending.actionOf(f.GetId())
	m.options.Logger.Printf("henhouse: a message %q was refused: %v", action, err)
	if m.options.OnRefused != nil {
		m.tell(func() { m.options.OnRefused(err, action) })
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
		_ = m.reply(request, message.Sender, nil, reason(err))
	}
}

// reason is what the asker gets to read.
func reason(err error) string {
	text := strings.ToValidUTF8(err.Error(), "\uFFFD")
	if len(text) > errorBytesMax {
		text = strings.ToValidUTF8(text[:errorBytesMax], "")
	}
	if text == "" {
		// No error is what an empty one means on the wire.
		return "an error without words"
	}
	return text
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

// tell calls a handler of the connection's own events. One that panics is logged.
func (m *Messenger) tell(handler func()) {
	defer func() {
		if p := recover(); p != nil {
			m.options.Logger.Printf("henhouse: a handler of the connection's own events failed: %v", p)
		}
	}()
	handler()
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
