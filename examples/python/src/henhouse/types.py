"""What a handler and a caller get to see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Union

Role = Literal["agent", "worker", "master", "operator"]
Encoding = Literal["bytes", "json", "protobuf", "text"]


@dataclass(frozen=True)
class Sender:
    """The broker's word on who sent a message."""

    pid: int
    role: Role
    #: Never reused, unlike a pid.
    connection: int


#: Somebody: the agent, one at random, a pid, or exactly the one that a message came from.
ToOne = Union[Literal["agent", "random"], int, Sender]
To = Union[Literal["broadcast", "app"], ToOne]


@dataclass(frozen=True)
class Message:
    """An action, its data, and where it comes from."""

    action: str
    #: JSON as Python values, text as str, all else as bytes; of ``egg-pids``, Peers.
    data: Any
    encoding: Encoding
    #: The data as it came.
    bytes: bytes
    sender: Sender


@dataclass(frozen=True)
class Peer:
    pid: int
    connection: int
    #: A worker's slot; 0 for the agent.
    index: int


@dataclass(frozen=True)
class Peers:
    """Who is ready, as ``egg-pids`` says."""

    workers: tuple[Peer, ...] = ()
    agent: Peer | None = None


@dataclass(frozen=True)
class Receipt:
    """How many processes a message is on its way to, and for how many it waits in the broker."""

    queued: int
    held: int


@dataclass(frozen=True)
class Drain:
    """Take nothing new, finish, leave."""

    #: Seconds, counted from when this came.
    deadline: float
    cause: str
