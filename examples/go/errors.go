package henhouse

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/henhouse/henhouse/examples/go/internal/wire"
)

// ErrClosed is what calls end with when the connection has ended, here or there.
var ErrClosed = errors.New("henhouse: the connection has ended")

// A RefusedError is the broker's: it refused a message, a request or the connection.
type RefusedError struct {
	Code   string // the schema's code without its prefix, such as NO_SUCH_PROCESS
	Detail string
	Fatal  bool
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("henhouse: %s: %s", e.Code, e.Detail)
}

// Is makes the broker's clock and the context's own one and the same to a caller.
func (e *RefusedError) Is(target error) bool {
	return target == context.DeadlineExceeded && e.Code == "TIMED_OUT"
}

// A RemoteError is the text that the process which was asked failed with.
type RemoteError struct{ Text string }

func (e *RemoteError) Error() string { return "henhouse: the answer failed: " + e.Text }

func refused(f *wire.Fault) *RefusedError {
	// A code from a newer broker has no name here, and String gives its number.
	code := strings.TrimPrefix(f.GetCode().String(), "CODE_")
	return &RefusedError{Code: code, Detail: f.GetDetail(), Fatal: f.GetFatal()}
}

// final says whether a refusal would be the same the next time.
func final(err error) bool {
	var r *RefusedError
	if !errors.As(err, &r) {
		return false
	}
	switch r.Code {
	case "UNSUPPORTED_VERSION", "NOT_REGISTERED", "MALFORMED", "TOO_LARGE", "FORBIDDEN":
		return true
	}
	return false
}
