package henhouse

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/henhouse/henhouse/examples/go/internal/wire"
)

const version = 1

// A connection is one connection to the broker, from Hello to its end.
type connection struct {
	net.Conn
	reader  *bufio.Reader
	welcome *wire.Welcome
}

// open says Hello and waits for Welcome.
func open(ctx context.Context, path string, hello *wire.Hello) (*connection, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	c := &connection{Conn: conn, reader: bufio.NewReaderSize(conn, 64<<10)}
	if err := c.introduce(ctx, hello); err != nil {
		conn.Close()
		return nil, err
	}
	return c, nil
}

func (c *connection) introduce(ctx context.Context, hello *wire.Hello) error {
	// A context that ends while we wait closes the connection, which ends the wait.
	welcomed := make(chan struct{})
	defer close(welcomed)
	go func() {
		select {
		case <-ctx.Done():
			c.Close()
		case <-welcomed:
		}
	}()
	b, err := pack(&wire.Frame{Body: &wire.Frame_Hello{Hello: hello}})
	if err != nil {
		return err
	}
	if _, err := c.Write(b); err != nil {
		return err
	}
	for c.welcome == nil {
		f, err := c.read(frameBytesMax)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return err
		}
		c.welcome = f.GetWelcome()
	}
	return nil
}

// next gives the next frame, or why there is none.
func (c *connection) next() (*wire.Frame, error) { return c.read(c.welcome.GetFrameBytesMax()) }

func (c *connection) read(max uint32) (*wire.Frame, error) {
	f, err := readFrame(c.reader, max)
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: the broker closed it", ErrClosed)
	}
	if err != nil {
		return nil, err
	}
	if fault := f.GetFault(); fault.GetFatal() {
		// The last frame: the socket's end follows, and this is why.
		return nil, refused(fault)
	}
	return f, nil
}
