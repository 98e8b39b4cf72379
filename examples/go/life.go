package henhouse

import (
	"context"
	"fmt"
	"math/rand"
	"os"
	"time"

	"github.com/henhouse/henhouse/examples/go/internal/wire"
)

const (
	// What a process exits with when its master is gone; Egg's agents do so too.
	masterLostExit = 110

	reconnectMin, reconnectMax = 50 * time.Millisecond, 5 * time.Second

	// How long the broker may take to answer our Goodbye.
	goodbyeMax = 5 * time.Second
)

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

// live is the life of the connection: lost, found again, and its end.
func (m *Messenger) live(conn *connection) {
	for {
		err := m.converse(conn)
		if m.leaving.Err() == nil && m.options.Reconnect && !final(err) {
			conn, err = m.comeBack(err)
			if err == nil {
				if m.options.OnRestored != nil {
					m.tell(m.options.OnRestored)
				}
				continue
			}
		}
		if m.leaving.Err() != nil {
			err = nil
		}
		m.end(err)
		return
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
			err = m.heed(f)
		}
		if err != nil {
			return err
		}
		m.listeners.backlog.waitForRoom()
	}
}

// heed does what the broker asks of the connection itself, and hands on the rest.
func (m *Messenger) heed(f *wire.Frame) error {
	switch body := f.GetBody().(type) {
	case *wire.Frame_Ping:
		// Behind our Goodbye nothing is said.
		_ = m.control(&wire.Frame{Body: &wire.Frame_Pong{Pong: &wire.Pong{Nonce: body.Ping.GetNonce()}}})
	case *wire.Frame_Drain:
		m.drainOnce.Do(func() {
			m.mu.Lock()
			m.drain = Drain{time.Duration(body.Drain.GetDeadlineMs()) * time.Millisecond, body.Drain.GetCause()}
			m.mu.Unlock()
			close(m.draining)
		})
	case *wire.Frame_Goodbye:
		return fmt.Errorf("%w: the broker said goodbye", ErrClosed)
	default:
		m.take(f)
	}
	return nil
}

// comeBack looks for the broker until it is there, or nobody wants it any more.
func (m *Messenger) comeBack(lost error) (*connection, error) {
	m.options.Logger.Printf("henhouse: lost the broker, trying to come back: %v", lost)
	// What had left is answered by nobody now; what had not is sent again.
	m.outbox.withUnsent(func(ids map[uint64]bool) { m.pending.fail(ErrClosed, ids) })
	if m.options.OnLost != nil {
		m.tell(func() { m.options.OnLost(lost) })
	}
	for most := reconnectMin; ; most *= 2 {
		if most > reconnectMax {
			most = reconnectMax
		}
		// Jitter, so that all the processes of a broker do not come back in one moment.
		select {
		case <-time.After(most/2 + time.Duration(rand.Int63n(int64(most/2)))):
		case <-m.leaving.Done():
			return nil, m.leaving.Err()
		}
		conn, err := m.open(m.leaving)
		if err == nil && m.leaving.Err() != nil {
			// Closed meanwhile: nobody wants it any more.
			conn.Close()
			err = m.leaving.Err()
		}
		if err == nil || final(err) || m.leaving.Err() != nil {
			return conn, err
		}
	}
}

// Close sends what waits, says Goodbye, and takes what still comes until the broker says it too.
func (m *Messenger) Close() error {
	goodbye, err := pack(&wire.Frame{Body: &wire.Frame_Goodbye{Goodbye: &wire.Goodbye{}}})
	if err != nil {
		return err
	}
	// In this order: whoever comes back just now sees the one, or sends the other.
	m.leave()
	m.outbox.finish(waiting{bytes: goodbye})
	select {
	case <-m.done:
	case <-time.After(goodbyeMax):
		m.connection().Close()
		<-m.done
	}
	return m.Err()
}

func (m *Messenger) end(err error) {
	m.outbox.close()
	m.mu.Lock()
	m.err = err
	m.mu.Unlock()
	m.leave()
	why := err
	if why == nil {
		why = ErrClosed
	}
	m.pending.fail(why, nil)
	m.listeners.end()
	close(m.done)
	if err != nil && m.child {
		m.options.Logger.Printf("henhouse: the master is gone: %v", err)
		os.Exit(masterLostExit)
	}
}

func (m *Messenger) connection() *connection {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.conn
}

func (m *Messenger) welcome() *wire.Welcome { return m.connection().welcome }
