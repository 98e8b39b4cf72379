package henhouse

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/henhouse/henhouse/examples/go/internal/wire"
)

// Nothing here takes a second; on one core that many share, it may.
const patience = 2 * time.Minute

// A broker welcomes one messenger, and says and hears what a test wants; tests/conformance has
// the real one.
type broker struct {
	*testing.T
	net.Conn
	listener net.Listener
}

func join(t *testing.T) (*broker, *Messenger) {
	t.Helper()
	return joinWith(t, Options{})
}

func joinWith(t *testing.T, options Options) (*broker, *Messenger) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	accepted := make(chan *broker)
	go func() { accepted <- accept(t, listener) }()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	options.Role, options.Socket, options.Logger = RoleWorker, path, log.New(io.Discard, "", 0)
	m, err := Join(ctx, options)
	if err != nil {
		t.Fatal(err)
	}
	b := <-accepted
	t.Cleanup(func() {
		b.Close()
		if !options.Reconnect {
			<-m.Done()
		}
	})
	return b, m
}

// accept welcomes whoever comes next.
func accept(t *testing.T, listener net.Listener) *broker {
	conn, err := listener.Accept()
	if err != nil {
		return nil
	}
	conn.SetDeadline(time.Now().Add(patience))
	b := &broker{t, conn, listener}
	if f, err := readFrame(conn, frameBytesMax); err == nil && f.GetHello().GetVersion() == 1 {
		b.says(&wire.Frame{Body: &wire.Frame_Welcome{Welcome: &wire.Welcome{
			Version: 1, Connection: 7, Pid: 42, FrameBytesMax: 1 << 20,
		}}})
	}
	return b
}

func (b *broker) says(f *wire.Frame) {
	raw, err := pack(f)
	if err != nil {
		b.Error(err)
	}
	if _, err := b.Write(raw); err != nil {
		b.Error(err)
	}
}

func (b *broker) hears() *wire.Frame {
	b.Helper()
	f, err := readFrame(b, frameBytesMax)
	if err != nil {
		b.Fatal(err)
	}
	return f
}

func (b *broker) passes(m *wire.Message) {
	sender := &wire.Sender{Pid: 5, Role: wire.Role_ROLE_AGENT, Connection: 3}
	b.says(&wire.Frame{Body: &wire.Frame_Message{Message: m}, Sender: sender})
}

func TestItKnowsWhoItIs(t *testing.T) {
	_, m := join(t)
	if m.PID() != 42 || m.Connection() != 7 || m.Role() != RoleWorker {
		t.Fatal(m.PID(), m.Connection(), m.Role())
	}
}

func TestAVerbIsARoute(t *testing.T) {
	b, m := join(t)
	ctx := context.Background()
	for want, send := range map[wire.Route]func() error{
		routeBroadcast: func() error { return m.Broadcast(ctx, "x", "1", Others()) },
		routeApp:       func() error { return m.SendToApp(ctx, "x", "1") },
		routeAgent:     func() error { return m.SendToAgent(ctx, "x", "1") },
		routeRandom:    func() error { return m.SendRandom(ctx, "x", "1") },
		routePID:       func() error { return m.SendTo(ctx, ToSender(Sender{PID: 9, Connection: 8}), "x", "1") },
	} {
		if err := send(); err != nil {
			t.Fatal(err)
		}
		got := b.hears().GetMessage()
		if got.GetRoute() != want || got.GetOthers() != (want == routeBroadcast) || string(got.GetData()) != "1" {
			t.Error(want, got)
		}
		if want == routePID && (got.GetPid() != 9 || got.GetConnection() != 8) {
			t.Error(got)
		}
	}
}

func TestAListenerHearsInOrderAndAPanicHarmsNobody(t *testing.T) {
	b, m := join(t)
	heard := make(chan string)
	m.On("x", func(m Message) error {
		heard <- m.Text()
		panic("in a listener")
	})
	for _, text := range []string{"1", "2", "3"} {
		b.passes(&wire.Message{Action: "x", Encoding: wire.Encoding_ENCODING_TEXT, Data: []byte(text)})
	}
	for _, want := range []string{"1", "2", "3"} {
		if got := <-heard; got != want {
			t.Fatal(got, want)
		}
	}
}

func TestASubscriptionEndsWithTheMessenger(t *testing.T) {
	b, m := join(t)
	s := m.Listen("x")
	b.passes(&wire.Message{Action: "x"})
	b.Close()
	n := 0
	for range s.C {
		n++
	}
	if n != 1 {
		t.Fatal(n)
	}
}

func TestARequestIsAnsweredAndItsTimeIsTheContexts(t *testing.T) {
	b, m := join(t)
	// An hour, so that the minutes that a busy machine may need do not matter.
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	go func() {
		got := b.hears().GetMessage()
		if ms := got.GetTimeoutMs(); got.GetWant() != wire.Want_WANT_REPLY || ms > 3_600_001 || ms < 3_000_000 {
			t.Error(got)
		}
		b.passes(&wire.Message{Route: routeReply, InReplyTo: got.GetId(), Encoding: wire.Encoding_ENCODING_JSON, Data: []byte("7")})
	}()
	reply, err := m.Request(ctx, ToAgent, "q", nil)
	var seven int
	if err != nil || reply.JSON(&seven) != nil || seven != 7 {
		t.Fatal(reply, err)
	}
}

