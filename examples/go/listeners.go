package henhouse

import (
	"fmt"
	"sync"
)

// While so many bytes wait for handlers, nothing more is read.
const backlogBytesMax = 64 << 20

// A Subscription gives the messages of one action, in order. It has a queue of its own: one
// that does not read delays nobody else, until the queues of all are at their limit.
type Subscription struct {
	// C is closed when the messenger ends, or by Off.
	C <-chan Message

	queue *queue
	off   func()
}

// Off ends the subscription; what waits is dropped.
func (s *Subscription) Off() { s.off() }

// listeners are all who listen, by action.
type listeners struct {
	mu       sync.Mutex
	byAction map[string][]*Subscription
	ended    bool
	backlog  backlog
}

func newListeners() *listeners {
	l := &listeners{byAction: make(map[string][]*Subscription)}
	l.backlog.room.L = &l.backlog.mu
	return l
}

func (l *listeners) listen(action string) *Subscription {
	c := make(chan Message)
	s := &Subscription{C: c, queue: newQueue(&l.backlog)}
	gone := make(chan struct{})
	var once sync.Once
	s.off = func() {
		once.Do(func() {
			l.remove(action, s)
			close(gone)
			s.queue.drop()
		})
	}
	l.mu.Lock()
	l.byAction[action] = append(l.byAction[action], s)
	if l.ended {
		s.queue.end()
	}
	l.mu.Unlock()
	go func() {
		defer close(c)
		for {
			m, ok := s.queue.next()
			if !ok {
				return
			}
			select {
			case c <- m:
			case <-gone:
				return
			}
		}
	}()
	return s
}

// deliver queues the message for everybody who listens, and waits for none of them.
func (l *listeners) deliver(m Message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.byAction[m.Action] {
		s.queue.put(m)
	}
}

// end lets what waits come, and then closes the channels.
func (l *listeners) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	for _, listening := range l.byAction {
		for _, s := range listening {
			s.queue.end()
		}
	}
}

func (l *listeners) remove(action string, gone *Subscription) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var left []*Subscription
	for _, s := range l.byAction[action] {
		if s != gone {
			left = append(left, s)
		}
	}
	l.byAction[action] = left
}

// guarded turns a handler's panic into an error: it harms nobody else.
func guarded[T any](handler func(Message) (T, error), m Message) (result T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return handler(m)
}

// A backlog is how much waits in all queues together.
type backlog struct {
	mu    sync.Mutex
	room  sync.Cond
	bytes int
}

func (b *backlog) add(bytes int) {
	b.mu.Lock()
	b.bytes += bytes
	b.mu.Unlock()
	b.room.Broadcast()
}

func (b *backlog) waitForRoom() {
	b.mu.Lock()
	for b.bytes > backlogBytesMax {
		b.room.Wait()
	}
	b.mu.Unlock()
}

// A queue holds what one listener has not taken.
type queue struct {
	backlog  *backlog
	mu       sync.Mutex
	arrived  sync.Cond
	messages []Message
	ended    bool
}

func newQueue(b *backlog) *queue {
	q := &queue{backlog: b}
	q.arrived.L = &q.mu
	return q
}

func (q *queue) put(m Message) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.ended {
		q.messages = append(q.messages, m)
		q.backlog.add(len(m.Data))
		q.arrived.Signal()
	}
}

func (q *queue) next() (Message, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.messages) == 0 && !q.ended {
		q.arrived.Wait()
	}
	if len(q.messages) == 0 {
		return Message{}, false
	}
	m := q.messages[0]
	q.messages = q.messages[1:]
	q.backlog.add(-len(m.Data))
	return m, true
}

func (q *queue) end() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ended = true
	q.arrived.Signal()
}

func (q *queue) drop() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, m := range q.messages {
		q.backlog.add(-len(m.Data))
	}
	q.messages, q.ended = nil, true
	q.arrived.Signal()
}
