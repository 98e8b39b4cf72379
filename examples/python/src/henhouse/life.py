"""The life of a messenger's connection: opened, lost, found again, closed."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import sys
from collections.abc import Callable

from .connection import Connection, Hello
from .errors import ClosedError, HenhouseError, RefusedError
from .frames import PREFIX_BYTES, pack
from .inbox import Inbox
from .listeners import tell
from .outbox import Outbox, Waiting
from .pending import Pending
from .types import Drain
from .v1 import henhouse_pb2 as wire

_log = logging.getLogger("henhouse")

#: What a process exits with when its master is gone; Egg's agents do so too.
_MASTER_LOST_EXIT = 110

_RECONNECT_MIN, _RECONNECT_MAX = 0.05, 5.0

#: How long the broker may take to answer our Goodbye.
_GOODBYE_MAX = 5.0

#: A refusal with one of these would be the same the next time.
_FINAL = {"UNSUPPORTED_VERSION", "NOT_REGISTERED", "MALFORMED", "TOO_LARGE", "FORBIDDEN"}


class Life:
    def __init__(
        self,
        path: str,
        hello: Hello,
        pending: Pending,
        *,
        reconnect: bool,
        exit_when_lost: bool,
        on_lost: Callable[[Exception], object] | None,
        on_restored: Callable[[], object] | None,
    ) -> None:
        self.welcome = wire.Welcome()
        self.outbox = Outbox()
        loop = asyncio.get_running_loop()
        self.draining: asyncio.Future[Drain] = loop.create_future()
        self.closed: asyncio.Future[Exception | None] = loop.create_future()
        self._path = path
        self._hello = hello
        self._pending = pending
        self._reconnect = reconnect
        self._exit_when_lost = exit_when_lost
        self._on_lost = on_lost
        self._on_restored = on_restored
        self._task: asyncio.Task[None] | None = None
        self._connected = False
        self._said_ready = False
        self._leaving = False

    async def begin(self, inbox: Inbox) -> None:
        """Joins; from then on the inbox gets what comes."""
        connection = await self._open()
        self._task = asyncio.create_task(self._live(connection, inbox))

    async def room(self, frame: bytes) -> None:
        """Waits while too much waits to leave. Raises where the frame can never be sent."""
        self._check_size(frame)
        await self.outbox.room()
        if self._leaving or self.closed.done():
            raise ClosedError("the messenger is closed")

    def send(self, frame: bytes, id: int) -> None:
        """Sends a message, and keeps it for the next connection where it cannot leave."""
        self.outbox.push(Waiting(frame, id))

    def send_now(self, frame: wire.Frame) -> None:
        """Sends what makes sense on this connection only. It waits for no room: a reply is
        bounded by what the broker lets others ask."""
        packed = pack(frame)
        self._check_size(packed)
        # Behind our Goodbye nothing is said.
        if self._connected and not self._leaving:
            self.outbox.push(Waiting(packed))

    def ready(self) -> None:
        if not self._said_ready:
            self._said_ready = True
            self.send_now(wire.Frame(ready=wire.Ready()))

    async def leave(self) -> None:
        self.send_now(wire.Frame(goodbye=wire.Goodbye()))
        self._leaving = True
        if self._task is not None:
            if self._connected:
                await asyncio.wait([self._task], timeout=_GOODBYE_MAX)
            # Not back, or not answered: there is nothing to wait for.
            self._task.cancel()
            await asyncio.wait([self._task])

    def _check_size(self, frame: bytes) -> None:
        size, most = len(frame) - PREFIX_BYTES, self.welcome.frame_bytes_max
        if size > most:
            raise ValueError(f"a message of {size} bytes is over the broker's {most}")

    async def _open(self) -> Connection:
        connection = await Connection.open(self._path, self._hello)
        self.welcome = connection.welcome
        self._connected = True
        ready = pack(wire.Frame(ready=wire.Ready()))
        self.outbox.start_again([Waiting(ready)] if self._said_ready else [])
        return connection

    async def _live(self, connection: Connection, inbox: Inbox) -> None:
        error: Exception | None = None
        try:
            while True:
                error = await self._converse(connection, inbox)
                final = isinstance(error, RefusedError) and error.code in _FINAL
                if self._leaving or final or not self._reconnect:
                    break
                try:
                    connection = await self._come_back(error)
                except RefusedError as refused:
                    error = refused
                    break
                tell(self._on_restored)
        except Exception as unexpected:
            # A mistake of ours: who waits is told so, rather than left waiting.
            error = unexpected
            raise
        finally:
            self._end(None if self._leaving else error, inbox)

    async def _converse(self, connection: Connection, inbox: Inbox) -> Exception:
        """Lives through one connection, and gives why it ended."""
        writing = asyncio.create_task(self.outbox.write_to(connection))
        try:
            async for frame in connection.frames():
                self._take(frame, inbox)
                await inbox.backlog.room()
        except (HenhouseError, OSError) as error:
            return error
        finally:
            self._connected = False
            writing.cancel()
            # It has let go of the socket before that is closed, and of what it did not write
            # before anybody sends it again.
            await asyncio.wait([writing])
            connection.close()
        raise AssertionError("a connection's frames end by raising why")

    def _take(self, frame: wire.Frame, inbox: Inbox) -> None:
        body = frame.WhichOneof("body")
        if body == "ping":
            self.send_now(wire.Frame(pong=wire.Pong(nonce=frame.ping.nonce)))
        elif body == "drain":
            if not self.draining.done():
                self.draining.set_result(Drain(frame.drain.deadline_ms / 1000, frame.drain.cause))
        elif body == "goodbye":
            raise ClosedError("the broker said goodbye")
        else:
            inbox.take(frame)

    async def _come_back(self, lost: Exception) -> Connection:
        _log.warning("lost the broker, trying to come back: %s", lost)
        # What had left is answered by nobody now; what had not is sent again.
        self._pending.fail(ClosedError("the broker was lost before it answered"), but=self.outbox.ids())
        tell(self._on_lost, lost)
        most = _RECONNECT_MIN
        while True:
            # Jitter, so that all the processes of a broker do not come back in one moment.
            await asyncio.sleep(most * random.uniform(0.5, 1))
            most = min(2 * most, _RECONNECT_MAX)
            try:
                return await self._open()
            except RefusedError as refused:
                if refused.code in _FINAL:
                    raise
            except (HenhouseError, OSError):
                pass

    def _end(self, error: Exception | None, inbox: Inbox) -> None:
        self.closed.set_result(error)
        self.outbox.close()
        self._pending.fail(error or ClosedError("the messenger was closed"))
        inbox.end()
        if error is not None and self._exit_when_lost:
            _log.error("the master is gone: %s", error)
            sys.stdout.flush()
            # Not SystemExit, which a framework may catch: the master's children do not outlive it.
            os._exit(_MASTER_LOST_EXIT)
