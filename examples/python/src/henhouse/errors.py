"""What can go wrong with a message, as types to tell apart."""

from .v1 import henhouse_pb2 as wire


class HenhouseError(Exception):
    """All of this package's errors."""


class RefusedError(HenhouseError):
    """The broker refused a message, a request or the connection, and says why."""

    def __init__(self, fault: wire.Fault) -> None:
        #: The schema's code without its prefix, such as ``NO_SUCH_PROCESS``.
        self.code = _name(fault.code)
        self.detail = fault.detail
        self.fatal = fault.fatal
        super().__init__(f"{self.code}: {self.detail}" if self.detail else self.code)


class RemoteError(HenhouseError):
    """The process that was asked answered with an error, and this is its text."""


class ClosedError(HenhouseError):
    """The connection has ended, here or there."""


def _name(code: int) -> str:
    try:
        return wire.Code.Name(code).removeprefix("CODE_")
    except ValueError:
        # A code from a newer broker has no name here.
        return "UNSPECIFIED"
