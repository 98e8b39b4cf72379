// The Go client under the conformance suite: commands in, events out, as
// tests/conformance/README.md says.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log"
	"math"
	"os"
	"sync"
	"time"

	henhouse "github.com/henhouse/henhouse/examples/go"
)

// Long data is so many of this byte: nobody wants it on a line.
var fill = []byte("a")

type object map[string]any

// A command is all that any command may carry.
type command struct {
	N          int             `json:"n"`
	Do         string          `json:"do"`
	Socket     string          `json:"socket"`
	Role       string          `json:"role"`
	Name       string          `json:"name"`
	Reconnect  bool            `json:"reconnect"`
	Action     string          `json:"action"`
	Throws     bool            `json:"throws"`
	How        string          `json:"how"`
	To         string          `json:"to"`
	PID        uint32          `json:"pid"`
	Connection uint64          `json:"connection"`
	Encoding   string          `json:"encoding"`
	JSON       json.RawMessage `json:"json"`
	Text       string          `json:"text"`
	Hex        string          `json:"hex"`
	Fill       *int            `json:"fill"`
	Others     bool            `json:"others"`
	Confirm    bool            `json:"confirm"`
	TimeoutMS  int             `json:"timeout_ms"`
	Reason     string          `json:"reason"`
}

var (
	messenger *henhouse.Messenger
	out       = json.NewEncoder(os.Stdout)
	outMu     sync.Mutex
)

func say(line object) {
	outMu.Lock()
	defer outMu.Unlock()
	if err := out.Encode(line); err != nil {
		log.Fatal(err)
	}
}

func (c command) data() (any, error) {
	switch c.Encoding {
	case "json":
		// Through Go's own values, as a program would send them. Its client takes a string for
		// text and nil for no data, so that JSON's are named.
		var v any
		if err := json.Unmarshal(c.JSON, &v); err != nil {
			return nil, err
		}
		b, err := json.Marshal(v)
		return henhouse.Encoded{Encoding: henhouse.JSON, Bytes: b}, err
	case "text":
		return c.Text, nil
	}
	data, err := hex.DecodeString(c.Hex)
	if c.Fill != nil {
		data = bytes.Repeat(fill, *c.Fill)
	}
	return henhouse.Encoded{Encoding: henhouse.Encoding(c.Encoding), Bytes: data}, err
}

func shown(event object, m henhouse.Message) object {
	event["encoding"] = m.Encoding
	switch {
	case len(m.Data) > 4096:
		event["fill"] = nil
		if bytes.Count(m.Data, fill) == len(m.Data) {
			event["fill"] = len(m.Data)
		}
	case m.Encoding == henhouse.JSON:
		var v any
		if err := m.JSON(&v); err != nil {
			event["error"] = err.Error()
		}
		event["json"] = v
	case m.Encoding == henhouse.Text:
		event["text"] = m.Text()
	default:
		event["hex"] = hex.EncodeToString(m.Data)
	}
	return event
}

func heard(m henhouse.Message) {
	event := object{
		"event": "message", "action": m.Action,
		"from": object{"pid": m.Sender.PID, "role": m.Sender.Role, "connection": m.Sender.Connection},
	}
	if m.Action != "egg-pids" {
		say(shown(event, m))
		return
	}
	workers, peers := []uint32{}, messenger.Peers()
	for _, p := range peers.Workers {
		workers = append(workers, p.PID)
	}
	var agent *uint32
	if peers.Agent != nil {
		agent = &peers.Agent.PID
	}
	event["pids"] = object{"workers": workers, "agent": agent}
	say(event)
}

func (c command) target() henhouse.To {
	switch c.To {
	case "broadcast":
		return henhouse.ToBroadcast
	case "app":
		return henhouse.ToApp
	case "agent":
		return henhouse.ToAgent
	case "random":
		return henhouse.ToRandom
	}
	if c.Connection != 0 {
		return henhouse.ToSender(henhouse.Sender{PID: c.PID, Connection: c.Connection})
	}
	return henhouse.ToPID(c.PID)
}

func code(err error) string {
	var refused *henhouse.RefusedError
	var remote *henhouse.RemoteError
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "TIMED_OUT"
	case errors.As(err, &refused):
		return refused.Code
	case errors.As(err, &remote):
		return "REMOTE"
	case errors.Is(err, henhouse.ErrClosed):
		return "CLOSED"
	}
	return "HERE"
}

