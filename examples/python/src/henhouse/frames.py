"""Frames in and out: a big-endian u32 length, and that many bytes of ``Frame``."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from google.protobuf.message import DecodeError

from .errors import HenhouseError
from .v1 import henhouse_pb2 as wire

_PREFIX = struct.Struct(">I")
PREFIX_BYTES = _PREFIX.size

#: What a broker takes where its Welcome has not said otherwise yet.
FRAME_BYTES_MAX = 16 << 20

#: A frame that is passed on may have grown by so much, the broker's word on its sender.
STAMP_BYTES_MAX = 32


def pack(frame: wire.Frame) -> bytes:
    """The bytes of one frame, length first."""
    body = frame.SerializeToString()
    return _PREFIX.pack(len(body)) + body


class FrameReader:
    """Cuts what arrives into frames. It holds what arrived, not what a length claims."""

    def __init__(self) -> None:
        self.frame_bytes_max = FRAME_BYTES_MAX
        self._bytes = bytearray()

    def push(self, chunk: bytes) -> Iterator[wire.Frame]:
        """Yields what the chunk completes. Raises where the bytes are no frames."""
        self._bytes += chunk
        while len(self._bytes) >= _PREFIX.size:
            (length,) = _PREFIX.unpack_from(self._bytes)
            if length > self.frame_bytes_max + STAMP_BYTES_MAX:
                raise HenhouseError(f"a frame of {length} bytes is over the limit")
            end = _PREFIX.size + length
            if len(self._bytes) < end:
                return
            try:
                frame = wire.Frame.FromString(bytes(self._bytes[_PREFIX.size : end]))
            except DecodeError as error:
                raise HenhouseError(f"a frame cannot be read: {error}") from error
            del self._bytes[:end]
            yield frame
