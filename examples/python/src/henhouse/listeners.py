"""Who listens to an action: each with a queue of its own, in order."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Union

from .types import Message

_log = logging.getLogger("henhouse")

Handler = Callable[[Message], Union[Awaitable[object], object]]

#: While so many bytes wait for handlers, nothing more is read.
_WAITING_BYTES_MAX = 64 << 20


class Backlog:
    """How much waits for all handlers together; the reader waits for them past the limit."""

    def __init__(self) -> None:
        self._bytes = 0
        self._room = asyncio.Event()
        self._room.set()

    def add(self, message: Message, sign: int = 1) -> None:
        self._bytes += sign * len(message.bytes)
        self._room.set() if self._bytes <= _WAITING_BYTES_MAX else self._room.clear()

    async def room(self) -> None:
        await self._room.wait()


class Subscription:
    """``async for message in messenger.listen("price")``; it ends with the messenger."""

    def __init__(self, backlog: Backlog, remove: Callable[[Subscription], None]) -> None:
        self._backlog = backlog
        self._remove = remove
        self._queue: asyncio.Queue[Message | None] = asyncio.Queue()

    def __aiter__(self) -> Subscription:
        return self

    async def __anext__(self) -> Message:
        message = await self._queue.get()
        if message is None:
            # Whoever asks again hears the same.
            self._queue.put_nowait(None)
            raise StopAsyncIteration
        self._backlog.add(message, -1)
        return message

    def put(self, message: Message) -> None:
        self._backlog.add(message)
        self._queue.put_nowait(message)

    def off(self) -> None:
        """Takes nothing more; what waits is dropped."""
        self._remove(self)
        while not self._queue.empty():
            if message := self._queue.get_nowait():
                self._backlog.add(message, -1)
        self.end()

    def end(self) -> None:
        """What waits still comes, and then nothing more."""
        self._queue.put_nowait(None)


class Listener:
    """A handler that ``on`` set; ``off()`` takes it away."""

    def __init__(self, subscription: Subscription, handler: Handler, *, once: bool) -> None:
        self._subscription = subscription
        self._task = asyncio.create_task(self._run(handler, once))

    def off(self) -> None:
        """The handler is not called any more; a call under way goes on."""
        self._subscription.off()

    async def _run(self, handler: Handler, once: bool) -> None:
        async for message in self._subscription:
            if once:
                self.off()
            await call(handler, message)


async def call(handler: Handler, message: Message) -> None:
    """A handler that fails is logged, and harms nobody else."""
    try:
        await outcome(handler, message)
    except Exception:
        _log.exception("a listener of %s failed", message.action)


async def outcome(handler: Handler, message: Message) -> Any:
    """Handlers may be plain functions or coroutine functions."""
    given = handler(message)
    return await given if inspect.isawaitable(given) else given


def tell(handler: Callable[..., object] | None, *words: object) -> None:
    """Calls a handler of the connection's own events; one that fails is logged, and ends nothing."""
    try:
        if handler is not None:
            handler(*words)
    except Exception:
        _log.exception("a handler of the connection's own events failed")
