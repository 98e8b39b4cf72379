"""Egg's messenger: handlers of actions, and the verbs that send them."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import sys
from collections import OrderedDict
from collections.abc import Callable
from types import TracebackType
from typing import Any

from .connection import Connection, Hello
from .errors import ClosedError, HenhouseError, RefusedError, RemoteError
from .frames import pack
from .listeners import Backlog, Handler, Listener, Subscription, outcome
from .outbox import Outbox, Waiting
from .payload import decode, encode, name_of
from .types import Drain, Encoding, Message, Peer, Peers, Receipt, Role, Sender, To, ToOne
from .v1 import henhouse_pb2 as wire

_log = logging.getLogger("henhouse")

#: An action's name may be as long as a file's.
_ACTION_BYTES_MAX = 255
_RESERVED_PREFIX = "egg-"

#: What every client says to a question that it has no answer handler for.
_NO_HANDLER = "no handler"

#: A request that names no time stays open so long; the broker keeps the clock.
_REQUEST_TIMEOUT = 30.0

#: What a process exits with when its master is gone; Egg's agents do so too.
_MASTER_LOST_EXIT = 110

_RECONNECT_MIN, _RECONNECT_MAX = 0.05, 5.0

#: How long the broker may take to answer our Goodbye.
_GOODBYE_MAX = 5.0

#: Of so many messages that nobody waits for we remember the action, to name it in a refusal.
_REMEMBERED_MAX = 1024

#: A refusal with one of these would be the same the next time.
_FINAL = {"UNSUPPORTED_VERSION", "NOT_REGISTERED", "MALFORMED", "TOO_LARGE", "FORBIDDEN"}

_ROLES: dict[int, Role] = {
    wire.ROLE_AGENT: "agent",
    wire.ROLE_WORKER: "worker",
    wire.ROLE_MASTER: "master",
    wire.ROLE_OPERATOR: "operator",
}
_ROUTES = {
    "broadcast": wire.ROUTE_BROADCAST,
    "app": wire.ROUTE_APP,
    "agent": wire.ROUTE_AGENT,
    "random": wire.ROUTE_RANDOM,
}


async def join(
    role: str | None = None,
    *,
    socket: str | None = None,
    token: str | None = None,
    name: str = "",
    reconnect: bool = False,
    on_refused: Callable[[RefusedError, str | None], object] | None = None,
    on_restored: Callable[[], object] | None = None,
) -> Messenger:
    """Connects to the broker; with nothing given, as the environment says.

    ``reconnect`` outlives the broker and comes back to it; without it, a process whose socket
    the environment named ends with its master (exit 110).
    """
    path = socket or os.environ.get("HENHOUSE_SOCKET")
    role = role or os.environ.get("HENHOUSE_ROLE")
    if not path:
        raise HenhouseError("no socket is given, and HENHOUSE_SOCKET is not set")
    if role not in ("agent", "worker"):
        raise HenhouseError("no role is given, and HENHOUSE_ROLE is neither agent nor worker")
    hello = Hello(role, os.environ.get("HENHOUSE_TOKEN", "") if token is None else token, name)
    messenger = Messenger(path, hello, reconnect=reconnect, child=socket is None)
    messenger._on_refused = on_refused
    messenger._on_restored = on_restored
    messenger._life = asyncio.create_task(messenger._live(await messenger._open()))
    return messenger


class Messenger:
    """Made by :func:`join`; an async context manager that closes itself."""

    def __init__(self, path: str, hello: Hello, *, reconnect: bool, child: bool) -> None:
        #: All who are ready, as the last ``egg-pids`` said.
        self.peers = Peers()
        self._path = path
        self._hello = hello
        self._reconnect = reconnect
        self._child = child
        self._on_refused: Callable[[RefusedError, str | None], object] | None = None
        self._on_restored: Callable[[], object] | None = None
        self._life: asyncio.Task[None] | None = None
        self._welcome = wire.Welcome()
        self._outbox = Outbox()
        self._backlog = Backlog()
        self._subscriptions: dict[str, list[Subscription]] = {}
        self._answers: dict[str, Handler] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiters: dict[int, asyncio.Future[Any]] = {}
        self._remembered: OrderedDict[int, str] = OrderedDict()
        self._last_id = 0
        self._said_ready = False
        self._leaving = False
        self._draining: asyncio.Future[Drain] = asyncio.get_running_loop().create_future()
        self._closed: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()

    # --- who we are

    @property
    def role(self) -> str:
        return self._hello.role

    @property
    def pid(self) -> int:
        return self._welcome.pid

    @property
    def connection(self) -> int:
        return self._welcome.connection

    @property
    def master_pid(self) -> int:
        return self._welcome.master_pid

    # --- listening

    def on(self, action: str, handler: Handler) -> Listener:
        """Calls the handler with each message, one after the other."""
        return Listener(self.listen(action), handler, once=False)

    def once(self, action: str, handler: Handler) -> Listener:
        """Calls the handler with the next message only."""
        return Listener(self.listen(action), handler, once=True)

    def listen(self, action: str) -> Subscription:
        """An async iterator over the messages of an action, from now on."""
        listening = self._subscriptions.setdefault(action, [])
        subscription = Subscription(self._backlog, listening.remove)
        listening.append(subscription)
        return subscription

    def answer(self, action: str, handler: Handler) -> None:
        """Answers requests with what the handler returns; what it raises, the asker gets as text.

        Listeners of the action hear the request, too.
        """
        _check(action)
        if action in self._answers:
            raise HenhouseError(f"{action} has its answer handler already")
        self._answers[action] = handler

    async def ready(self) -> None:
        """The handlers are set: what the broker held comes now."""
        if not self._said_ready:
            self._said_ready = True
            self._control(wire.Frame(ready=wire.Ready()))

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
        message = self._message(to, action, data, encoding, others)
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
        message = self._message(to, action, data, encoding)
        message.want = wire.WANT_REPLY
        message.timeout_ms = max(1, round(timeout * 1000))
        return await self._ask(message)

    def failing(self, reason: str) -> None:
        """We are broken: a replacement is started while we finish what we hold."""
        self._control(wire.Frame(failing=wire.Failing(reason=reason)))

    def fail_on_uncaught(self) -> None:
        """Opt-in: an exception that no task's owner caught makes this process a failing one."""

        def uncaught(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
            loop.default_exception_handler(context)
            self.failing(str(context.get("exception") or context["message"]))

        asyncio.get_running_loop().set_exception_handler(uncaught)

    def beat(self, active: int) -> None:
        """The event loop turns, and so many requests are at work."""
        self._control(wire.Frame(beat=wire.Beat(active=active)))

    async def draining(self) -> Drain:
        """Waits for the first Drain: take nothing new, finish, close."""
        return await asyncio.shield(self._draining)

    async def closed(self) -> Exception | None:
        """Waits for the end; gives the error where we did not ask for it."""
        return await asyncio.shield(self._closed)

    async def flushed(self) -> None:
        """Waits until all that was sent has left."""
        await self._outbox.empty()

    async def close(self) -> None:
        """Sends what waits, says Goodbye, and takes what still comes until the broker says it too."""
        self._leaving = True
        self._control(wire.Frame(goodbye=wire.Goodbye()))
        if self._life is not None:
            await asyncio.wait([self._life], timeout=_GOODBYE_MAX)
            self._life.cancel()
        self._end(None)

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
        message = self._message(to, action, data, encoding, others)
        self._remembered[message.id] = action
        if len(self._remembered) > _REMEMBERED_MAX:
            self._remembered.popitem(last=False)
        await self._send(message)

    async def _ask(self, message: wire.Message) -> Any:
        answer = self._waiters[message.id] = asyncio.get_running_loop().create_future()
        try:
            await self._send(message)
            return await answer
        finally:
            self._waiters.pop(message.id, None)

    def _message(
        self, to: To, action: str, data: Any, encoding: Encoding | None, others: bool = False
    ) -> wire.Message:
        _check(action)
        number, payload = encode(data, encoding)
        self._last_id += 1
        message = wire.Message(
            id=self._last_id, action=action, encoding=number, data=payload, others=others
        )
        if isinstance(to, str):
            message.route = _ROUTES[to]
        else:
            message.route = wire.ROUTE_PID
            message.pid = to.pid if isinstance(to, Sender) else to
            message.connection = to.connection if isinstance(to, Sender) else 0
        return message

    async def _send(self, message: wire.Message) -> None:
        frame = self._packed(message)
        await self._outbox.room()
        if self._closed.done():
            raise ClosedError("the messenger is closed")
        self._outbox.push(Waiting(frame, message.id))

    def _packed(self, message: wire.Message) -> bytes:
        frame = pack(wire.Frame(message=message))
        if len(frame) - 4 > self._welcome.frame_bytes_max:
            raise ValueError(
                f"a message of {len(frame) - 4} bytes is over the broker's {self._welcome.frame_bytes_max}"
            )
        return frame

    def _control(self, frame: wire.Frame) -> None:
        """Not kept for a new connection: that one says these things for itself."""
        self._outbox.push(Waiting(pack(frame)))

    # --- receiving

    def _take(self, frame: wire.Frame) -> None:
        body = frame.WhichOneof("body")
        if body == "message":
            self._take_message(frame.message, _sender(frame.sender))
        elif body == "receipt":
            self._answered(frame.receipt.id, Receipt(frame.receipt.queued, frame.receipt.held))
        elif body == "fault":
            self._refused(RefusedError(frame.fault), frame.fault.id)
        elif body == "drain":
            if not self._draining.done():
                self._draining.set_result(Drain(frame.drain.deadline_ms / 1000, frame.drain.cause))
        elif body == "ping":
            self._control(wire.Frame(pong=wire.Pong(nonce=frame.ping.nonce)))
        elif body == "goodbye":
            raise ClosedError("the broker said goodbye")
        # What a newer broker says and we do not know is not for us.

    def _take_message(self, message: wire.Message, sender: Sender) -> None:
        if message.route == wire.ROUTE_REPLY and message.error:
            self._answered(message.in_reply_to, RemoteError(message.error))
            return
        try:
            taken = self._read(message, sender)
        except ValueError as error:
            why = HenhouseError(f"the data of {message.action} cannot be read: {error}")
            if message.route == wire.ROUTE_REPLY:
                self._answered(message.in_reply_to, why)
            elif message.want == wire.WANT_REPLY:
                self._reply(message, sender, error=str(why))
            else:
                _log.error("%s", why)
            return
        if message.route == wire.ROUTE_REPLY:
            self._answered(message.in_reply_to, taken.data)
            return
        if message.want == wire.WANT_REPLY:
            task = asyncio.create_task(self._answer_to(message, taken))
            # The loop keeps only a weak reference to a task.
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        for subscription in list(self._subscriptions.get(taken.action, ())):
            subscription.put(taken)

    def _read(self, message: wire.Message, sender: Sender) -> Message:
        data = decode(message.encoding, message.data)
        # Only the broker's own word counts.
        if message.action == "egg-pids" and sender.role == "master":
            self.peers = data = _peers(wire.Pids.FromString(message.data))
        return Message(message.action, data, name_of(message.encoding), message.data, sender)

    async def _answer_to(self, request: wire.Message, message: Message) -> None:
        handler = self._answers.get(message.action)
        if handler is None:
            self._reply(request, message.sender, error=_NO_HANDLER)
            return
        try:
            self._reply(request, message.sender, await outcome(handler, message))
        except Exception as error:
            _log.exception("the answer to %s failed", message.action)
            self._reply(request, message.sender, error=str(error) or type(error).__name__)

    def _reply(self, request: wire.Message, asker: Sender, data: Any = b"", error: str = "") -> None:
        number, payload = encode(data)
        reply = wire.Message(
            route=wire.ROUTE_REPLY,
            connection=asker.connection,
            in_reply_to=request.id,
            action=request.action,
            encoding=number,
            data=payload,
            error=error,
        )
        # A reply waits for no room: whoever asks much of us is slowed by what it waits for.
        self._outbox.push(Waiting(self._packed(reply)))

    def _answered(self, id: int, answer: Any) -> bool:
        waiter = self._waiters.pop(id, None)
        if waiter is None or waiter.done():
            return False
        if isinstance(answer, Exception):
            waiter.set_exception(answer)
        else:
            waiter.set_result(answer)
        return True

    def _refused(self, error: RefusedError, id: int) -> None:
        if self._answered(id, error):
            return
        action = self._remembered.get(id)
        _log.warning("%s was refused: %s", action or "a message", error)
        if self._on_refused is not None:
            self._on_refused(error, action)

    # --- the connection's life

    async def _open(self) -> Connection:
        connection = await Connection.open(self._path, self._hello)
        self._welcome = connection.welcome
        ready = pack(wire.Frame(ready=wire.Ready()))
        self._outbox.start_again([Waiting(ready)] if self._said_ready else [])
        return connection

    async def _live(self, connection: Connection) -> None:
        while True:
            error = await self._converse(connection)
            final = isinstance(error, RefusedError) and error.code in _FINAL
            if self._leaving or final or not self._reconnect:
                break
            try:
                connection = await self._come_back(error)
            except RefusedError as refused:
                error = refused
                break
            if self._on_restored is not None:
                self._on_restored()
        self._end(None if self._leaving else error)

    async def _converse(self, connection: Connection) -> Exception:
        writing = asyncio.create_task(self._outbox.write_to(connection))
        try:
            async for frame in connection.frames():
                self._take(frame)
                await self._backlog.room()
        except (HenhouseError, OSError) as error:
            return error
        finally:
            writing.cancel()
            connection.close()
        raise AssertionError("a connection's frames end by raising why")

    async def _come_back(self, lost: Exception) -> Connection:
        _log.warning("lost the broker, trying to come back: %s", lost)
        # What had left is answered by nobody now; what had not is sent again.
        for id in self._waiters.keys() - self._outbox.ids():
            self._answered(id, ClosedError("the broker was lost before it answered"))
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
            except (ClosedError, OSError):
                pass

    def _end(self, error: Exception | None) -> None:
        if self._closed.done():
            return
        self._closed.set_result(error)
        self._outbox.close()
        for id in list(self._waiters):
            self._answered(id, error or ClosedError("the messenger was closed"))
        for listening in self._subscriptions.values():
            for subscription in listening:
                subscription.end()
        if error is not None and self._child:
            _log.error("the master is gone: %s", error)
            sys.stdout.flush()
            # Not SystemExit, which a framework may catch: the master's children do not outlive it.
            os._exit(_MASTER_LOST_EXIT)


def _sender(sender: wire.Sender) -> Sender:
    return Sender(sender.pid, _ROLES.get(sender.role, "operator"), sender.connection)


def _peers(pids: wire.Pids) -> Peers:
    def peer(member: wire.Member) -> Peer:
        return Peer(member.pid, member.connection, member.index)

    return Peers(tuple(map(peer, pids.worker)), peer(pids.agent) if pids.HasField("agent") else None)


def _check(action: str) -> None:
    if not action:
        raise ValueError("a message needs an action")
    if len(action.encode()) > _ACTION_BYTES_MAX:
        raise ValueError("the action is too long")
    if action.startswith(_RESERVED_PREFIX):
        raise ValueError(f"actions that begin with {_RESERVED_PREFIX} are the broker's")
