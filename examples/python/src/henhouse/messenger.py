"""Egg's messenger: handlers of actions, and the verbs that send them."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from types import TracebackType
from typing import Any

from .connection import Hello
from .envelope import envelope
from .errors import HenhouseError, RefusedError
from .frames import pack
from .inbox import Inbox
from .life import Life
from .listeners import Handler, Listener, Subscription, tell
from .pending import Pending
from .types import Drain, Encoding, Peers, Receipt, Sender, To, ToOne
from .v1 import henhouse_pb2 as wire

_log = logging.getLogger("henhouse")

#: A request that names no time stays open so long; the broker keeps the clock.
_REQUEST_TIMEOUT = 30.0
_TIMEOUT_MS_MAX = 0xFFFF_FFFF


async def join(
    role: str | None = None,
    *,
    socket: str | None = None,
    token: str | None = None,
    name: str = "",
    reconnect: bool = False,
    on_refused: Callable[[RefusedError, str | None], object] | None = None,
    on_lost: Callable[[Exception], object] | None = None,
    on_restored: Callable[[], object] | None = None,
) -> Messenger:
    """Connects to the broker; with nothing given, as the environment says.

    ``reconnect`` outlives the broker and comes back to it, and says so to ``on_lost`` and
    ``on_restored``; without it, a process whose socket the environment named ends with its
    master (exit 110). ``on_refused`` hears of messages that nobody waited for, with their
    action while it is remembered.
    """
    path = socket or os.environ.get("HENHOUSE_SOCKET")
    role = role or os.environ.get("HENHOUSE_ROLE")
    if not path:
        raise HenhouseError("no socket is given, and HENHOUSE_SOCKET is not set")
    if role not in ("agent", "worker"):
        raise HenhouseError("no role is given, and HENHOUSE_ROLE is neither agent nor worker")
    hello = Hello(role, os.environ.get("HENHOUSE_TOKEN", "") if token is None else token, name)
    pending = Pending()
    life = Life(
        path,
        hello,
        pending,
        reconnect=reconnect,
        exit_when_lost=socket is None,
        on_lost=on_lost,
        on_restored=on_restored,
    )
    messenger = Messenger(role, life, pending, on_refused)
    await life.begin(messenger._inbox)
    return messenger


class Messenger:
    """Made by :func:`join`; an async context manager that closes itself."""

    def __init__(
        self,
        role: str,
        life: Life,
        pending: Pending,
        on_refused: Callable[[RefusedError, str | None], object] | None,
    ) -> None:
        self._role = role
        self._life = life
        self._pending = pending
        self._on_refused = on_refused
        self._inbox = Inbox(pending, self._reply, self._refused)
        self._last_id = 0

    # --- who we are

    @property
    def role(self) -> str:
        return self._role

    @property
    def pid(self) -> int:
        return self._life.welcome.pid

    @property
    def connection(self) -> int:
        return self._life.welcome.connection

    @property
    def master_pid(self) -> int:
        return self._life.welcome.master_pid

    @property
    def peers(self) -> Peers:
        """All who are ready, as the last ``egg-pids`` said."""
        return self._inbox.peers

    # --- listening

    def on(self, action: str, handler: Handler) -> Listener:
        """Calls the handler with each message, one after the other."""
        return Listener(self.listen(action), handler, once=False)

    def once(self, action: str, handler: Handler) -> Listener:
        """Calls the handler with the next message only."""
        return Listener(self.listen(action), handler, once=True)

    def listen(self, action: str) -> Subscription:
        """An async iterator over the messages of an action, from now on."""
        return self._inbox.listen(action)

    def answer(self, action: str, handler: Handler) -> None:
        """Answers requests with what the handler returns; what it raises, the asker gets as text.

        Listeners of the action hear the request, too.
        """
        self._inbox.answer(action, handler)

    async def ready(self) -> None:
        """The handlers are set: what the broker held comes now."""
        self._life.ready()

    # --- Egg's verbs

    async def broadcast(
        self, action: str, data: Any = b"", *, others: bool = False, encoding: Encoding | None = None
    ) -> None:
        """To the agent and every worker, ourselves too unless ``others``."""
        await self._cast("broadcast", action, data, encoding, others)

    async def send_to_app(
        self, action: str, data: Any = b"", *, others: bool = False, encoding: Encoding | None = None
    ) -> None:
        """To every worker; from a worker, to itself too unless ``others``."""
        await self._cast("app", action, data, encoding, others)

    async def send_to_agent(self, action: str, data: Any = b"", *, encoding: Encoding | None = None) -> None:
        """To the agent; from the agent, to itself."""
        await self._cast("agent", action, data, encoding)

    async def send_random(self, action: str, data: Any = b"", *, encoding: Encoding | None = None) -> None:
        """From the agent: to one ready worker. From a worker: to the agent."""
        await self._cast("random", action, data, encoding)

    async def send_to(
        self, to: int | Sender, action: str, data: Any = b"", *, encoding: Encoding | None = None
    ) -> None:
        """To one process: by its pid, or exactly to the one that a message came from."""
        await self._cast(to, action, data, encoding)

    # --- what Egg does not have

    async def confirm(
        self,
        to: To,
        action: str,
        data: Any = b"",
        *,
        others: bool = False,
        encoding: Encoding | None = None,
    ) -> Receipt:
        """Sends, and hears from the broker what became of it."""
        message = envelope(to, action, data, encoding, others)
        message.want = wire.WANT_RECEIPT
        receipt: Receipt = await self._ask(message)
        return receipt

    async def request(
        self,
        to: ToOne,
        action: str,
        data: Any = b"",
        *,
        timeout: float = _REQUEST_TIMEOUT,
        encoding: Encoding | None = None,
    ) -> Any:
        """Asks one process, and gives what its answer handler gave."""
        message = envelope(to, action, data, encoding)
        message.want = wire.WANT_REPLY
        # 0 would be the broker's own time.
        message.timeout_ms = min(max(1, round(timeout * 1000)), _TIMEOUT_MS_MAX)
        return await self._ask(message)

    def failing(self, reason: str) -> None:
        """We are broken: a replacement is started while we finish what we hold."""
        self._life.send_now(wire.Frame(failing=wire.Failing(reason=reason)))

    def fail_on_uncaught(self) -> None:
        """Opt-in: an exception that no task's owner caught makes this process a failing one."""

        def uncaught(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
            loop.default_exception_handler(context)
            self.failing(str(context.get("exception") or context["message"]))

        asyncio.get_running_loop().set_exception_handler(uncaught)

    def beat(self, active: int) -> None:
        """The event loop turns, and so many requests are at work."""
        self._life.send_now(wire.Frame(beat=wire.Beat(active=active)))

    async def draining(self) -> Drain:
        """Waits for the first Drain: take nothing new, finish, close."""
        return await asyncio.shield(self._life.draining)

    async def closed(self) -> Exception | None:
        """Waits for the end; gives the error where we did not ask for it."""
        return await asyncio.shield(self._life.closed)

    async def flushed(self) -> None:
        """Waits until all that was sent has left."""
        await self._life.outbox.empty()

    async def close(self) -> None:
        """Sends what waits, says Goodbye, and takes what still comes until the broker says it too."""
        await self._life.leave()

    async def __aenter__(self) -> Messenger:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    # --- sending

    async def _cast(
        self, to: To, action: str, data: Any, encoding: Encoding | None, others: bool = False
    ) -> None:
        message = envelope(to, action, data, encoding, others)
        frame = self._numbered(message)
        await self._life.room(frame)
        self._pending.remember(message.id, action)
        self._life.send(frame, message.id)

    async def _ask(self, message: wire.Message) -> Any:
        frame = self._numbered(message)
        await self._life.room(frame)
        # It waits for word only from here on: what has not been queued cannot be lost.
        answer = self._pending.wait(message.id)
        self._life.send(frame, message.id)
        return await answer

    def _numbered(self, message: wire.Message) -> bytes:
        self._last_id += 1
        message.id = self._last_id
        return pack(wire.Frame(message=message))

    def _reply(self, message: wire.Message) -> None:
        self._life.send_now(wire.Frame(message=message))

    def _refused(self, error: RefusedError, action: str | None) -> None:
        _log.warning("%s was refused: %s", action or "a message", error)
        tell(self._on_refused, error, action)
