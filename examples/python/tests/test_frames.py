import pytest

from henhouse.errors import HenhouseError
from henhouse.frames import FrameReader, pack
from henhouse.v1 import henhouse_pb2 as wire

FRAMES = [
    wire.Frame(ready=wire.Ready()),
    wire.Frame(message=wire.Message(action="x", data=bytes(1000))),
    wire.Frame(goodbye=wire.Goodbye()),
]


def test_a_frame_is_a_big_endian_length_and_that_many_bytes():
    assert pack(wire.Frame(ready=wire.Ready())).hex() == "000000021a00"
    assert pack(wire.Frame(ping=wire.Ping(nonce=300))).hex() == "00000005520308ac02"


@pytest.mark.parametrize("size", [1, 2, 3, 5, 500, 5000])
def test_frames_come_out_however_the_bytes_came_in(size):
    data, reader = b"".join(map(pack, FRAMES)), FrameReader()
    chunks = [data[at : at + size] for at in range(0, len(data), size)]
    assert [frame for chunk in chunks for frame in reader.push(chunk)] == FRAMES


def test_a_length_over_the_limit_is_refused_before_anything_is_held_for_it():
    with pytest.raises(HenhouseError):
        list(FrameReader().push(b"\xff\xff\xff\xff"))
