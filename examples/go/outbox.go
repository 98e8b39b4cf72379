package henhouse

import (
	"context"
	"net"
	"sync"
)

// Past so many bytes a sender waits: the broker holds us back, and memory is finite.
const outboxBytesMax = 1 << 20

// A waiting frame has not left, or not all of it.
type waiting struct {
	bytes []byte
	id    uint64 // our number for the message; 0 for a frame that makes no sense on another connection
}

// An outbox keeps what has not left yet, so that a new connection can send it again.
type outbox struct {
	mu      sync.Mutex
	queue   []waiting
	bytes   int
	closed  bool
	changed chan struct{} // closed and made anew at every change
}

func newOutbox() *outbox { return &outbox{changed: make(chan struct{})} }

// push queues, whatever waits already: for frames that must not wait for room.
func (o *outbox) push(w waiting) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return ErrClosed
	}
	o.add(w)
	return nil
}

// pushInTurn waits while too much waits to leave. It calls queued in the very moment that the
// frame is: nobody can lose it before.
func (o *outbox) pushInTurn(ctx context.Context, w waiting, queued func()) error {
	for {
		o.mu.Lock()
		if o.closed {
			o.mu.Unlock()
			return ErrClosed
		}
		if !o.full() {
			queued()
			o.add(w)
			o.mu.Unlock()
			return nil
		}
		changed := o.changed
		o.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// writeTo writes what comes until the connection fails or stop is closed.
func (o *outbox) writeTo(c net.Conn, stop <-chan struct{}) {
	for {
		o.mu.Lock()
		queue, changed := o.queue, o.changed
		o.mu.Unlock()
		if len(queue) == 0 {
			select {
			case <-changed:
				continue
			case <-stop:
				return
			}
		}
		batch := make(net.Buffers, len(queue))
		for i, w := range queue {
			batch[i] = w.bytes
		}
		// A frame that did not leave whole stays: the reader meets the connection's end and says why.
		written, err := batch.WriteTo(c)
		o.left(written)
		if err != nil {
			return
		}
	}
}

// left takes away the frames of which the last byte has left.
func (o *outbox) left(written int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.queue) > 0 && written >= int64(len(o.queue[0].bytes)) {
		written -= int64(len(o.queue[0].bytes))
		o.bytes -= len(o.queue[0].bytes)
		o.queue = o.queue[1:]
	}
	o.tell()
}

// startAgain is for a new connection: first, then what had not left of what makes sense on it.
func (o *outbox) startAgain(first ...waiting) {
	o.mu.Lock()
	defer o.mu.Unlock()
	old := o.queue
	o.queue, o.bytes = nil, 0
	for _, w := range first {
		o.add(w)
	}
	for _, w := range old {
		if w.id != 0 {
			o.add(w)
		}
	}
}

// withUnsent calls f with the messages that have not left; none is queued meanwhile.
func (o *outbox) withUnsent(f func(ids map[uint64]bool)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	ids := make(map[uint64]bool, len(o.queue))
	for _, w := range o.queue {
		ids[w.id] = true
	}
	f(ids)
}

// finish queues the last frame: what comes later is refused.
func (o *outbox) finish(last waiting) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.closed {
		o.closed = true
		o.add(last)
	}
}

// close drops what waits: nothing will leave any more.
func (o *outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.queue, o.bytes, o.closed = nil, 0, true
	o.tell()
}

func (o *outbox) full() bool { return o.bytes >= outboxBytesMax }

func (o *outbox) add(w waiting) {
	o.queue = append(o.queue, w)
	o.bytes += len(w.bytes)
	o.tell()
}

func (o *outbox) tell() {
	close(o.changed)
	o.changed = make(chan struct{})
}
