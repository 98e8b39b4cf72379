"""What the process layer tells a child in its environment."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass

#: Sockets are passed as systemd passes them: from descriptor 3 on, in the order of their names.
_FIRST_DESCRIPTOR = 3


@dataclass(frozen=True)
class Identity:
    """Who the process layer says we are; None outside of it."""

    index: int | None
    incarnation: int | None
    generation: int | None


def identity() -> Identity:
    """Reads HENHOUSE_INDEX, HENHOUSE_INCARNATION and HENHOUSE_GENERATION."""

    def number(name: str) -> int | None:
        text = os.environ.get(f"HENHOUSE_{name}")
        return None if text is None else int(text)

    return Identity(number("INDEX"), number("INCARNATION"), number("GENERATION"))


def inherited_listener(name: str | None = None) -> socket.socket | None:
    """The inherited listening socket of that name, or the first.

    None where there is none, so that a worker also starts by hand.
    """
    # A shell may stand between the master and us. Past our parent, the sockets are not ours:
    # the variables are inherited further than they hold.
    if os.environ.get("LISTEN_PID") not in (str(os.getpid()), str(os.getppid())):
        return None
    count = int(os.environ.get("LISTEN_FDS", "0"))
    names = os.environ.get("LISTEN_FDNAMES", "").split(":")
    at = 0 if name is None else names.index(name) if name in names else count
    if at >= count:
        return None
    listener = socket.socket(fileno=_FIRST_DESCRIPTOR + at)
    listener.setblocking(False)
    # Our own children are not to hold the port open.
    listener.set_inheritable(False)
    return listener
