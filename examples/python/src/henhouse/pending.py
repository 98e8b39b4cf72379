"""What we have sent and may hear of again: who waits for word, and what a refusal was about."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Collection
from typing import Any

#: Of so many messages that nobody waits for we remember the action, to name it in a refusal.
_REMEMBERED_MAX = 1024


class Pending:
    def __init__(self) -> None:
        self._waiters: dict[int, asyncio.Future[Any]] = {}
        self._remembered: OrderedDict[int, str] = OrderedDict()

    def wait(self, id: int) -> asyncio.Future[Any]:
        """What comes of the message with that id."""
        waiter = self._waiters[id] = asyncio.get_running_loop().create_future()
        waiter.add_done_callback(lambda _: self._waiters.pop(id, None))
        return waiter

    def tell(self, id: int, answer: Any) -> bool:
        """Tells the one who waits, where somebody does; an exception is raised there."""
        waiter = self._waiters.pop(id, None)
        if waiter is None or waiter.done():
            return False
        if isinstance(answer, Exception):
            waiter.set_exception(answer)
        else:
            waiter.set_result(answer)
        return True

    def fail(self, error: Exception, but: Collection[int] = ()) -> None:
        """Ends the waiting of all but those for these ids."""
        for id in self._waiters.keys() - but:
            self.tell(id, error)

    def remember(self, id: int, action: str) -> None:
        """Nobody waits for this one; a refusal of it will name its action."""
        self._remembered[id] = action
        if len(self._remembered) > _REMEMBERED_MAX:
            self._remembered.popitem(last=False)

    def action_of(self, id: int) -> str | None:
        return self._remembered.get(id)
