"""A message's data, between Python values and bytes."""

from __future__ import annotations

import json
from typing import Any

from google.protobuf.message import Message as ProtobufMessage

from .types import Encoding
from .v1 import henhouse_pb2 as wire

_NUMBERS: dict[Encoding, wire.Encoding] = {
    "bytes": wire.ENCODING_UNSPECIFIED,
    "json": wire.ENCODING_JSON,
    "protobuf": wire.ENCODING_PROTOBUF,
    "text": wire.ENCODING_TEXT,
}
_NAMES: dict[int, Encoding] = {number: name for name, number in _NUMBERS.items()}


def encode(data: Any, encoding: Encoding | None = None) -> tuple[wire.Encoding, bytes]:
    """Bytes stay bytes, a str is text, a protobuf message is itself, and all else is JSON.

    Raises TypeError or ValueError for what JSON cannot say.
    """
    if encoding is None:
        encoding = _natural(data)
    if encoding == "json":
        # NaN is no JSON, and the other languages' parsers refuse it.
        text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return _NUMBERS[encoding], text.encode()
    if isinstance(data, ProtobufMessage):
        data = data.SerializeToString()
    elif isinstance(data, str):
        data = data.encode()
    elif not isinstance(data, (bytes, bytearray, memoryview)):
        raise TypeError(f"as {encoding}, data must be a str or bytes, not {type(data).__name__}")
    return _NUMBERS[encoding], bytes(data)


def decode(encoding: int, data: bytes) -> Any:
    """What a handler gets. Raises ValueError where the sender said JSON or text and it is none."""
    if encoding == wire.ENCODING_JSON:
        return json.loads(data)
    if encoding == wire.ENCODING_TEXT:
        return data.decode()
    return data


def name_of(encoding: int) -> Encoding:
    """An encoding that we do not know is bytes to us."""
    return _NAMES.get(encoding, "bytes")


def _natural(data: Any) -> Encoding:
    if isinstance(data, (bytes, bytearray, memoryview)):
        return "bytes"
    if isinstance(data, str):
        return "text"
    return "protobuf" if isinstance(data, ProtobufMessage) else "json"
