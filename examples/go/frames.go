package henhouse

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"google.golang.org/protobuf/proto"

	"github.com/henhouse/henhouse/examples/go/internal/wire"
)

const (
	prefixBytes = 4

	// What a broker takes where its Welcome has not said otherwise yet.
	frameBytesMax = 16 << 20

	// A frame that is passed on may have grown by so much, the broker's word on its sender.
	stampBytesMax = 32
)

type route = wire.Route

const (
	routeBroadcast = wire.Route_ROUTE_BROADCAST
	routeApp       = wire.Route_ROUTE_APP
	routeAgent     = wire.Route_ROUTE_AGENT
	routeRandom    = wire.Route_ROUTE_RANDOM
	routePID       = wire.Route_ROUTE_PID
	routeReply     = wire.Route_ROUTE_REPLY
)

// pack gives the bytes of one frame: a big-endian length, and that many bytes of Frame.
func pack(f *wire.Frame) ([]byte, error) {
	b, err := proto.MarshalOptions{}.MarshalAppend(make([]byte, prefixBytes, prefixBytes+proto.Size(f)), f)
	if err != nil {
		return nil, err
	}
	binary.BigEndian.PutUint32(b, uint32(len(b)-prefixBytes))
	return b, nil
}

// readFrame reads one frame of at most max bytes, and the broker's stamp.
func readFrame(r io.Reader, max uint32) (*wire.Frame, error) {
	var prefix [prefixBytes]byte
	if _, err := io.ReadFull(r, prefix[:]); err != nil {
		return nil, err
	}
	length := binary.BigEndian.Uint32(prefix[:])
	if length > max+stampBytesMax {
		return nil, fmt.Errorf("henhouse: a frame of %d bytes is over the limit", length)
	}
	// It grows with what arrives, not with what the length claims.
	var body bytes.Buffer
	if n, err := io.CopyN(&body, r, int64(length)); err != nil {
		if n > 0 && err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	f := new(wire.Frame)
	return f, proto.Unmarshal(body.Bytes(), f)
}
