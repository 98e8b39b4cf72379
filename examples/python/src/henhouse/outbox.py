"""The frames that have not left yet, so that a new connection can send them again."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

from .connection import Connection

#: Past so many bytes a sender waits: the broker holds us back, and memory is finite.
_BYTES_MAX = 1 << 20

#: One write takes about so much.
_BATCH_BYTES = 64 << 10


@dataclass(frozen=True)
class Waiting:
    data: bytes
    #: Our number for the message; 0 for a frame that makes no sense on another connection.
    id: int = 0


class Outbox:
    def __init__(self) -> None:
        self._waiting: deque[Waiting] = deque()
        self._bytes = 0
        #: How much of the first frame has left.
        self._written = 0
        self._work = asyncio.Event()
        self._room = asyncio.Event()
        self._empty = asyncio.Event()
        self._closed = False
        self._tell()

    def push(self, waiting: Waiting) -> None:
        """Queues, whatever waits already: for frames that must not wait for room."""
        if not self._closed:
            self._waiting.append(waiting)
            self._bytes += len(waiting.data)
            self._tell()

    async def room(self) -> None:
        """Waits while too much waits to leave."""
        while not self._room.is_set():
            await self._room.wait()

    async def empty(self) -> None:
        """Waits until all has left."""
        await self._empty.wait()

    async def write_to(self, connection: Connection) -> None:
        """Writes what comes, for as long as the connection lasts."""
        try:
            while True:
                await self._work.wait()
                self._left(await connection.write_some(self._batch()))
        except OSError:
            # The reader of the connection meets its end too, and learns why.
            pass

    def start_again(self, first: list[Waiting]) -> None:
        """For a new connection: these, then what had not left of what makes sense on it."""
        self._written = 0
        self._waiting = deque(first + [waiting for waiting in self._waiting if waiting.id])
        self._bytes = sum(len(waiting.data) for waiting in self._waiting)
        self._tell()

    def ids(self) -> set[int]:
        return {waiting.id for waiting in self._waiting}

    def close(self) -> None:
        """Nothing will leave any more."""
        self._closed = True
        self._waiting.clear()
        self._bytes = 0
        self._tell()

    def _batch(self) -> bytes | memoryview:
        first = memoryview(self._waiting[0].data)[self._written :]
        if len(first) >= _BATCH_BYTES:
            return first
        parts: list[bytes | memoryview] = [first]
        size = len(first)
        for waiting in self._waiting:
            if waiting is self._waiting[0]:
                continue
            if size + len(waiting.data) > _BATCH_BYTES:
                break
            parts.append(waiting.data)
            size += len(waiting.data)
        return b"".join(parts)

    def _left(self, sent: int) -> None:
        self._written += sent
        while self._waiting and self._written >= len(self._waiting[0].data):
            size = len(self._waiting.popleft().data)
            self._written -= size
            self._bytes -= size
        self._tell()

    def _tell(self) -> None:
        for event, holds in (
            (self._work, bool(self._waiting)),
            (self._room, self._bytes < _BYTES_MAX),
            (self._empty, not self._waiting),
        ):
            event.set() if holds else event.clear()
