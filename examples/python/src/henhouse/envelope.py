"""A message on its way out, from a verb's arguments to what the schema has for them."""

from __future__ import annotations

from typing import Any

from .payload import encode
from .types import Encoding, Sender, To
from .v1 import henhouse_pb2 as wire

#: An action's name may be as long as a file's.
_ACTION_BYTES_MAX = 255
_RESERVED_PREFIX = "egg-"

_ROUTES = {
    "broadcast": wire.ROUTE_BROADCAST,
    "app": wire.ROUTE_APP,
    "agent": wire.ROUTE_AGENT,
    "random": wire.ROUTE_RANDOM,
}


def envelope(
    to: To, action: str, data: Any, encoding: Encoding | None, others: bool = False
) -> wire.Message:
    """Raises ValueError or TypeError for what cannot be sent."""
    check_action(action)
    number, payload = encode(data, encoding)
    message = wire.Message(action=action, encoding=number, data=payload, others=others)
    if isinstance(to, str):
        message.route = _ROUTES[to]
    else:
        message.route = wire.ROUTE_PID
        message.pid = to.pid if isinstance(to, Sender) else to
        message.connection = to.connection if isinstance(to, Sender) else 0
    return message


def check_action(action: str) -> None:
    """Raises ValueError for an action that nobody may send."""
    if not action:
        raise ValueError("a message needs an action")
    if len(action.encode()) > _ACTION_BYTES_MAX:
        raise ValueError("the action is too long")
    if action.startswith(_RESERVED_PREFIX):
        raise ValueError(f"actions that begin with {_RESERVED_PREFIX} are the broker's")
