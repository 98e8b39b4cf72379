package henhouse

import "sync"

// Of so many messages that nobody waits for we remember the action, to name it in a refusal.
const rememberedMax = 1024

// An answer is what a message that wanted one gets, once.
type answer struct {
	receipt Receipt
	reply   Message
	err     error
}

// A pending is what we have sent and may hear of again: who waits for word, and what a refusal
// was about.
type pending struct {
	mu         sync.Mutex
	waiters    map[uint64]chan<- answer
	remembered map[uint64]string
}

func newPending() *pending {
	return &pending{waiters: make(map[uint64]chan<- answer), remembered: make(map[uint64]string)}
}

// wait gives what comes of the message with that id to the channel, which has room for it.
func (p *pending) wait(id uint64, answered chan<- answer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiters[id] = answered
}

// forget ends a waiting that nobody is interested in any more.
func (p *pending) forget(id uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.waiters, id)
}

// tell tells the one who waits, where somebody does.
func (p *pending) tell(id uint64, a answer) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	w, waits := p.waiters[id]
	if waits {
		delete(p.waiters, id)
		w <- a
	}
	return waits
}

// fail ends the waiting of all but those for these ids.
func (p *pending) fail(err error, but map[uint64]bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, w := range p.waiters {
		if !but[id] {
			delete(p.waiters, id)
			w <- answer{err: err}
		}
	}
}

// remember is for messages that nobody waits for: a refusal will name the action.
func (p *pending) remember(id uint64, action string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.remembered[id] = action
	delete(p.remembered, id-rememberedMax)
}

func (p *pending) actionOf(id uint64) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.remembered[id]
}
