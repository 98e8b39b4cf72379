import pytest

from henhouse.payload import decode, encode, name_of
from henhouse.v1 import henhouse_pb2 as wire


@pytest.mark.parametrize(
    ("data", "encoding", "payload"),
    [
        ({"a": 1}, wire.ENCODING_JSON, b'{"a":1}'),
        (None, wire.ENCODING_JSON, b"null"),
        (0, wire.ENCODING_JSON, b"0"),
        ("text é", wire.ENCODING_TEXT, "text é".encode()),
        ("", wire.ENCODING_TEXT, b""),
        (b"bytes", wire.ENCODING_UNSPECIFIED, b"bytes"),
        (bytearray(b"bytes"), wire.ENCODING_UNSPECIFIED, b"bytes"),
        (wire.Ping(nonce=1), wire.ENCODING_PROTOBUF, b"\x08\x01"),
    ],
)
def test_a_value_finds_its_encoding_by_its_type(data, encoding, payload):
    assert encode(data) == (encoding, payload)


def test_an_encoding_that_is_named_holds():
    assert encode("text", "json") == (wire.ENCODING_JSON, b'"text"')
    assert encode(b"\x08\x01", "protobuf") == (wire.ENCODING_PROTOBUF, b"\x08\x01")
    with pytest.raises(TypeError):
        encode({"a": 1}, "text")


@pytest.mark.parametrize("data", [float("nan"), object(), {"a": {1, 2}}])
def test_what_json_cannot_say_is_refused_in_the_sender(data):
    with pytest.raises((TypeError, ValueError)):
        encode(data)


def test_what_arrives_is_what_was_sent():
    assert decode(wire.ENCODING_JSON, b'{"a":[1,null]}') == {"a": [1, None]}
    assert decode(wire.ENCODING_TEXT, "é".encode()) == "é"
    assert decode(wire.ENCODING_UNSPECIFIED, b"") == b""
    for encoding in (wire.ENCODING_JSON, wire.ENCODING_TEXT):
        with pytest.raises(ValueError):
            decode(encoding, b"\xff")


def test_an_unknown_encoding_is_bytes():
    assert (name_of(77), decode(77, b"?")) == ("bytes", b"?")
