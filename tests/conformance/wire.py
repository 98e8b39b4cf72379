"""Frames as dictionaries: the suite's own, naive view of the wire, from the schema's numbers.

It shares nothing with any client or with the broker, so that a mistake in theirs shows.
A dictionary's extra key "hex" is bytes appended as they are: that is how cases say what no
library would. Long text may be said as {"fill": "[", "times": 20000}.
"""

import struct

FIELDS = {
    "frame": {
        1: ("hello", "hello"), 2: ("welcome", "welcome"), 3: ("ready", "empty"), 4: ("message", "message"),
        5: ("receipt", "receipt"), 6: ("fault", "fault"), 7: ("drain", "drain"), 8: ("failing", "failing"),
        9: ("goodbye", "empty"), 10: ("ping", "ping"), 11: ("pong", "ping"), 14: ("beat", "beat"),
        15: ("sender", "sender"),
    },
    "empty": {},
    "hello": {1: ("version", int), 2: ("role", int), 3: ("pid", int), 4: ("token", str), 5: ("name", str)},
    "welcome": {
        1: ("version", int), 2: ("connection", int), 3: ("pid", int), 4: ("frame_bytes_max", int),
        5: ("master_pid", int),
    },
    "message": {
        1: ("route", int), 2: ("pid", int), 3: ("id", int), 4: ("want", int), 5: ("encoding", int),
        6: ("action", str), 7: ("connection", int), 8: ("in_reply_to", int), 9: ("error", str),
        10: ("timeout_ms", int), 11: ("others", int), 15: ("data", str),
    },
    "receipt": {1: ("id", int), 2: ("queued", int), 3: ("held", int)},
    "fault": {1: ("code", int), 2: ("id", int), 3: ("detail", str), 4: ("fatal", int)},
    "drain": {1: ("deadline_ms", int), 2: ("cause", str)},
    "failing": {1: ("reason", str)},
    "ping": {1: ("nonce", int)},
    "beat": {1: ("active", int)},
    "sender": {1: ("pid", int), 2: ("role", int), 3: ("connection", int)},
}  # fmt: skip


def encode(value, kind="frame"):
    """The protobuf bytes of a dictionary, and its "hex" behind them."""
    numbers = {name: (number, type_) for number, (name, type_) in FIELDS[kind].items()}
    out = b""
    for name, part in value.items():
        if name == "hex":
            out += bytes.fromhex(part)
            continue
        number, type_ = numbers[name]
        if type_ is int:
            out += varint(number << 3) + varint(part)
        else:
            if type_ is str and isinstance(part, dict):
                part = part["fill"] * part["times"]
            raw = part.encode() if type_ is str else encode(part, type_)
            out += varint(number << 3 | 2) + varint(len(raw)) + raw
    return out


def decode(raw, kind="frame"):
    """What is known of the bytes; zeros and empty text are written out, as proto3 means them."""
    known = FIELDS[kind]
    value = {name: type_() for name, type_ in known.values() if type_ in (int, str)}
    at = 0
    while at < len(raw):
        key, at = read_varint(raw, at)
        match key & 7:
            case 0:
                part, at = read_varint(raw, at)
            case 1:
                part, at = raw[at : at + 8], at + 8
            case 2:
                size, at = read_varint(raw, at)
                part, at = raw[at : at + size], at + size
            case 5:
                part, at = raw[at : at + 4], at + 4
            case other:
                raise ValueError(f"wire type {other}")
        if key >> 3 in known:
            name, type_ = known[key >> 3]
            if type_ is int:
                value[name] = part
            else:
                value[name] = part.decode("utf-8", "replace") if type_ is str else decode(part, type_)
    return value


def whole(stream):
    """The frames of which every byte is there."""
    frames, at = [], 0
    while at + 4 <= len(stream):
        (size,) = struct.unpack_from(">I", stream, at)
        if at + 4 + size > len(stream):
            break
        frames.append(decode(stream[at + 4 : at + 4 + size]))
        at += 4 + size
    return frames


def prefixed(raw):
    return struct.pack(">I", len(raw)) + raw


def varint(number):
    out = b""
    while number >= 0x80:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def read_varint(raw, at):
    number = shift = 0
    while True:
        byte = raw[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return number, at
