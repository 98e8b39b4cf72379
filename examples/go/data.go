package henhouse

import (
	"encoding/json"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/henhouse/henhouse/examples/go/internal/wire"
)

// An Encoding is what the bytes of a message's data are.
type Encoding string

// The encodings.
const (
	Bytes    Encoding = "bytes"
	JSON     Encoding = "json"
	Protobuf Encoding = "protobuf"
	Text     Encoding = "text"
)

// Encoded is data that is encoded already.
type Encoded struct {
	Encoding Encoding
	Bytes    []byte
}

// A Message is an action, its data, and where it comes from.
type Message struct {
	Action   string
	Encoding Encoding
	Data     []byte
	Sender   Sender
}

// JSON reads the data into v.
func (m Message) JSON(v any) error {
	if m.Encoding != JSON {
		return fmt.Errorf("henhouse: the data of %s is %s and not JSON", m.Action, m.Encoding)
	}
	return json.Unmarshal(m.Data, v)
}

// Proto reads the data into v.
func (m Message) Proto(v proto.Message) error { return proto.Unmarshal(m.Data, v) }

// Text is the data as text.
func (m Message) Text() string { return string(m.Data) }

// encode: bytes stay bytes, a string is text, a protobuf message is itself, nil is no bytes,
// and all else is JSON.
func encode(data any) (Encoded, error) {
	var err error
	e := Encoded{Encoding: Bytes}
	switch data := data.(type) {
	case nil:
	case Encoded:
		return data, nil
	case []byte:
		e.Bytes = data
	case string:
		e = Encoded{Text, []byte(data)}
	case proto.Message:
		e.Encoding = Protobuf
		e.Bytes, err = proto.Marshal(data)
	default:
		e.Encoding = JSON
		e.Bytes, err = json.Marshal(data)
	}
	return e, err
}

func (e Encoding) wire() wire.Encoding {
	switch e {
	case JSON:
		return wire.Encoding_ENCODING_JSON
	case Protobuf:
		return wire.Encoding_ENCODING_PROTOBUF
	case Text:
		return wire.Encoding_ENCODING_TEXT
	}
	return wire.Encoding_ENCODING_UNSPECIFIED
}

// encodingOf takes an encoding that we do not know for bytes.
func encodingOf(e wire.Encoding) Encoding {
	switch e {
	case wire.Encoding_ENCODING_JSON:
		return JSON
	case wire.Encoding_ENCODING_PROTOBUF:
		return Protobuf
	case wire.Encoding_ENCODING_TEXT:
		return Text
	}
	return Bytes
}
