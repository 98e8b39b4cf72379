"""Egg's messenger over Henhouse, for asyncio."""

from .environment import Identity, identity, inherited_listener
from .errors import ClosedError, HenhouseError, RefusedError, RemoteError
from .listeners import Listener, Subscription
from .messenger import Messenger, join
from .types import Drain, Encoding, Message, Peer, Peers, Receipt, Role, Sender, To, ToOne

__all__ = [
    "ClosedError",
    "Drain",
    "Encoding",
    "HenhouseError",
    "Identity",
    "Listener",
    "Message",
    "Messenger",
    "Peer",
    "Peers",
    "Receipt",
    "RefusedError",
    "RemoteError",
    "Role",
    "Sender",
    "Subscription",
    "To",
    "ToOne",
    "identity",
    "inherited_listener",
    "join",
]
