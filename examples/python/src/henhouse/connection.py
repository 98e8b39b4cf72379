"""One connection to the broker, from Hello to its end."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass

from .errors import ClosedError, RefusedError
from .frames import FrameReader, pack
from .v1 import henhouse_pb2 as wire

VERSION = 1
_READ_BYTES_MAX = 64 << 10


@dataclass(frozen=True)
class Hello:
    role: str
    token: str
    name: str


class Connection:
    """Over a bare socket and not asyncio's streams: those do not tell which bytes have left,
    and a messenger that comes back must know what to send again."""

    def __init__(self, sock: socket.socket) -> None:
        self.welcome = wire.Welcome()
        self._socket = sock
        self._loop = asyncio.get_running_loop()
        self._reader = FrameReader()
        self._frames = self._read()

    @classmethod
    async def open(cls, path: str, hello: Hello) -> Connection:
        """Says Hello and waits for Welcome."""
        sock = socket.socket(socket.AF_UNIX)
        sock.setblocking(False)
        connection = cls(sock)
        try:
            await connection._loop.sock_connect(sock, path)
            await connection._introduce(hello)
        except BaseException:
            sock.close()
            raise
        return connection

    async def _introduce(self, hello: Hello) -> None:
        role = wire.ROLE_AGENT if hello.role == "agent" else wire.ROLE_WORKER
        # Pid 0: the kernel tells the broker ours, and it knows better where containers are about.
        said = wire.Hello(version=VERSION, role=role, pid=0, token=hello.token, name=hello.name)
        await self._loop.sock_sendall(self._socket, pack(wire.Frame(hello=said)))
        async for frame in self._frames:
            if frame.HasField("welcome"):
                self.welcome = frame.welcome
                self._reader.frame_bytes_max = frame.welcome.frame_bytes_max
                return

    def frames(self) -> AsyncIterator[wire.Frame]:
        """Every frame after Welcome; ends by raising why it ended."""
        return self._frames

    async def _read(self) -> AsyncIterator[wire.Frame]:
        while chunk := await self._loop.sock_recv(self._socket, _READ_BYTES_MAX):
            for frame in self._reader.push(chunk):
                if frame.HasField("fault") and frame.fault.fatal:
                    # The last frame: the socket's end follows, and this is why.
                    raise RefusedError(frame.fault)
                yield frame
        raise ClosedError("the broker closed the connection")

    async def write_some(self, data: bytes | memoryview) -> int:
        """Writes what fits, at least a byte, and says how much that was."""
        while True:
            try:
                return self._socket.send(data)
            except BlockingIOError:
                await self._writable()

    async def _writable(self) -> None:
        writable = asyncio.Event()
        self._loop.add_writer(self._socket, writable.set)
        try:
            await writable.wait()
        finally:
            self._loop.remove_writer(self._socket)

    def close(self) -> None:
        self._socket.close()
