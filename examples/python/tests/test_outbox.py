"""A connection that breaks after any byte: what had left whole is not sent again, the rest is."""

import asyncio

import pytest

from henhouse.outbox import Outbox, Waiting

FRAMES = [b"first", b"x", b"a third one", b"y" * 40, b"last"]


class Breaking:
    """Takes so many bytes, a few at a time, and breaks."""

    def __init__(self, size: int, at_once: int) -> None:
        self.taken = b""
        self._size, self._at_once = size, at_once
        self.broken = asyncio.Event()

    async def write_some(self, data) -> int:
        size = min(self._size - len(self.taken), self._at_once, len(data))
        if size == 0:
            self.broken.set()
            raise BrokenPipeError
        self.taken += bytes(data[:size])
        return size


async def written(outbox: Outbox, size: int, at_once: int) -> bytes:
    connection = Breaking(size, at_once)
    writing = asyncio.create_task(outbox.write_to(connection))
    await connection.broken.wait()
    await writing
    return connection.taken


@pytest.mark.parametrize("at_once", [1, 7, 1000])
def test_a_connection_that_breaks_after_any_byte(at_once):
    async def run(size: int) -> None:
        outbox = Outbox()
        for at, frame in enumerate(FRAMES, 1):
            outbox.push(Waiting(frame, at))
        outbox.push(Waiting(b"pong"))
        assert await written(outbox, size, at_once) == b"".join(FRAMES)[:size]
        whole = [at for at in range(1, 6) if len(b"".join(FRAMES[:at])) <= size]
        assert outbox.ids() - {0} == set(range(1, 6)) - set(whole)
        outbox.start_again([Waiting(b"ready")])
        rest = b"ready" + b"".join(FRAMES[len(whole) :])
        connection = Breaking(len(rest), at_once)
        writing = asyncio.create_task(outbox.write_to(connection))
        await outbox.empty()
        assert connection.taken == rest
        writing.cancel()

    for size in range(len(b"".join(FRAMES))):
        asyncio.run(run(size))