func TestTheBrokersTimeOutIsTheContexts(t *testing.T) {
	b, m := join(t)
	go func() {
		id := b.hears().GetMessage().GetId()
		b.says(&wire.Frame{Body: &wire.Frame_Fault{Fault: &wire.Fault{Code: wire.Code_CODE_TIMED_OUT, Id: id}}})
	}()
	if _, err := m.Request(context.Background(), ToAgent, "q", nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
}

func TestASenderWaitsWhileTheBrokerHoldsItBack(t *testing.T) {
	_, m := join(t)
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	var err error
	for i := 0; i < 100 && err == nil; i++ {
		err = m.SendToAgent(ctx, "x", make([]byte, 100_000))
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal("ten megabytes found room somewhere:", err)
	}
}

func TestCloseSaysGoodbye(t *testing.T) {
	b, m := join(t)
	go func() {
		for b.hears().GetGoodbye() == nil {
		}
		b.says(&wire.Frame{Body: &wire.Frame_Goodbye{Goodbye: &wire.Goodbye{}}})
	}()
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if err := m.SendToAgent(context.Background(), "x", nil); !errors.Is(err, ErrClosed) {
		t.Fatal(err)
	}
}

func TestItClosesAtOnceWhileItIsAway(t *testing.T) {
	lost := make(chan error, 1)
	b, m := joinWith(t, Options{Reconnect: true, OnLost: func(err error) { lost <- err }})
	b.Close()
	if err := <-lost; !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	// Taken and never welcomed: whoever waited for that would wait for ever.
	if _, err := b.listener.Accept(); err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
}

func isFull(o *outbox) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.full()
}

func TestARequestThatWaitsForRoomIsNotLostWithTheConnection(t *testing.T) {
	b, m := joinWith(t, Options{Reconnect: true})
	flood, cancel := context.WithCancel(context.Background())
	defer cancel()
	full := make(chan struct{})
	go func() {
		for m.SendToAgent(flood, "x", make([]byte, 100_000)) == nil {
			if isFull(m.outbox) {
				close(full)
				return
			}
		}
	}()
	<-full
	replied := make(chan error, 1)
	waits, cancelWait := context.WithTimeout(context.Background(), patience)
	defer cancelWait()
	go func() {
		_, err := m.Request(waits, ToAgent, "q", "1")
		replied <- err
	}()
	b.Close()
	back := accept(t, b.listener)
	var id uint64
	for id == 0 {
		if got := back.hears().GetMessage(); got.GetAction() == "q" {
			id = got.GetId()
		}
	}
	back.passes(&wire.Message{Route: routeReply, InReplyTo: id})
	if err := <-replied; err != nil {
		t.Fatal(err)
	}
	back.says(&wire.Frame{Body: &wire.Frame_Fault{Fault: &wire.Fault{Code: wire.Code_CODE_FORBIDDEN, Fatal: true}}})
	<-m.Done()
}

func TestAHandlerOfRefusalsThatPanicsEndsNothing(t *testing.T) {
	b, m := joinWith(t, Options{OnRefused: func(*RefusedError, string) { panic("in a handler") }})
	s := m.Listen("x")
	b.says(&wire.Frame{Body: &wire.Frame_Fault{Fault: &wire.Fault{Code: wire.Code_CODE_GONE}}})
	b.passes(&wire.Message{Action: "x"})
	if _, ok := <-s.C; !ok {
		t.Fatal("it has ended")
	}
}

func TestDataFindsItsEncodingByItsType(t *testing.T) {
	for _, c := range []struct {
		data     any
		encoding Encoding
		bytes    string
	}{
		{nil, Bytes, ""},
		{[]byte("b"), Bytes, "b"},
		{"t", Text, "t"},
		{map[string]int{"a": 1}, JSON, `{"a":1}`},
		{7, JSON, "7"},
		{&wire.Ping{Nonce: 1}, Protobuf, "\x08\x01"},
		{Encoded{JSON, []byte("null")}, JSON, "null"},
	} {
		got, err := encode(c.data)
		if err != nil || got.Encoding != c.encoding || string(got.Bytes) != c.bytes {
			t.Error(c.data, got, err)
		}
	}
	if _, err := encode(make(chan int)); err == nil {
		t.Error("a channel was encoded")
	}
}

func TestALengthOverTheLimitIsRefusedBeforeAnythingIsHeldForIt(t *testing.T) {
	if _, err := readFrame(bytes.NewReader([]byte{0xff, 0xff, 0xff, 0xff}), frameBytesMax); err == nil {
		t.Fatal("taken")
	}
}

func TestNobodysSocketsAreTaken(t *testing.T) {
	t.Setenv("LISTEN_FDS", "1")
	t.Setenv("LISTEN_PID", strconv.Itoa(os.Getpid()+1_000_000))
	if l, err := InheritedListener(""); l != nil || err != nil {
		t.Fatal(l, err)
	}
}
