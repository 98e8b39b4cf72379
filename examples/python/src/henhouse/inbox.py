"""What others say to us: messages to their listeners, requests to their handlers, replies to who asked."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from .envelope import check_action
from .errors import HenhouseError, RefusedError, RemoteError
from .listeners import Backlog, Handler, Subscription, outcome
from .payload import decode, encode, name_of
from .pending import Pending
from .types import Message, Peer, Peers, Receipt, Role, Sender
from .v1 import henhouse_pb2 as wire

_log = logging.getLogger("henhouse")

#: What every client says to a question that it has no answer handler for.
_NO_HANDLER = "no handler"

#: A handler's error is cut here: it is for people to read.
_ERROR_LENGTH_MAX = 1024

_ROLES: dict[int, Role] = {
    wire.ROLE_AGENT: "agent",
    wire.ROLE_WORKER: "worker",
    wire.ROLE_MASTER: "master",
    wire.ROLE_OPERATOR: "operator",
}


class Inbox:
    def __init__(
        self,
        pending: Pending,
        reply: Callable[[wire.Message], None],
        refused: Callable[[RefusedError, str | None], None],
    ) -> None:
        self.peers = Peers()
        self.backlog = Backlog()
        self._pending = pending
        self._send_reply = reply
        self._on_refused = refused
        self._subscriptions: dict[str, list[Subscription]] = {}
        self._answers: dict[str, Handler] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def listen(self, action: str) -> Subscription:
        listening = self._subscriptions.setdefault(action, [])
        subscription = Subscription(self.backlog, listening.remove)
        listening.append(subscription)
        return subscription

    def answer(self, action: str, handler: Handler) -> None:
        check_action(action)
        if action in self._answers:
            raise HenhouseError(f"{action} has its answer handler already")
        self._answers[action] = handler

    def take(self, frame: wire.Frame) -> None:
        body = frame.WhichOneof("body")
        if body == "message":
            self._message(frame.message, _sender(frame.sender))
        elif body == "receipt":
            self._pending.tell(frame.receipt.id, Receipt(frame.receipt.queued, frame.receipt.held))
        elif body == "fault":
            error, id = RefusedError(frame.fault), frame.fault.id
            if not self._pending.tell(id, error):
                self._on_refused(error, self._pending.action_of(id))
        # What a newer broker says and we do not know is not for us.

    def end(self) -> None:
        """What waits still comes, and then nothing more."""
        for listening in self._subscriptions.values():
            for subscription in listening:
                subscription.end()

    def _message(self, message: wire.Message, sender: Sender) -> None:
        if message.route == wire.ROUTE_REPLY and message.error:
            self._pending.tell(message.in_reply_to, RemoteError(message.error))
            return
        try:
            taken = self._read(message, sender)
        except (ValueError, RecursionError) as error:
            why = HenhouseError(f"the data of {message.action} cannot be read: {error}")
            if message.route == wire.ROUTE_REPLY:
                self._pending.tell(message.in_reply_to, why)
            elif message.want == wire.WANT_REPLY:
                self._reply(message, sender, error=str(why))
            else:
                _log.error("%s", why)
            return
        if message.route == wire.ROUTE_REPLY:
            self._pending.tell(message.in_reply_to, taken.data)
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
            # No error is what an empty one means on the wire.
            text = str(error)[:_ERROR_LENGTH_MAX] or type(error).__name__
            self._reply(request, message.sender, error=text)

    def _reply(self, request: wire.Message, asker: Sender, data: Any = b"", error: str = "") -> None:
        number, payload = encode(data)
        self._send_reply(
            wire.Message(
                route=wire.ROUTE_REPLY,
                connection=asker.connection,
                in_reply_to=request.id,
                action=request.action,
                encoding=number,
                data=payload,
                error=error,
            )
        )


def _sender(sender: wire.Sender) -> Sender:
    return Sender(sender.pid, _ROLES.get(sender.role, "operator"), sender.connection)


def _peers(pids: wire.Pids) -> Peers:
    def peer(member: wire.Member) -> Peer:
        return Peer(member.pid, member.connection, member.index)

    return Peers(tuple(map(peer, pids.worker)), peer(pids.agent) if pids.HasField("agent") else None)
