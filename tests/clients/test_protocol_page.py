"""The bytes on proto/README.md are what a stock protobuf library makes of those words."""

import re
import struct
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "examples/python/src"))
from henhouse.v1 import henhouse_pb2 as wire  # noqa: E402

PAGE = (ROOT / "proto/README.md").read_text()

WEATHER = dict(action="weather", id=1, encoding=wire.ENCODING_TEXT, data=b"Oslo")
ASKED = wire.Message(route=wire.ROUTE_AGENT, want=wire.WANT_REPLY, **WEATHER)
SAID = [
    wire.Frame(hello=wire.Hello(version=1, role=wire.ROLE_WORKER, name="web")),
    wire.Frame(
        welcome=wire.Welcome(
            version=1, connection=3, pid=4242, frame_bytes_max=16 << 20, master_pid=4200
        )
    ),
    wire.Frame(ready=wire.Ready()),
    wire.Frame(message=ASKED),
    wire.Frame(message=ASKED, sender=wire.Sender(pid=4242, role=wire.ROLE_WORKER, connection=3)),
    wire.Frame(
        message=wire.Message(
            route=wire.ROUTE_REPLY,
            connection=3,
            in_reply_to=1,
            encoding=wire.ENCODING_JSON,
            action="weather",
            data=b'{"t":7}',
        )
    ),
    wire.Frame(goodbye=wire.Goodbye()),
]


def pages_frames():
    """Lines of hex that begin a frame: `>` or `<`, then byte pairs with gaps, `…` for what was shown before."""
    lines = re.findall(r"^[<>] ((?:[0-9a-f]{2}| |…)+)", PAGE, re.MULTILINE)
    return [line.replace(" ", "") for line in lines]


def test_every_frame_of_the_page_is_what_a_library_writes():
    frames = pages_frames()
    assert len(frames) == len(SAID)
    for shown, said in zip(frames, SAID, strict=True):
        body = said.SerializeToString()
        raw = (struct.pack(">I", len(body)) + body).hex()
        start, _, end = shown.partition("…")
        assert raw == shown if not end else raw.startswith(start) and raw.endswith(end), shown