func join(ctx context.Context, c command) (object, error) {
	var err error
	messenger, err = henhouse.Join(ctx, henhouse.Options{
		Role: henhouse.Role(c.Role), Socket: c.Socket, Name: c.Name, Reconnect: c.Reconnect,
		Logger: log.New(io.Discard, "", 0),
		OnRefused: func(err *henhouse.RefusedError, action string) {
			say(object{"event": "refused", "code": err.Code, "action": action})
		},
		OnLost: func(error) { say(object{"event": "lost"}) },
		OnRestored: func() {
			say(object{"event": "restored", "pid": messenger.PID(), "connection": messenger.Connection()})
		},
	})
	if err != nil {
		return nil, err
	}
	go func() {
		<-messenger.Draining()
		d := messenger.Drain()
		say(object{"event": "drain", "deadline_ms": d.Deadline.Milliseconds(), "cause": d.Cause})
	}()
	go func() {
		<-messenger.Done()
		var why any
		if err := messenger.Err(); err != nil {
			why = code(err)
		}
		say(object{"event": "closed", "code": why})
	}()
	return object{"pid": messenger.PID(), "connection": messenger.Connection(), "master_pid": messenger.MasterPID()}, nil
}

func answer(c command) {
	messenger.Answer(c.Action, func(m henhouse.Message) (any, error) {
		heard(m)
		switch c.How {
		case "fail":
			return nil, errors.New("the handler failed")
		case "hold":
			select {}
		}
		return henhouse.Encoded{Encoding: m.Encoding, Bytes: m.Data}, nil
	})
}

func send(ctx context.Context, c command) (object, error) {
	data, err := c.data()
	if err != nil {
		return nil, err
	}
	var options []henhouse.Option
	if c.Others {
		options = append(options, henhouse.Others())
	}
	if c.Confirm {
		r, err := messenger.Confirm(ctx, c.target(), c.Action, data, options...)
		return object{"queued": r.Queued, "held": r.Held}, err
	}
	switch c.To {
	case "broadcast":
		return nil, messenger.Broadcast(ctx, c.Action, data, options...)
	case "app":
		return nil, messenger.SendToApp(ctx, c.Action, data, options...)
	case "agent":
		return nil, messenger.SendToAgent(ctx, c.Action, data)
	case "random":
		return nil, messenger.SendRandom(ctx, c.Action, data)
	}
	return nil, messenger.SendTo(ctx, c.target(), c.Action, data)
}

func request(ctx context.Context, c command) (object, error) {
	data, err := c.data()
	if err != nil {
		return nil, err
	}
	timeout := 2 * time.Minute
	if c.TimeoutMS != 0 {
		timeout = time.Duration(c.TimeoutMS) * time.Millisecond
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	reply, err := messenger.Request(ctx, c.target(), c.Action, data)
	if err != nil {
		return nil, err
	}
	return shown(object{}, reply), nil
}

func run(c command) (object, error) {
	ctx := context.Background()
	listener := func(m henhouse.Message) error {
		heard(m)
		if c.Throws {
			panic("thrown by a listener, as the case asks")
		}
		return nil
	}
	switch c.Do {
	case "join":
		return join(ctx, c)
	case "on":
		messenger.On(c.Action, listener)
	case "once":
		messenger.Once(c.Action, listener)
	case "answer":
		answer(c)
	case "ready":
		return nil, messenger.Ready()
	case "send":
		return send(ctx, c)
	case "request":
		return request(ctx, c)
	case "failing":
		return nil, messenger.Failing(c.Reason)
	case "close":
		return nil, messenger.Close()
	}
	return nil, nil
}

func finish(c command, ok object, err error) {
	switch {
	case err != nil:
		say(object{"n": c.N, "error": object{"code": code(err), "detail": err.Error()}})
	case ok == nil:
		say(object{"n": c.N, "ok": object{}})
	default:
		say(object{"n": c.N, "ok": ok})
	}
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, math.MaxInt32)
	for lines.Scan() {
		var c command
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			log.Fatal(err)
		}
		if c.Do == "request" || c.Do == "close" || c.Confirm {
			// Not awaited: a request is under way while this very process gives its answer.
			go func() {
				ok, err := run(c)
				finish(c, ok, err)
			}()
			continue
		}
		// In order: the next line is sent after this one.
		ok, err := run(c)
		finish(c, ok, err)
	}
}
