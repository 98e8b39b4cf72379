package henhouse

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/henhouse/henhouse/examples/go/internal/wire"
)

const (
	// An action's name may be as long as a file's.
	actionBytesMax = 255
	reservedPrefix = "egg-"

	timeoutMax = (1<<32 - 1) * time.Millisecond
)

// newMessage is a message on its way out, but for its number and what its sender wants.
func newMessage(to To, action string, data any, options []Option) (*wire.Message, error) {
	if err := checkAction(action); err != nil {
		return nil, err
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

func checkAction(action string) error {
	switch {
	case action == "":
		return errors.New("henhouse: a message needs an action")
	case len(action) > actionBytesMax:
		return errors.New("henhouse: the action is too long")
	case strings.HasPrefix(action, reservedPrefix):
		return fmt.Errorf("henhouse: actions that begin with %s are the broker's", reservedPrefix)
	}
	return nil
}

// milliseconds is at least 1: 0 would be the broker's own time.
func milliseconds(timeout time.Duration) uint32 {
	switch {
	case timeout < time.Millisecond:
		return 1
	case timeout > timeoutMax:
		timeout = timeoutMax
	}
	return uint32(timeout / time.Millisecond)
}
